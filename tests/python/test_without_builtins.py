"""Recorders that record no functions written in C: alone, beside others, and changed on the way."""

from __future__ import annotations

import sys
import threading

import pytest
from edbprof_native import Profile, profile
from prof_file import ProfFile

HOOKS = ["setprofile"] + (["monitoring"] if sys.version_info >= (3, 12) else [])
hooks = pytest.mark.parametrize("hook", HOOKS)
needs_monitoring = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12"
)
# 3.12 needs the events of calls to tell which calls never started.
without_calls = pytest.mark.skipif(
    sys.version_info < (3, 13), reason="up to 3.12 these events are always on"
)

ABS = "<built-in method builtins.abs>"
SORTED = "<built-in method builtins.sorted>"


def paths(recorded, tmp_path, root="work"):
    """Calls by path, of those that `root` begins."""
    recorded.disable()
    recorded.save(tmp_path / "x.prof")
    found = ProfFile(tmp_path / "x.prof").paths()
    return {names: calls for names, calls in found.items() if names[0] == root}


def key(x):
    return abs(x)


def work():
    return sorted([2, 1], key=key)


@hooks
def test_python_functions_stand_under_those_that_called_them(hook, tmp_path):
    recorded = Profile(hook=hook, builtins=False)
    recorded.enable()
    work()
    recorded.disable()
    assert paths(recorded, tmp_path) == {("work",): 1, ("work", "key"): 2}


@hooks
@pytest.mark.parametrize("first", [True, False])
def test_recorders_with_different_wishes_at_once(hook, first, tmp_path):
    outer, inner = Profile(hook=hook, builtins=first), Profile(hook=hook, builtins=not first)
    outer.enable()
    inner.enable()
    work()
    inner.disable()
    work()
    outer.disable()
    with_builtins = {
        ("work",): 1,
        ("work", SORTED): 1,
        ("work", SORTED, "key"): 2,
        ("work", SORTED, "key", ABS): 2,
    }
    without = {("work",): 1, ("work", "key"): 2}
    twice = lambda found: {names: 2 * calls for names, calls in found.items()}  # noqa: E731
    found = paths(inner, tmp_path)
    assert found == (without if first else with_builtins)
    assert paths(outer, tmp_path) == twice(with_builtins if first else without)


@hooks
def test_threads_with_different_wishes(hook, tmp_path):
    """One in the middle of recording without them while the other begins, and back."""
    without, with_builtins = Profile(hook=hook, builtins=False), Profile(hook=hook)
    begun, recorded = threading.Event(), threading.Event()

    def other():
        without.enable()
        work()
        begun.set()
        recorded.wait()
        work()
        without.disable()

    thread = threading.Thread(target=other)
    thread.start()
    begun.wait()
    with_builtins.enable()
    work()
    with_builtins.disable()
    recorded.set()
    thread.join()
    assert paths(without, tmp_path) == {("work",): 2, ("work", "key"): 4}
    assert paths(with_builtins, tmp_path)["work", SORTED, "key", ABS] == 2


@hooks
def test_switched_off_within_a_call_of_one(hook, tmp_path):
    """Those that are open end in their place, and no later call of the same ends them."""
    recorded = Profile(hook=hook)

    def off(x):
        if x == 2:
            recorded.enable(builtins=False)
            sorted([1], key=plain)
            abs(x)
            plain(x)
        return x

    def plain(x):
        return x

    def program():
        sorted([1, 2, 3], key=off)
        plain(1)
        abs(1)

    recorded.enable()
    program()
    assert paths(recorded, tmp_path, "program") == {
        ("program",): 1,
        ("program", SORTED): 1,
        ("program", SORTED, "off"): 3,
        ("program", SORTED, "off", "plain"): 2,
        ("program", "plain"): 1,
    }


@hooks
def test_switched_on_within_a_call_that_is_not_recorded(hook, tmp_path):
    """The end of an unrecorded call ends no recorded one of the same function around it."""
    recorded = Profile(hook=hook)

    def outer(x):
        recorded.enable(builtins=False)
        sorted([1], key=inner)
        plain()
        abs(x)
        return x

    def inner(x):
        recorded.enable(builtins=True)
        abs(x)
        return x

    def plain():
        pass

    def program():
        sorted([1], key=outer)
        plain()

    recorded.enable()
    program()
    assert paths(recorded, tmp_path, "program") == {
        ("program",): 1,
        ("program", SORTED): 1,
        ("program", SORTED, "outer"): 1,
        ("program", SORTED, "outer", "inner"): 1,
        ("program", SORTED, "outer", "inner", ABS): 1,
        ("program", SORTED, "outer", "plain"): 1,
        ("program", SORTED, "outer", ABS): 1,
        ("program", "plain"): 1,
    }


@hooks
def test_changed_in_another_thread(hook, tmp_path):
    recorded = Profile(hook=hook, threads=True, builtins=False)
    begun, changed = threading.Event(), threading.Event()

    def other():
        work()
        begun.set()
        changed.wait()
        work()

    thread = threading.Thread(target=other)
    recorded.enable()
    thread.start()
    begun.wait()
    recorded.enable(builtins=True)
    changed.set()
    thread.join()
    recorded.disable()
    recorded.save(tmp_path / "x.prof")
    (others,) = [
        {node.names: node.calls for node in thread.nodes}
        for thread in ProfFile(tmp_path / "x.prof").threads
        if thread.name.startswith("Thread-")
    ]
    assert others["run", "other", "work", "key"] == 2
    assert others["run", "other", "work", SORTED, "key", ABS] == 2


@hooks
def test_timers_and_changes(hook, tmp_path):
    now = 0

    def timer():
        nonlocal now
        now += 1
        return now

    recorded = Profile(timer, 1e-3, builtins=False, hook=hook)
    recorded.enable()
    work()
    recorded.enable(builtins=True)
    work()
    recorded.enable(builtins=False)
    work()
    assert paths(recorded, tmp_path) == {
        ("work",): 3,
        ("work", "key"): 4,
        ("work", SORTED): 1,
        ("work", SORTED, "key"): 2,
        ("work", SORTED, "key", ABS): 2,
    }


@hooks
def test_a_decorated_function_beside_it(hook, tmp_path):
    """A decorator's recording has functions written in C, whatever records around it."""
    decorated = profile(dir=tmp_path, prefix="d")(work)
    recorded = Profile(hook=hook, builtins=False)
    recorded.enable()
    decorated()
    work()
    assert paths(recorded, tmp_path) == {("work",): 2, ("work", "key"): 4}
    profile(dir=tmp_path, prefix="d").save()
    (file,) = tmp_path.glob("d*.prof")
    assert ProfFile(file).paths()["work", SORTED, "key", ABS] == 2


@needs_monitoring
@without_calls
def test_events_of_calls_come_where_somebody_wants_them(run):
    run(
        """
    import sys
    from edbprof_native import Profile, _native

    facts = _native._monitoring
    events = sys.monitoring.events

    def calls_are_on():
        return bool(sys.monitoring.get_events(facts()["tool"]) & events.CALL)

    with Profile(builtins=False) as first:
        assert facts()["on"] and not calls_are_on()
        with Profile() as second:
            assert calls_are_on()
        assert calls_are_on()
    for _ in range(40000):
        (lambda: None)()
    assert not facts()["on"] and facts()["sets"] == 3
    with Profile(builtins=False) as third:
        assert not calls_are_on()
        third.enable(builtins=True)
        assert calls_are_on()
        third.enable(builtins=False)
        assert calls_are_on()
    assert facts()["sets"] == 5
        """
    )
