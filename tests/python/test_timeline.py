"""Timelines: every event with its time, beside the `.prof` file.

What the events add up to is what the trees say, for all kinds of calls.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time

import pytest
from edbprof_native import Profile, profile
from prof_file import ProfFile
from timeline_file import BLOCKED, SETPROFILE, check_against, only_process


@pytest.fixture
def both(tmp_path):
    """Calls a function under a `Profile` with a timeline; returns that, checked against the
    trees."""

    def both(function, timeline=True, raises=(), **options):
        recorded = Profile(timeline=timeline, live_dir=tmp_path, **options)
        recorded.enable()
        try:
            function()
        except raises:
            pass
        recorded.disable()
        path = tmp_path / "a.prof"
        recorded.save(path)
        recorded.close()
        of = only_process(f"{path}.timeline")
        check_against(of, ProfFile(path))
        return of

    return both


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def numbers(count):
    yield from range(count)


def test_each_call_is_there_with_its_time(both):
    def pause():
        time.sleep(0.02)

    def work():
        pause()
        fib(10)
        pause()

    of = both(work)
    assert len(of.calls_of("fib")) == 177
    pauses = of.calls_of("pause")
    assert [call.path for call in pauses] == [("work", "pause")] * 2
    assert all(of.ns(call.end - call.begin) >= 20e6 for call in pauses)
    assert pauses[0].end <= of.calls_of("fib")[0].begin
    assert of.entry["complete_from"] == 1
    begin = of.entry["zero_monotonic_ns"] + of.ns(pauses[0].begin)
    assert time.monotonic_ns() - 60e9 < begin < time.monotonic_ns()
    begin = of.entry["zero_unix_ns"] + of.ns(pauses[0].begin)
    assert time.time_ns() - 60e9 < begin < time.time_ns()


@pytest.mark.parametrize("hook", ["setprofile", "monitoring"])
def test_events_add_up_to_the_trees(both, hook):
    if hook == "monitoring" and sys.version_info < (3, 12):
        pytest.skip("there is no sys.monitoring")

    def fails(depth):
        if depth == 0:
            raise KeyError("on purpose")
        fails(depth - 1)

    def work():
        fib(12)
        sum(numbers(50))
        sorted(numbers(20), key=lambda number: -number)
        for depth in range(5):
            with pytest.raises(KeyError):
                fails(depth)
        closed = numbers(3)
        next(closed)
        closed.close()

    both(work, hook=hook)


@pytest.mark.parametrize("clock", ["wall", "cpu"])
def test_threads_have_histories_of_their_own(both, clock):
    def work():
        threads = [threading.Thread(target=fib, args=(n,)) for n in range(3, 12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    of = both(work, threads=True, clock=clock)
    assert len({block.thread for block in of.blocks}) == 10


def test_many_threads_that_share_trees(both):
    def work():
        for _ in range(300):
            thread = threading.Thread(target=fib, args=(3,))
            thread.start()
            thread.join()

    of = both(work, threads=True)
    assert len({block.thread for block in of.blocks}) == 301


def test_waits_are_events(both):
    def pause():
        time.sleep(0.05)

    of = both(pause)
    assert any(kind == BLOCKED and ns > 45e6 and "sleep" in path[-1] for kind, ns, path in of.waits)


def test_calls_that_overflow(both):
    def work():
        fib(12)
        for name in ("bin", "hex", "oct"):
            getattr(__import__("builtins"), name)(7)

    both(work, max_nodes=64)


def test_a_timer_gives_the_times(both):
    ticks = iter(range(10**9))
    of = both(lambda: fib(8), timer=lambda: next(ticks), timeunit=1.0)
    assert of.entry["zero_monotonic_ns"] == 0


def test_the_oldest_events_go_first(tmp_path):
    def called():
        pass

    recorded = Profile(timeline=1, live_dir=tmp_path)
    recorded.enable()
    for _ in range(50_000):
        called()
    recorded.disable()
    recorded.save(tmp_path / "a.prof")
    recorded.close()
    of = only_process(tmp_path / "a.prof.timeline")
    calls = of.calls_of("called")
    assert 10_000 < len(calls) < 20_000
    assert of.entry["complete_from"] > 1
    assert calls[-1].end <= of.entry["end"]


def test_the_file_is_its_owners(tmp_path):
    recorded = Profile(timeline=True, live_dir=tmp_path)
    mask = os.umask(0)
    try:
        recorded.enable()
        fib(2)
        recorded.disable()
        (history,) = tmp_path.glob("*.timeline.live")
        recorded.save(tmp_path / "a.prof")
    finally:
        os.umask(mask)
    for path in (history, tmp_path / "a.prof.timeline"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    recorded.close()
    assert not history.exists()


def test_there_is_none_unless_it_is_wanted(tmp_path):
    recorded = Profile(live_dir=tmp_path)
    recorded.runcall(fib, 3)
    recorded.save(tmp_path / "a.prof")
    assert not (tmp_path / "a.prof.timeline").exists()
    assert not list(tmp_path.glob("*.timeline.live"))
    recorded.close()


def test_without_a_live_file_it_is_in_memory(tmp_path):
    recorded = Profile(timeline=True, live_dir="")
    recorded.runcall(fib, 10)
    recorded.save(tmp_path / "a.prof")
    recorded.close()
    of = only_process(tmp_path / "a.prof.timeline")
    check_against(of, ProfFile(tmp_path / "a.prof"))


@pytest.mark.parametrize("timeline", ["1", 1.5, None])
def test_a_size_is_a_number(timeline):
    with pytest.raises(TypeError):
        Profile(timeline=timeline)
    with pytest.raises(TypeError):
        profile(timeline=timeline)
    with pytest.raises(ValueError):
        Profile(timeline=-1)


def test_decorated_functions(run, tmp_path):
    run(
        """
        import sys, os
        from edbprof_native import profile

        @profile(dir=sys.argv[1], timeline=True)
        def fib(n):
            return n if n < 2 else fib(n - 1) + fib(n - 2)

        fib(10)
        if os.fork() == 0:
            fib(5)
            sys.exit()
        os.wait()
        fib(3)
        """,
        tmp_path,
    )
    files = sorted(tmp_path.glob("*.prof"))
    assert len(files) == 2
    for path in files:
        check_against(only_process(f"{path}.timeline"), ProfFile(path))
    assert not list(tmp_path.glob("*.live"))


def test_a_forked_child_begins_one_of_its_own(run, tmp_path):
    run(
        """
        import os, sys
        from edbprof_native import Profile

        def fib(n):
            return n if n < 2 else fib(n - 1) + fib(n - 2)

        def child():
            fib(7)

        def work():
            fib(9)
            if os.fork() == 0:
                child()
                recorded.save(sys.argv[1] + "/child.prof")
                os._exit(0)
            os.wait()
            fib(4)

        recorded = Profile(timeline=True, live_dir=sys.argv[1])
        recorded.enable()
        work()
        recorded.disable()
        recorded.save(sys.argv[1] + "/parent.prof")
        """,
        tmp_path,
    )
    check_against(
        only_process(tmp_path / "parent.prof.timeline"), ProfFile(tmp_path / "parent.prof")
    )
    of = only_process(tmp_path / "child.prof.timeline")
    assert len(of.calls_of("fib")) == 41
    assert len(of.calls_of("child")) == 1
    assert not of.calls_of("work")


@pytest.mark.parametrize("hook", [SETPROFILE, "monitoring"])
def test_the_way_in_which_calls_end(both, hook):
    if hook == "monitoring" and sys.version_info < (3, 12):
        pytest.skip("there is no sys.monitoring")

    def fails():
        raise KeyError("on purpose")

    async def awaits():
        await paused()

    class paused:
        def __await__(self):
            yield 1

    def work():
        list(numbers(2))
        try:
            fails()
        except KeyError:
            pass
        try:
            len(0)
        except TypeError:
            pass
        coroutine = awaits()
        coroutine.send(None)
        try:
            coroutine.send(None)
        except StopIteration:
            pass

    of = both(work, hook=hook)

    def ended(name):
        return [call.ended for call in of.calls_of(name)]

    assert ended("numbers") == ["suspended"] * 2 + ["returned"]
    assert ended("fails") == ["raised"]
    assert ended("<built-in method builtins.len>") == ["raised"]
    assert ended("awaits") == ["suspended", "returned"]
    assert ended("__await__") == ["suspended", "returned"]
    assert ended("work") == ["returned"]


def slow_calls(run, tmp_path, source):
    """Runs a program with the function `work(slow)`, decorated, and returns its timeline."""
    run(
        """
        import asyncio, sys, time
        from edbprof_native import profile

        decorated = profile(dir=sys.argv[1], slower_than=0.05, keep=3, timeline=1 << 20)

        def fast():
            for _ in range(40):
                abs(-1)

        def maybe(slow):
            fast()
            if slow:
                time.sleep(0.06)
        """
        + source,
        tmp_path,
    )
    (path,) = tmp_path.glob("*.prof")
    trees = ProfFile(path)
    return only_process(f"{path}.timeline"), trees


SLOW_FUNCTION = """
        @decorated
        def work(slow):
            maybe(slow)

        for number in range(6000):
            work(number % 1500 == 700)
"""
SLOW_COROUTINE = """
        @decorated
        async def work(slow):
            fast()
            if slow:
                await asyncio.sleep(0.06)

        async def main():
            for number in range(4000):
                await work(number % 1000 == 700)

        asyncio.run(main())
"""
SLOW_GENERATOR = """
        @decorated
        async def work(slow):
            yield 1
            if slow:
                await asyncio.sleep(0.06)
            fast()
            yield 2

        async def main():
            for number in range(4000):
                async for _ in work(number % 1000 == 700):
                    pass

        asyncio.run(main())
"""


@pytest.mark.parametrize("source", [SLOW_FUNCTION, SLOW_COROUTINE, SLOW_GENERATOR])
def test_of_slow_calls_the_latest_are_kept(run, tmp_path, source):
    of, trees = slow_calls(run, tmp_path, source)
    starts = [call for call in of.calls_of("work") if call.ended != "suspended"]
    # Blocks have other calls before and after the slow ones, but few of all.
    assert trees.calls("work") >= 4000
    assert len(starts) < trees.calls("work") / 2
    assert of.entry["complete_from"] == of.entry["end"]
    if source == SLOW_FUNCTION:
        slow = [call for call in starts if of.ns(call.end - call.begin) >= 50e6]
        assert len(slow) == 3


def test_nothing_is_kept_unless_a_call_is_slow(run, tmp_path):
    run(
        """
        import sys
        from edbprof_native import profile

        @profile(dir=sys.argv[1], slower_than=1000)
        def work():
            pass

        for _ in range(1000):
            work()
        """,
        tmp_path,
    )
    (path,) = tmp_path.glob("*.prof")
    assert not list(tmp_path.glob("*.timeline"))
    assert ProfFile(path).calls("work") == 1000


def test_the_timeline_may_be_kept_now(run, tmp_path):
    run(
        """
        import sys
        import edbprof_native
        from edbprof_native import profile

        @profile(dir=sys.argv[1], slower_than=1000, timeline=1 << 20)
        def work():
            for _ in range(50):
                abs(-1)

        @profile(dir=sys.argv[1])
        def seen():
            pass

        seen()
        edbprof_native.keep_timeline()
        for _ in range(5000):
            work()
        """,
        tmp_path,
    )
    (path,) = tmp_path.glob("*.prof")
    of = only_process(f"{path}.timeline")
    assert len(of.calls_of("seen")) == 1
    assert len(of.blocks) == 1


@pytest.mark.parametrize("options", [{"slower_than": 0}, {"slower_than": -1}, {"keep": 0}])
def test_limits_of_slow_calls_are_positive(options):
    with pytest.raises(ValueError):
        profile(**options)


def test_a_killed_process_leaves_a_timeline_which_can_be_cleaned(run, tmp_path):
    run(
        """
        import os, signal, sys
        from edbprof_native import profile

        @profile(dir=sys.argv[1], timeline=True)
        def work():
            for _ in range(1000):
                abs(-1)
            os.kill(os.getpid(), signal.SIGKILL)

        work()
        """,
        tmp_path,
        code=-9,
    )
    directory = tmp_path
    live = {path.name.split(".", 1)[1] for path in directory.glob("edbprof_*")}
    assert live == {"prof.live", "prof.timeline.live"}
    from edbprof_native import _program

    done = subprocess.run(
        [_program.find(), "clean", "--yes", str(directory)], stdout=subprocess.PIPE, check=True
    )
    assert b"its timeline" in done.stdout
    assert not list(directory.glob("edbprof_*"))


def test_a_full_disk_is_said_once(run, tmp_path):
    """A limit of the size of files stands for it."""
    done = run(
        """
        import resource, sys
        from edbprof_native import Profile

        recorded = Profile(timeline=True, live_dir=sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
        recorded.enable()
        for _ in range(1000):
            abs(-1)
        recorded.disable()
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        recorded.save(sys.argv[1] + "/a.prof")
        """,
        tmp_path,
        err=None,
    )
    assert done.err.count("recording goes on without it") == 1
    assert ProfFile(tmp_path / "a.prof").calls("<built-in method builtins.abs>") == 1000
    assert not (tmp_path / "a.prof.timeline").exists()
