"""Awaiting: how long coroutines are suspended, and how long their tasks run without a pause.

Time is a number that the programs of these tests advance, so that every figure is exact and
nothing has to sleep: the event loops jump to the moment that they would wait for.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
import types

import pytest
from edbprof_native import Profile, profile
from prof_file import ProfFile, files, only_file, saved

SECOND = 10**9


class Clock:
    """A clock that stands still until it is advanced."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


def jumping_loop(clock):
    """An event loop that advances the clock where it would wait."""
    loop = asyncio.SelectorEventLoop()
    select = loop._selector.select

    def jump(timeout=None):
        if timeout is not None and timeout > 0:
            clock.advance(timeout)
            timeout = 0
        return select(timeout)

    loop._selector.select = jump
    loop.time = clock
    # Two moments that differ by less are one.
    loop._clock_resolution = 1e-6
    return loop


@pytest.fixture(params=["C tasks", "Python tasks", "eager tasks"])
def run_tasks(request, clock, record, monkeypatch):
    """Runs a coroutine function by asyncio, and gives what was recorded."""
    factory = None
    if request.param == "Python tasks":
        if sys.version_info >= (3, 14):
            # Python's tasks enter a dictionary, and the function in C asks the thread's state.
            monkeypatch.setattr(asyncio.tasks, "current_task", asyncio.tasks._py_current_task)

        def factory(loop, coroutine, **options):
            return asyncio.tasks._PyTask(coroutine, loop=loop, **options)

    elif request.param == "eager tasks":
        factory = getattr(asyncio, "eager_task_factory", None)
        if factory is None:
            pytest.skip("needs Python 3.12")

    def run_tasks(main, **options):
        def run():
            loop = jumping_loop(clock)
            loop.set_task_factory(factory)
            try:
                return loop.run_until_complete(main())
            finally:
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.run_until_complete(loop.shutdown_default_executor())
                loop.close()

        return record(run, timer=clock, **options)

    return run_tasks


def seconds(file, name):
    """Awaiting of the functions of that name, seconds; `None` if they are no coroutines."""
    awaiting = file.awaiting(name)
    return None if awaiting is None else round(awaiting / SECOND, 3)


async def sleeper(duration=1.0):
    await asyncio.sleep(duration)


def test_five_sleeping_tasks_await_five_seconds(run_tasks):
    async def main():
        await asyncio.gather(*(sleeper() for _ in range(5)))

    file = run_tasks(main)
    assert seconds(file, "sleeper") == 5
    # Beside the tasks, the one that waits for them.
    assert seconds(file, "main") == 1
    assert seconds(file, "sleep") == 5
    assert file.calls("sleeper") == 5 and file.resumes("sleeper") == 5
    # None of it is anybody's running time but the event loop's, which waits in a builtin.
    assert sum(node.total for node in file.nodes if node.name == "sleeper") == 0


def test_running_and_awaiting_are_apart(run_tasks, clock):
    async def worker():
        clock.advance(0.25)
        await asyncio.sleep(1)
        clock.advance(0.5)
        await asyncio.sleep(2)
        clock.advance(0.125)

    file = run_tasks(worker)
    assert seconds(file, "worker") == 3
    # Python's tasks continue a coroutine by another path than they start it.
    nodes = [node for node in file.nodes if node.name == "worker"]
    assert sum(node.total for node in nodes) == 0.875 * SECOND
    assert max(node.longest_run for node in nodes) == 0.5 * SECOND
    assert [run.duration for run in file.runs] == [SECOND // 2, SECOND // 4, SECOND // 8]
    assert {run.node.name for run in file.runs} == {"worker"}
    assert abs(time.time_ns() - file.runs[0].start_unix_ns) < 60 * SECOND


def test_a_coroutine_that_never_waits_blocks_the_loop(run_tasks, clock):
    async def blocker():
        clock.advance(2)

    async def main():
        task = asyncio.ensure_future(blocker())
        await asyncio.sleep(0)
        await task

    file = run_tasks(main)
    assert seconds(file, "blocker") == 0
    assert file.runs[0].duration == 2 * SECOND
    # An eager task runs within the one that starts it.
    assert file.runs[0].node.name in ("blocker", "main")


def test_the_chain_of_those_that_await(run_tasks):
    async def innermost():
        await asyncio.sleep(3)

    class Middle:
        def __await__(self):
            return innermost().__await__()

    async def outermost():
        await Middle()

    file = run_tasks(outermost)
    for name in ("outermost", "innermost", "sleep"):
        assert seconds(file, name) == 3
    # A function that returns an iterator is no coroutine.
    assert seconds(file, "__await__") is None


def test_groups_of_tasks(run_tasks):
    if not hasattr(asyncio, "TaskGroup"):
        pytest.skip("needs Python 3.11")

    async def main():
        async with asyncio.TaskGroup() as group:
            for duration in (1, 2, 3):
                group.create_task(sleeper(duration))

    file = run_tasks(main)
    assert seconds(file, "sleeper") == 6
    assert seconds(file, "main") == seconds(file, "__aexit__") == 3


def test_shields_and_timeouts(run_tasks):
    async def main():
        inner = asyncio.ensure_future(sleeper(5))
        try:
            await asyncio.wait_for(asyncio.shield(inner), 2)
        except asyncio.TimeoutError:
            pass
        await inner

    file = run_tasks(main)
    assert seconds(file, "sleeper") == 5
    assert seconds(file, "main") == 5
    assert seconds(file, "wait_for") == 2


def test_cancellation_ends_awaiting(run_tasks):
    async def stubborn():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(1)
            raise

    async def caller():
        await stubborn()

    async def main():
        task = asyncio.ensure_future(caller())
        await asyncio.sleep(2)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass

    file = run_tasks(main)
    # Python throws into the innermost coroutine, and the others have no event of it.
    assert seconds(file, "caller") == seconds(file, "stubborn") == 3
    assert seconds(file, "main") == 3


def test_tasks_that_are_still_suspended(clock, tmp_path):
    async def main():
        asyncio.ensure_future(sleeper(60))
        await asyncio.sleep(7)
        loop.stop()
        await asyncio.sleep(60)

    loop = jumping_loop(clock)
    recorded = Profile(timer=clock)
    with recorded:
        task = loop.create_task(main())
        loop.run_forever()
    file = saved(recorded, tmp_path)
    assert seconds(file, "sleeper") == 7
    assert seconds(file, "main") == 7
    # Nothing is counted twice once they go on.
    with recorded:
        clock.advance(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
    assert seconds(saved(recorded, tmp_path), "main") == 8
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def test_work_in_other_threads(run_tasks, clock):
    is_suspended = threading.Event()

    def work():
        is_suspended.wait()
        clock.advance(4)

    async def main():
        loop = asyncio.get_running_loop()
        loop.call_soon(is_suspended.set)
        await loop.run_in_executor(None, work)

    file = run_tasks(main, threads=True)
    assert seconds(file, "main") == 4


def test_locks_queues_and_events(run_tasks, clock):
    async def holder(lock):
        async with lock:
            await asyncio.sleep(1)

    async def consumer(queue):
        for _ in range(3):
            await queue.get()

    async def main():
        lock, queue = asyncio.Lock(), asyncio.Queue()
        tasks = [asyncio.ensure_future(holder(lock)) for _ in range(3)]
        tasks.append(asyncio.ensure_future(consumer(queue)))
        for _ in range(3):
            await asyncio.sleep(1)
            queue.put_nowait(None)
        for task in tasks:
            await task

    file = run_tasks(main)
    # Each waits for those before it, and then for a second of its own.
    assert seconds(file, "holder") == 1 + 2 + 3
    assert seconds(file, "acquire") == seconds(file, "__aenter__") == 0 + 1 + 2
    assert seconds(file, "consumer") == seconds(file, "get") == 3


def test_async_generators_wait_only_for_what_they_await(run_tasks, clock):
    async def items():
        for number in range(3):
            await asyncio.sleep(1)
            yield number

    async def main():
        async for _ in items():
            # The generator is not waiting meanwhile: it has handed an item over.
            clock.advance(0.5)
            await asyncio.sleep(10)
        return [item async for item in items()]

    file = run_tasks(main)
    assert seconds(file, "items") == 6
    assert seconds(file, "main") == 36


def test_generators_that_are_merely_iterated_are_no_waits(run_tasks, clock):
    def numbers():
        for number in range(3):
            clock.advance(1)
            yield number

    async def main():
        for _ in numbers():
            clock.advance(1)
        generator = (clock.advance(1) for _ in range(2))
        list(generator)

    file = run_tasks(main)
    assert seconds(file, "numbers") is None
    assert seconds(file, "<genexpr>") is None
    assert seconds(file, "main") == 0


def test_generators_that_can_be_awaited(run_tasks):
    @types.coroutine
    def old_style():
        yield from asyncio.sleep(2).__await__()

    async def main():
        await old_style()

    file = run_tasks(main)
    assert seconds(file, "main") == seconds(file, "old_style") == 2


class Pause:
    """An awaitable that suspends whoever awaits it."""

    def __await__(self):
        yield


@pytest.mark.parametrize("hook", ["setprofile", "auto"])
def test_coroutines_that_are_driven_by_hand(record, clock, hook):
    async def inner():
        try:
            await Pause()
        except KeyError:
            await Pause()

    async def outer():
        await inner()

    def run():
        coroutine = outer()
        coroutine.send(None)
        clock.advance(1)
        coroutine.throw(KeyError())
        clock.advance(2)
        with pytest.raises(StopIteration):
            coroutine.send(None)
        closed = outer()
        closed.send(None)
        clock.advance(4)
        closed.close()
        clock.advance(8)
        # Never awaited at all.
        outer().close()
        dropped = outer()
        dropped.send(None)
        clock.advance(16)
        del dropped
        gc.collect()
        clock.advance(32)

    file = record(run, timer=clock, hook=hook)
    assert seconds(file, "outer") == seconds(file, "inner") == 3 + 4 + 16


@pytest.mark.parametrize("hook", ["setprofile", "auto"])
def test_ten_thousand_coroutines_at_once(record, clock, hook):
    async def one():
        await Pause()

    def run():
        coroutines = [one() for _ in range(10_000)]
        for coroutine in coroutines:
            coroutine.send(None)
        clock.advance(1)
        for coroutine in reversed(coroutines):
            with pytest.raises(StopIteration):
                coroutine.send(None)

    file = record(run, timer=clock, hook=hook)
    assert seconds(file, "one") == 10_000


def test_recording_that_begins_and_ends_within_a_coroutine(clock, tmp_path):
    recorded = Profile(timer=clock)

    async def inner():
        await Pause()

    async def main():
        await inner()
        recorded.enable()
        await inner()
        await inner()
        recorded.disable()
        await inner()

    coroutine = main()
    for _ in range(4):
        coroutine.send(None)
        clock.advance(1)
    with pytest.raises(StopIteration):
        coroutine.send(None)
    # The second and third pause; `main` had begun before.
    assert seconds(saved(recorded, tmp_path), "inner") == 2


def test_a_decorated_coroutine_awaits(tmp_path):
    decorate = profile(dir=tmp_path, save_every_n_calls=0)

    async def inner():
        await Pause()

    @decorate
    async def handler():
        await inner()
        await inner()

    def step():
        begun = time.perf_counter_ns()
        try:
            coroutine.send(None)
        except StopIteration:
            pass
        return begun, time.perf_counter_ns()

    coroutine = handler()
    steps = [step() for _ in range(3)]
    decorate.save()
    file = only_file(tmp_path)
    least = sum(next_begun - ended for (_, ended), (next_begun, _) in zip(steps, steps[1:]))
    most = steps[-1][1] - steps[0][0]
    # The counter's rate is known to some millionths.
    for name in ("handler", "inner"):
        assert 0.99 * least - 1000 <= file.awaiting(name) <= 1.01 * most + 1000
    # A run has the name of the coroutine that took most of it.
    assert {run.node.name for run in file.runs} <= {"handler", "inner"} and file.runs


def test_without_waiting_there_is_no_awaiting(clock, record):
    for options in ({"waiting": False}, {"clock": "cpu"}):
        file = record(lambda: asyncio.run(sleeper(0)), **options)
        assert seconds(file, "sleeper") is None
        assert file.runs == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_what_its_own_coroutines_await(run):
    program = """
        import os
        from edbprof_native import Profile
        from prof_file import ProfFile

        now = [0.0]

        class Pause:
            def __await__(self):
                yield

        async def coroutine():
            await Pause()

        recorded = Profile(timer=lambda: now[0])

        def pause(one, seconds):
            one.send(None)
            now[0] += seconds
            try:
                one.send(None)
            except StopIteration:
                pass

        def awaiting(path):
            recorded.save(path)
            return ProfFile(path).awaiting("coroutine")

        with recorded:
            pause(coroutine(), 1)
            suspended = coroutine()
            suspended.send(None)
            pid = os.fork()
            if pid == 0:
                now[0] += 100
                try:
                    suspended.send(None)
                except StopIteration:
                    pass
                pause(coroutine(), 2)
                assert awaiting("child.prof") == 2e9
                open("right", "x").close()
                os._exit(0)
            os.waitpid(pid, 0)
            assert os.path.exists("right")
            now[0] += 4
            try:
                suspended.send(None)
            except StopIteration:
                pass
        assert awaiting("parent.prof") == 5e9
    """
    run(program)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="live files are Linux's")
def test_a_killed_process_says_what_its_tasks_awaited(tmp_path):
    program = """
import os, signal
from edbprof_native import Profile
now = [0.0]
class Pause:
    def __await__(self):
        yield
async def finished():
    now[0] += 1
    await Pause()
async def deadlocked():
    await Pause()
recorded = Profile(live_dir=os.getcwd(), timer=lambda: now[0])
recorded.enable()
tasks = finished(), deadlocked()
for task in tasks:
    task.send(None)
now[0] += 2
try:
    tasks[0].send(None)
except StopIteration:
    now[0] += 3
len(())
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(files(tmp_path, "*.live")) == 1
    file = aggregated(tmp_path)
    assert seconds(file, "finished") == 2
    assert seconds(file, "deadlocked") == 5
    assert [(run.node.name, run.duration) for run in file.runs] == [("finished", SECOND)]


def aggregated(directory):
    command = [sys.executable, "-m", "edbprof_native", "--quiet"]
    command += ["--out", str(directory / "out"), str(directory)]
    subprocess.run(command, check=True)
    return ProfFile(directory / "out.prof")


def test_whole_programs(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        """
import asyncio, time

async def pause():
    await asyncio.sleep(0)

async def blocker():
    await pause()
    end = time.perf_counter() + 0.11
    while time.perf_counter() < end:
        pass

async def main():
    await asyncio.gather(blocker(), pause())

asyncio.run(main())
"""
    )
    edbprof = [sys.executable, "-m", "edbprof_native"]
    arguments = ["run", "--no-children", "--out", str(tmp_path / "out"), str(program)]
    done = subprocess.run([*edbprof, *arguments], check=True, stderr=subprocess.PIPE)
    warning = b"The event loop was blocked for 1"
    (line,) = [line for line in done.stderr.splitlines() if line.startswith(warning)]
    assert b": blocker, " in line
    command = [*edbprof, "tree", "--tasks", "--threshold=0", str(tmp_path / "out.prof")]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode()
    tree, _, runs = text.partition("Longest runs without a suspension\n")
    lines = [
        line.split("program.py")[0].split() for line in tree.splitlines() if "program.py:" in line
    ]
    names = [line[6:] if len(line) > 6 else line for line in lines]
    assert ["main"] in [name[-1:] for name in names] and ["blocker"] in [
        name[-1:] for name in names
    ]
    assert "└─ pause" in tree
    assert runs.splitlines()[0].endswith("blocker")


def test_merging_and_json(tmp_path, clock):
    async def recursive(depth):
        clock.advance(0.5)
        await (recursive(depth - 1) if depth else asyncio.sleep(1))

    def plain():
        loop = jumping_loop(clock)
        loop.run_until_complete(recursive(2))
        loop.close()

    for number in range(2):
        recorded = Profile(timer=clock)
        with recorded:
            plain()
        recorded.save(tmp_path / f"edbprof_{number}.prof")
        recorded.close()
    file = aggregated(tmp_path)
    # All three suspend, twice.
    assert seconds(file, "recursive") == 6
    assert [run.duration for run in file.runs[:2]] == [1.5 * SECOND] * 2
    command = [sys.executable, "-m", "edbprof_native", "export", "--format", "json"]
    command += ["--output", str(tmp_path / "out.json"), str(tmp_path / "out.prof")]
    subprocess.run(command, check=True)
    exported = json.loads((tmp_path / "out.json").read_text())
    functions = {function["name"]: function for function in exported["functions"]}
    # Per function only the outermost node counts, as in its total.
    assert functions["recursive"]["awaiting_ns"] == 2 * SECOND
    assert functions["recursive"]["longest_run_ns"] == 1.5 * SECOND
    assert functions["recursive"]["starts"] == functions["recursive"]["resumes"] == 6
    assert "awaiting_ns" not in functions["plain"]
    tree = exported["tree"]
    names = [tree["functions"][number]["name"] for number in tree["function"]]
    of_nodes = [of for name, of in zip(names, tree["awaiting_ns"]) if "recursive" in name]
    assert of_nodes == [2 * SECOND] * 3
    assert max(filter(None, tree["longest_run_ns"])) == 1.5 * SECOND
    assert {of for name, of in zip(names, tree["awaiting_ns"]) if name.endswith("plain")} == {None}
    run = exported["long_runs"][0]
    assert run["duration_ns"] == 1.5 * SECOND
    assert run["path"][-1].endswith("recursive")
    assert abs(time.time_ns() - run["start_unix_ns"]) < 60 * SECOND
