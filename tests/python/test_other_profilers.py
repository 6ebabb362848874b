"""Profile functions of others: they get their events, and get back their place."""

from __future__ import annotations

import cProfile
import pstats
import sys

import pytest
from edbprof_native import Profile, profile
from prof_file import saved

MONITORING = sys.version_info >= (3, 12)
HOOKS = ["setprofile", "monitoring"] if MONITORING else ["setprofile"]


@pytest.fixture(autouse=True)
def nobody_is_left_behind():
    yield
    left = sys.getprofile()
    sys.setprofile(None)
    assert left is None


def callee():
    pass


def call(n):
    for _ in range(n):
        callee()


@pytest.mark.parametrize("hook", HOOKS)
def test_the_end_of_a_profile_function_may_set_none(hook, tmp_path, monkeypatch):
    """Python 3.11 refuses that."""

    class Ends:
        def __call__(self, *event):
            pass

        def __del__(self):
            sys.setprofile(other)

    def other(*event):
        pass

    def last(*event):
        pass

    def outcome():
        refused.clear()
        sys.setprofile(Ends())
        sys.setprofile(last)
        found = sys.getprofile()
        sys.setprofile(None)
        return refused[:], found

    refused = []
    monkeypatch.setattr(sys, "unraisablehook", lambda given: refused.append(given.exc_type))
    plain = outcome()
    recorded = Profile(hook=hook)
    with recorded:
        assert outcome() == plain
        call(2)
        assert outcome() == plain
    assert sys.version_info[:2] != (3, 11) or plain == ([RuntimeError], last)
    assert saved(recorded, tmp_path).calls("callee") == 2


class Listener:
    """A profile function that notes which Python functions are called."""

    def __init__(self):
        self.called = []

    def __call__(self, frame, event, argument):
        if event == "call" and frame.f_code in (callee.__code__, call.__code__):
            self.called.append(frame.f_code.co_name)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_profile_function_set_before_hears_everything(hook, tmp_path):
    listener = Listener()
    recorded = Profile(hook=hook)
    sys.setprofile(listener)
    call(1)
    recorded.enable()
    call(1)
    recorded.disable()
    call(1)
    assert sys.getprofile() is listener
    sys.setprofile(None)
    assert listener.called == ["call", "callee"] * 3
    assert saved(recorded, tmp_path).calls("callee") == 1


def test_a_decorated_function_under_a_profile_function(tmp_path):
    listener = Listener()
    decorated = profile(dir=tmp_path)(call)
    sys.setprofile(listener)
    for _ in range(3):
        decorated(1)
        assert sys.getprofile() is listener
    sys.setprofile(None)
    assert listener.called == ["call", "callee"] * 3


@pytest.mark.parametrize("hook", HOOKS)
def test_a_profile_function_that_raises_is_dropped_alone(hook, tmp_path):
    """The interpreter switches profiling off then; ours goes on."""

    def failing(frame, event, argument):
        if frame.f_code is callee.__code__:
            raise KeyError("from the profile function")

    recorded = Profile(hook=hook)
    sys.setprofile(failing)
    recorded.enable()
    with pytest.raises(KeyError, match="from the profile function"):
        callee()
    callee()
    callee()
    recorded.disable()
    assert sys.getprofile() is None
    assert saved(recorded, tmp_path).calls("callee") == 3


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("setter", [sys.setprofile, sys.settrace])
def test_a_call_that_another_function_prevents_in_a_recursion(hook, setter, tmp_path):
    """Later calls stay below those that made them."""

    def recurse(n):
        if n > 0:
            try:
                recurse(n - 1)
            except LookupError:
                pass
        callee()

    def prevent(frame, event, _):
        if event == "call" and frame.f_code is recurse.__code__ and frame.f_locals["n"] == 0:
            raise LookupError("on purpose")

    def program():
        setter(prevent)
        recurse(2)
        setter(None)
        callee()

    recorded = Profile(hook=hook)
    recorded.runcall(program)
    paths = saved(recorded, tmp_path).paths()
    one, two = ("program", "recurse"), ("program", "recurse", "recurse")
    found = {path: calls for path, calls in paths.items() if path[-1] in ("recurse", "callee")}
    # Up to 3.10 a trace function prevents a call before the profile function hears of it.
    is_heard = sys.version_info >= (3, 11) or setter is sys.setprofile
    assert found.pop((*two, "recurse"), 0) == is_heard
    assert found == {
        one: 1,
        two: 1,
        (*two, "callee"): 1,
        (*one, "callee"): 1,
        ("program", "callee"): 1,
    }


def test_getprofile_can_be_put_back(run):
    """Programs save the profile function, switch it off and set it again."""
    run(
        """
        import sys
        from edbprof_native import Profile
        from prof_file import ProfFile

        def callee(): pass

        def program():
            before = sys.getprofile()
            assert before is None
            callee()
            sys.setprofile(None)
            callee()
            sys.setprofile(before)
            callee()
            assert sys.getprofile() is before
            callee()

        recorded = Profile(hook="setprofile")
        with recorded:
            program()
        recorded.save("x.prof")
        assert ProfFile("x.prof").paths()["program", "callee"] == 4
        assert sys.getprofile() is None
        """
    )


def test_a_profile_function_set_meanwhile_stays(run):
    """Both hear everything from then on."""
    run(
        """
        import sys
        from edbprof_native import Profile
        from prof_file import ProfFile

        def callee(): pass
        heard = []
        def listener(frame, event, argument):
            if event == "call":
                heard.append(frame.f_code.co_name)

        for _ in range(2):
            recorded = Profile(hook="setprofile")
            recorded.enable()
            callee()
            sys.setprofile(listener)
            assert sys.getprofile() is listener
            callee()
            recorded.disable()
            assert sys.getprofile() is listener
            callee()
            sys.setprofile(None)
            recorded.save("x.prof")
            assert ProfFile("x.prof").calls("callee") == 2
        assert heard.count("callee") == 4
        """
    )


def test_a_profile_function_that_removes_itself(run):
    run(
        """
        import sys
        from edbprof_native import Profile
        from prof_file import ProfFile

        def callee(): pass

        def other(): pass

        heard = []
        def once(frame, event, argument):
            heard.append(event)
            sys.setprofile(None)

        def program():
            sys.setprofile(once)
            callee()
            callee()
            assert sys.getprofile() is None

        with Profile(hook="setprofile") as recorded:
            program()
        recorded.save("x.prof")
        assert ProfFile("x.prof").paths()["program", "callee"] == 2
        assert heard == ["c_return"], heard
        """
    )


def test_recording_goes_on_after_others_have_switched_it_off(run):
    """In each thread, and whatever the recording leaves out."""
    run(
        """
        import sys, threading
        from edbprof_native import Profile, profile
        from prof_file import ProfFile, only_file
        from pathlib import Path

        def callee(): pass

        @profile(dir=".", prefix="decorated_")
        def decorated():
            callee()

        def outer():
            sys.setprofile(None)
            callee()

        def both():
            outer()
            decorated()
            outer()

        for builtins in (False, True):
            with Profile(hook="setprofile", threads=True, builtins=builtins) as recorded:
                both()
                thread = threading.Thread(target=both)
                thread.start()
                thread.join()
            assert sys.getprofile() is None
            recorded.save("x.prof")
            calls = [sum(node.calls for node in thread.nodes if node.names[-3:] == path)
                     for thread in ProfFile("x.prof").threads
                     for path in (("both", "outer", "callee"), ("both", "decorated", "callee"))]
            assert calls == [2, 1, 2, 1], calls
        """
    )


def cprofile_calls(profiler, name):
    rows = pstats.Stats(profiler).stats
    return sum(row[1] for label, row in rows.items() if label[2] == name)


def test_cprofile_outside(tmp_path):
    recorded = Profile()
    outside = cProfile.Profile()
    outside.enable()
    call(1)
    recorded.enable()
    call(2)
    recorded.disable()
    call(4)
    outside.disable()
    assert cprofile_calls(outside, "callee") == 7
    assert saved(recorded, tmp_path).calls("callee") == 2


def test_cprofile_around_decorated_calls(tmp_path):
    decorated = profile(dir=tmp_path)(call)
    outside = cProfile.Profile()
    outside.enable()
    for _ in range(3):
        decorated(2)
    outside.disable()
    assert cprofile_calls(outside, "callee") == 6
    assert cprofile_calls(outside, "call") == 3


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("builtins", [True, False])
def test_cprofile_inside(run, hook, builtins):
    """Both count all of their own, though cProfile is imported while ours records."""
    run(
        f"""
        import pstats, sys
        from edbprof_native import Profile

        assert "cProfile" not in sys.modules

        def callee(): pass

        def rest():
            for _ in range(1000):
                callee()

        def program():
            import cProfile

            callee()
            inside = cProfile.Profile()
            inside.enable()
            callee()
            callee()
            inside.disable()
            assert sys.getprofile() is None
            rest()
            inside.runcall(rest)
            rest()
            counts = {{label[2]: row[1] for label, row in pstats.Stats(inside).stats.items()}}
            assert counts["callee"] == 1002

        with Profile(hook={hook!r}, builtins={builtins}) as recorded:
            program()
        recorded.save("x.prof")
        from prof_file import ProfFile
        paths = ProfFile("x.prof").paths()
        assert paths["program", "callee"] == 3
        assert paths["program", "rest", "callee"] == 2000
        assert ProfFile("x.prof").calls("callee") == 3003
        """
    )


def test_cprofile_run_of_a_decorated_program(run):
    run(
        """
        import cProfile
        from edbprof_native import profile
        from prof_file import only_file
        from pathlib import Path

        @profile(dir=".")
        def main(n):
            return n and main(n - 1)

        profiler = cProfile.Profile()
        profiler.runcall(main, 5)
        profiler.runcall(main, 5)
        """
    )
