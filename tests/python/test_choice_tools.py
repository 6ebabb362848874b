"""Tool ids of sys.monitoring that choices take, and the places that they disable."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12")

COMMON = """
    import sys
    from edbprof_native import Profile, _native
    from prof_file import ProfFile

    monitoring = sys.monitoring

    def a(): return b()
    def b(): return c()
    def c(): return len("x")

    def counts(recorded):
        recorded.save("x.prof")
        found = {}
        for path, calls in ProfFile("x.prof").paths().items():
            found[path[-1]] = found.get(path[-1], 0) + calls
        return {name: calls for name, calls in found.items() if name in "abc"}

    def tools():
        return {tool for tool in range(6) if monitoring.get_tool(tool) == "edbprof"}
"""


def test_each_choice_has_a_tool_id(run):
    """Whatever one has disabled, the others see it, at the same time and later."""
    run(
        COMMON
        + """
    first, second, full = Profile(record="a"), Profile(record="b"), Profile()
    with first:
        for _ in range(3): a()
    with second, full:
        for _ in range(3): a()
    with first, second:
        for _ in range(3): a()
    with Profile(record="a") as again:
        a()
    assert counts(first) == {"a": 6} and counts(second) == {"b": 6}
    assert counts(full) == {"a": 3, "b": 3, "c": 3} and counts(again) == {"a": 1}
    assert tools() == {3, 4, 5}
        """
    )


def test_without_a_free_tool_id_callbacks_choose(run):
    done = run(
        COMMON
        + """
    kept = [Profile()] + [Profile(record=name) for name in "ab"]
    assert tools() == {3, 4, 5}
    filtered = Profile(record="c")
    second = Profile(record=["c", "b"])
    with filtered, second, kept[1], kept[0]:
        a()
    with filtered:
        a()
    assert counts(filtered) == {"c": 2} and counts(second) == {"b": 1, "c": 1}
    assert counts(kept[1]) == {"a": 1} and counts(kept[0]) == {"a": 1, "b": 1, "c": 1}
        """,
        err=None,
    )
    assert done.err.count("edbprof:") == 1
    assert "no tool id of sys.monitoring is free for this choice (--record=c)" in done.err


def test_others_have_all_tool_ids(run):
    done = run(
        COMMON
        + """
    for tool in (3, 4, 5):
        monitoring.use_tool_id(tool, "other")
    filtered = Profile(record="b")
    with filtered:
        a()
    assert counts(filtered) == {"b": 1} and tools() == set()
        """,
        err=None,
    )
    assert done.err.count("edbprof:") == 1


def test_events_of_other_functions_do_not_come(run):
    """Not in threads that record nothing either."""
    run(
        COMMON
        + """
    def many():
        for _ in range(100000): a()

    with Profile(record="nothing"):
        a()
    many()
    # So many events of which nobody wants one would have switched them off.
    (gate,) = _native._monitoring()["chosen"]
    assert gate["on"] and gate["tool"] == 4 and gate["sets"] == 1
        """
    )


def test_a_tool_id_that_was_freed_is_not_another_choices(run):
    """Its places may be disabled still. The one that had it may have it again."""
    run(
        COMMON
        + """
    first = Profile(record="a")
    with first:
        for _ in range(3): a()
    assert tools() == {4}
    monitoring.set_events(4, 0)
    monitoring.free_tool_id(4)
    second = Profile(record="b")
    with second:
        for _ in range(3): a()
    assert counts(second) == {"b": 3} and tools() == {5}
    full = Profile()
    with full:
        for _ in range(3): a()
    assert counts(full) == {"a": 3, "b": 3, "c": 3} and tools() == {3, 5}
    first.enable()
    for _ in range(3): a()
    first.disable()
    assert counts(first) == {"a": 6} and tools() == {3, 4, 5}
        """
    )


def test_another_tools_disabled_places_stay_disabled(run):
    run(
        COMMON
        + """
    seen = []
    monitoring.use_tool_id(0, "other")

    def once(code, offset):
        seen.append(code.co_name)
        return monitoring.DISABLE

    monitoring.register_callback(0, monitoring.events.PY_START, once)
    monitoring.set_events(0, monitoring.events.PY_START)
    a()
    for name in ("a", "b", "a"):
        with Profile(record=name):
            a()
    monitoring.set_events(0, 0)
    assert sorted(name for name in seen if name in "abc") == ["a", "b", "c"]
        """
    )


def test_restarted_by_another_tool(run):
    """Places are disabled once more."""
    run(
        COMMON
        + """
    recorded = Profile(record="b")
    with recorded:
        for _ in range(5):
            a()
            monitoring.restart_events()
            a()
    assert counts(recorded) == {"b": 10}
        """
    )


RAISING = (
    COMMON
    + """
    def a(n):
        try: return b(n)
        except (ValueError, KeyError): return c(n)
    def b(n):
        if n % 2: raise ValueError
        return c(n)
    def c(n):
        if n % 3 == 2: raise KeyError
        return len("x")
    def d(n):
        try: return a(n)
        except KeyError: pass

    def unwinds():
        return monitoring.get_events(4) & monitoring.events.PY_UNWIND != 0

    def is_local(function):
        return monitoring.get_local_events(4, function.__code__) == monitoring.events.PY_UNWIND

    def all_calls(recorded):
        recorded.save("x.prof")
        return dict(ProfFile("x.prof").paths())
    """
)


def test_each_end_by_an_exception_is_recorded(run):
    """Of calls in callers that are recorded, and in others, whichever hook came first."""
    run(
        RAISING
        + """
    by_profile = Profile(record=["a", "c"], hook="setprofile")
    first = Profile(record=["a", "c"])
    for recorded in (by_profile, first, first):
        recorded.enable()
        for n in range(60): d(n)
        recorded.disable()
    once, twice = ({path: calls for path, calls in all_calls(recorded).items() if len(path) < 3}
                   for recorded in (by_profile, first))
    assert once[("a",)] == 60 and set(once) == {("a",), ("a", "c")}, once
    assert twice == {path: 2 * calls for path, calls in once.items()}
        """
    )


@pytest.mark.skipif(sys.version_info < (3, 15), reason="PY_UNWIND is local from 3.15 on")
def test_exceptions_in_other_functions_are_no_events(run):
    run(
        RAISING
        + """
    with Profile(record="c") as recorded:
        for n in range(60): d(n)
    assert not unwinds() and is_local(c) and not is_local(b) and not is_local(a)
    expected = all_calls(recorded)
    # The local events are gone with the tool id, so all exceptions are events then.
    monitoring.set_events(4, 0)
    monitoring.free_tool_id(4)
    recorded.enable()
    for n in range(60): d(n)
    recorded.disable()
    assert unwinds()
    assert all_calls(recorded) == {path: 2 * calls for path, calls in expected.items()}
        """
    )


@pytest.mark.skipif(sys.version_info < (3, 15), reason="PY_UNWIND is local from 3.15 on")
def test_exceptions_thrown_into_generators(run):
    """Also where throw() is the first event of the code."""
    run(
        RAISING
        + """
    def c():
        try: yield 1
        except KeyError: yield 2

    def throw(exception, starts):
        generator = c()
        if starts: next(generator)
        try: generator.throw(exception)
        except (KeyError, ValueError): pass

    chosen, full = Profile(record="c"), Profile()
    with full, chosen:
        for starts in (False, True, True):
            for exception in (KeyError(), ValueError()):
                throw(exception, starts)
    assert not unwinds() and is_local(c)
    full.save("full.prof")
    chosen.save("chosen.prof")
    found, expected = ((file.calls("c"), file.resumes("c"))
                       for file in map(ProfFile, ("chosen.prof", "full.prof")))
    assert found == expected and found[0] >= 4, (found, expected)
        """
    )
