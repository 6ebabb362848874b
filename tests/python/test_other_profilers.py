"""Profile functions of others: they get their events, and get back their place."""

from __future__ import annotations

import cProfile
import pstats
import sys

import pytest
from edbprof_native import Profile, profile
from prof_file import saved

# Up to 3.11 there is one profile function a thread, cProfile's included; from 3.12 on
# cProfile has a place of its own in sys.monitoring.
CPROFILE_TAKES_THE_PLACE = sys.version_info < (3, 12)
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
    """The interpreter switches profiling off then; ours goes on.

    sys.monitoring asks the profile function first; in 3.12 the call that it prevents is none.
    """

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
    expected = {"setprofile": 3, "monitoring": 3 if sys.version_info >= (3, 13) else 2}
    assert saved(recorded, tmp_path).calls("callee") == expected[hook]


def test_getprofile_can_be_put_back(run):
    """Programs save the profile function, switch it off and set it again."""
    run(
        """
        import sys
        from edbprof_native import Profile
        from prof_file import ProfFile

        def callee(): pass

        def program():
            ours = sys.getprofile()
            callee()
            sys.setprofile(None)
            callee()
            sys.setprofile(ours)
            callee()
            assert sys.getprofile() is ours
            callee()

        recorded = Profile(hook="setprofile")
        with recorded:
            program()
            ours = sys.getprofile()
        recorded.save("x.prof")
        file = ProfFile("x.prof")
        assert file.paths()["program", "callee"] == 1, file.paths()
        assert file.paths()["callee",] == 2, file.paths()  # under whom was lost
        sys.setprofile(ours)  # too late: it is nobody's
        callee()
        assert sys.getprofile() is None
        with recorded:
            callee()
        assert sys.getprofile() is None
        """
    )


def test_a_profile_function_set_meanwhile_stays(run):
    told = run(
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
            callee()
            recorded.disable()
            assert sys.getprofile() is listener
            sys.setprofile(None)
            recorded.save("x.prof")
            assert ProfFile("x.prof").calls("callee") == 1
        assert heard.count("callee") == 2
        """,
        err=None,
    )
    assert told.err.count("another profiler was switched on") == told.err.count("\n") == 1


def test_recording_goes_on_after_others_have_switched_it_off(run):
    told = run(
        """
        import sys
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

        with Profile(hook="setprofile") as recorded:
            outer()
            decorated()
            decorated()
        assert sys.getprofile() is None
        recorded.save("x.prof")
        expected = {("decorated",): 2, ("decorated", "callee"): 2}
        for name, calls in expected.items():
            assert ProfFile("x.prof").paths()[name] == calls
        del decorated
        """,
        err=None,
    )
    assert told.err.count("another profiler was switched") == told.err.count("\n") == 1


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


def test_cprofile_inside(run):
    """It must count all of its own; ours says once that it lost what came after."""
    told = run(
        """
        import cProfile, pstats, sys
        from edbprof_native import Profile
        from prof_file import ProfFile

        def callee(): pass

        recorded, inside = Profile(), cProfile.Profile()
        recorded.enable()
        callee()
        inside.enable()
        callee()
        callee()
        inside.disable()
        callee()
        recorded.disable()
        counts = {label[2]: row[1] for label, row in pstats.Stats(inside).stats.items()}
        assert counts["callee"] == 2
        recorded.save("x.prof")
        print(ProfFile("x.prof").calls("callee"))
        """,
        err=None,
    )
    assert told.out == ("1\n" if CPROFILE_TAKES_THE_PLACE else "4\n")
    assert told.err.count("another profiler") == told.err.count("\n") == CPROFILE_TAKES_THE_PLACE


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
