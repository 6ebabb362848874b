"""The gate that switches sys.monitoring's events on and off: when, how often, its limits."""

from __future__ import annotations

import sys

import pytest
from prof_file import ProfFile

needs_monitoring = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12"
)
# Its changes of events are limited.
wears_out = pytest.mark.skipif(sys.version_info < (3, 13), reason="3.12 counts further")


GATE = """
    import sys
    from edbprof_native import Profile, _native, profile

    facts = _native._monitoring

    @profile(dir=".", save_every_n_calls=0)
    def decorated():
        pass

    def unclaimed(events):
        # Two for each call, and perhaps that of something in the loop.
        for _ in range(events // 2):
            (lambda: None)()
"""


@needs_monitoring
def test_nothing_is_switched_before_a_call(run):
    run(
        GATE
        + """
    unclaimed(100000)
    assert not facts()["on"] and facts()["sets"] == 0
    assert sys.monitoring.get_events(facts()["tool"]) == 0
        """
    )


@needs_monitoring
def test_events_stay_on_and_go_off(run):
    run(
        GATE
        + """
    for _ in range(1000):
        decorated()
        unclaimed(20)
    assert facts()["on"] and facts()["sets"] == 1
    limit = facts()["unclaimed_limit"]
    assert 256 <= limit <= 16384
    unclaimed(limit // 2)
    assert facts()["on"]
    unclaimed(limit)
    assert not facts()["on"] and facts()["sets"] == 2 and facts()["cycles"] == 1
    assert sys.monitoring.get_events(facts()["tool"]) == 0
    unclaimed(100000)
    assert facts()["sets"] == 2
    decorated()
    assert facts()["on"] and facts()["sets"] == 3
        """
    )


@needs_monitoring
def test_events_stay_on_while_a_thread_records(run):
    """However many other threads have to suffer."""
    run(
        GATE
        + """
    import threading
    from prof_file import ProfFile

    def callee(): pass

    def other():
        unclaimed(10 * 16384)

    with Profile() as recorded:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert facts()["on"] and facts()["unclaimed"] == 0
        callee()
    recorded.save("x.prof")
    assert ProfFile("x.prof").calls("callee") == 1
        """
    )


@needs_monitoring
def test_threads_that_ended_while_they_recorded_keep_nothing_on(run):
    run(
        GATE
        + """
    import threading

    recorded = [Profile() for _ in range(3)]
    for each in recorded:
        thread = threading.Thread(target=each.enable)
        thread.start()
        thread.join()
    unclaimed(2 * 16384)
    assert not facts()["on"]
        """
    )


@needs_monitoring
def test_switched_off_under_many_threads(run):
    """From within a callback, in the middle of what the others do."""
    run(
        GATE
        + """
    import threading
    from pathlib import Path
    from prof_file import total_calls

    def callee(n):
        return n and callee(n - 1)

    @profile(dir=".", prefix="deep", save_every_n_calls=0)
    def deep():
        return callee(20)

    def work(start):
        start.wait()
        for i in range(100):
            deep()
            sum(len("x") for _ in range(i % 7 * 300))

    sys.setswitchinterval(1e-5)
    start = threading.Barrier(4)
    threads = [threading.Thread(target=work, args=(start,)) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    profile(dir=".", prefix="deep").save()
    assert total_calls(Path("."), "deep") == 400
    assert total_calls(Path("."), "callee") == 400 * 21
        """
    )


@wears_out
def test_limit_grows_and_then_events_stay_on(run):
    """So that this process's changes of events are never used up by us."""
    run(
        GATE
        + """
    def go_off():
        before = facts()["cycles"]
        while facts()["cycles"] == before:
            unclaimed(100)
        return facts()["unclaimed_limit"]

    for millions in range(6):
        facts(cycles=millions * 1000000)
        decorated()
        assert 256 << millions <= go_off() <= 16384 << millions
        assert not facts()["stuck_on"]
    facts(cycles=5999999)
    decorated()
    go_off()
    decorated()
    sets = facts()["sets"]
    unclaimed(3 * 6 * 16384 << 6)
    assert facts()["on"] and facts()["sets"] == sets
        """
    )


@wears_out
@pytest.mark.parametrize("on", [True, False])
def test_changes_of_events_are_used_up(run, on):
    """By others; then every set_events() raises OverflowError, for everyone.

    What was on stays on and records; what was off says that it can't.
    """
    told = run(
        GATE
        + f"""
    import atexit, collections, itertools
    from pathlib import Path
    from prof_file import only_file

    def callee():
        pass

    def after():
        unclaimed(100000)
        decorated()
        new = profile(dir=".", save_every_n_calls=0)(lambda: callee())
        new()
        space = {{"callee": callee}}
        exec("def late(): return callee()", space)
        late = profile(dir=".", save_every_n_calls=0)(space["late"])
        late()
        unclaimed(100000)
        late()
        if {on}:
            assert facts()["on"] and facts()["stuck_on"]
            profile(dir=".").save()
            file = only_file(Path("."))
            assert (file.calls("decorated"), file.calls("callee")) == (2, 3), file.paths()
            assert file.calls("late") == 2
        else:
            assert not facts()["on"]
            try:
                Profile().enable()
            except RuntimeError as error:
                assert "switched" in str(error) and "so often" in str(error)
            else:
                raise AssertionError
        print("all is well")

    if {on}:
        decorated()
    sys.monitoring.use_tool_id(1, "restless")
    changes = map(sys.monitoring.set_events, itertools.repeat(1), itertools.cycle([1, 0]))
    # Where no Python function is open, which each change has to visit: a tenth the time.
    atexit.register(after)
    atexit.register(collections.deque, changes, 0)
        """,
        err=None,
    )
    assert told.out == "all is well\n", told
    overflow, _, told_by_us = told.err.partition("OverflowError: ")
    assert overflow.startswith("Exception ignored in atexit callback"), told
    told_by_us = told_by_us.splitlines()[1:]
    if on:
        assert told_by_us == []
    else:
        (line,) = told_by_us
        assert line.startswith("edbprof: cannot record a call: nothing can be recorded any")


@needs_monitoring
def test_offsets_at_which_no_instruction_is(run, tmp_path):
    run(
        GATE
        + """
    import dis

    names = [f"v{number}" for number in range(200)]
    exec(f"def many({', '.join(names)}): return [{', '.join(names)}]")
    code = many.__code__
    # Cython's events have the numbers of lines as offsets.
    offset = code.co_code[1::2].index(dis.opmap["RESUME"]) * 2 + 1
    try:
        raise ValueError
    except ValueError as error:
        raised = error
    recorder = Profile()
    recorder.enable()
    tool, event = facts()["tool"], sys.monitoring.events.RAISE
    on_raise = sys.monitoring.register_callback(tool, event, None)
    sys.monitoring.register_callback(tool, event, on_raise)
    on_raise(code, offset, raised)
    on_raise(code, len(code.co_code) - 1, raised)
    recorder.disable()
    recorder.save("offsets.prof")
        """
    )
    assert ProfFile(tmp_path / "offsets.prof").calls("many") == 0
