"""Awaiting in event loops of others: uvloop, trio, and anyio on both of its loops.

As in test_awaiting.py, time is a number that the program advances. uvloop has a clock of its own,
so its tasks wait for each other.
"""

from __future__ import annotations

import asyncio
import sys

import pytest

anyio = pytest.importorskip("anyio")
trio = pytest.importorskip("trio")
pytest.importorskip("trio.testing")

SECOND = 10**9


class Clock:
    """A clock that stands still until it is advanced."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def seconds(file, name):
    return round(file.awaiting(name) / SECOND, 3)


def by_trio(record):
    """Runs trio by a clock that jumps, and gives what was recorded by that clock."""
    clock = trio.testing.MockClock(autojump_threshold=0)

    def run(main):
        return record(lambda: trio.run(main, clock=clock), timer=clock.current_time)

    return run


async def sleeper(sleep, duration):
    await sleep(duration)


def test_trio(record):
    async def main():
        async with trio.open_nursery() as nursery:
            for duration in (1, 2, 3):
                nursery.start_soon(sleeper, trio.sleep, duration)

    file = by_trio(record)(main)
    assert seconds(file, "sleeper") == 6
    assert seconds(file, "main") == 3


def test_cancellation_in_trio(record):
    async def main():
        with trio.move_on_after(2):
            await sleeper(trio.sleep, 60)
        await sleeper(trio.sleep, 1)

    file = by_trio(record)(main)
    assert seconds(file, "sleeper") == seconds(file, "main") == 3


def test_anyio_on_trio(record):
    async def main():
        async with anyio.create_task_group() as group:
            for duration in (1, 2, 3):
                group.start_soon(sleeper, anyio.sleep, duration)
        with anyio.move_on_after(4):
            await anyio.Event().wait()

    file = by_trio(record)(main)
    assert seconds(file, "sleeper") == 6
    assert seconds(file, "main") == 3 + 4


def loops():
    yield pytest.param(asyncio.SelectorEventLoop, id="asyncio")
    try:
        import uvloop
    except ImportError:
        yield pytest.param(None, id="uvloop", marks=pytest.mark.skip("has no uvloop"))
    else:
        yield pytest.param(uvloop.new_event_loop, id="uvloop")


@pytest.mark.parametrize("new_loop", list(loops()))
@pytest.mark.parametrize("with_anyio", [False, True], ids=["plain", "anyio"])
def test_tasks_that_wait_for_each_other(record, new_loop, with_anyio):
    clock = Clock()

    async def waiter(event):
        await event.wait()

    async def work(event):
        clock.now += 0.25
        await asyncio.sleep(0)
        # Everybody waits by now.
        clock.now += 2
        event.set()

    async def main():
        if with_anyio:
            event = anyio.Event()
            async with anyio.create_task_group() as group:
                for _ in range(3):
                    group.start_soon(waiter, event)
                group.start_soon(work, event)
        else:
            event = asyncio.Event()
            await asyncio.gather(*(waiter(event) for _ in range(3)), work(event))

    def run():
        loop = new_loop()
        try:
            loop.run_until_complete(main())
        finally:
            loop.close()

    file = record(run, timer=clock)
    # They begin in some order, so the first quarter is in some of them.
    assert 6 <= seconds(file, "waiter") <= 6.75
    assert seconds(file, "main") == 2.25
    # The wait is not in any function's own time, but the work is.
    assert file.self_time("work") == 2.25 * SECOND
    assert [run.duration for run in file.runs[:2]] == [2 * SECOND, SECOND // 4]
    # anyio has a coroutine of its own around each.
    assert {run.node.name for run in file.runs[:2]} == {"work"}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.Runner is new in 3.11")
def test_anyio_runs_in_a_thread(record):
    clock = Clock()

    def work():
        clock.now += 4

    async def main():
        await anyio.to_thread.run_sync(work)

    file = record(lambda: anyio.run(main), timer=clock)
    # The thread may have finished before anybody waited for it.
    assert seconds(file, "main") in (0, 4)
