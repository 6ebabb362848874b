"""Threads that come and go by the thousand, write while others save, or never end."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import pytest
from edbprof_native import Profile, profile
from prof_file import all_files, files, only_file, saved
from test_threads import HOOKS, call, callee, start


@pytest.mark.parametrize("hook", HOOKS)
def test_each_of_eight_threads_counts_what_it_does(tmp_path, hook):
    """All at once and switching often, in one recording."""
    recorded = Profile(hook=hook)
    together = threading.Barrier(8)

    def recursive(n):
        callee()
        if n:
            recursive(n - 1)

    def work(n):
        together.wait()
        with recorded:
            for _ in range(50):
                recursive(n)
                list(map(str, [n] * n))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        start(*(lambda n=n: work(n) for n in range(8)))
    finally:
        sys.setswitchinterval(before)
    file = saved(recorded, tmp_path)
    assert sorted(thread.name for thread in file.threads) == [f"t{n}" for n in range(8)]
    for thread in file.threads:
        n = int(thread.name[1:])
        own = {
            node.names: node.calls for node in thread.nodes if node.name in ("recursive", "callee")
        }
        chains = [("recursive",) * depth for depth in range(1, n + 2)]
        assert own == dict.fromkeys([*chains, *((*chain, "callee") for chain in chains)], 50)


def test_ten_thousand_threads(tmp_path):
    """They take the room of some hundreds, in the file that is mapped too."""
    threads, trees = 10_000, 256
    decorate = profile(dir=tmp_path, save_every_n_calls=0)

    @decorate
    def work():
        call(2)

    def live_file_size():
        (path,) = files(tmp_path, "*.live")
        return os.path.getsize(path)

    def run(count):
        for _ in range(count):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()

    run(trees + 50)
    size = live_file_size()
    run(threads - trees - 50)
    assert live_file_size() == size
    decorate.save()
    file = only_file(tmp_path)
    assert len(file.threads) == trees
    assert len(file.nodes) == 3 * trees
    assert file.paths() == {
        ("work",): threads,
        ("work", "call"): threads,
        ("work", "call", "callee"): 2 * threads,
    }
    (shared,) = (thread for thread in file.threads if thread.threads > 1)
    kind = "Thread-# (work)" if sys.version_info >= (3, 10) else "Thread-#"
    assert (shared.name, shared.threads) == (kind, threads - trees + 1)


def test_many_threads_that_a_recorded_call_starts(tmp_path):
    recorded = Profile(threads=True)
    with recorded:
        for _ in range(300):
            start(*[lambda: call(1)] * 4)
    file = saved(recorded, tmp_path)
    assert file.calls("callee") == 1200
    assert len(file.threads) <= 256


def test_recordings_that_end_before_their_threads(tmp_path):
    """A thread outlives a hundred recordings, and a recording a hundred threads."""
    outlives = Profile()
    for number in range(100):
        short = Profile()

        def both():
            with outlives, short:
                call(1)

        start(both)
        both()
        assert saved(short, tmp_path).calls("callee") == 2
        if number % 2:
            short.close()
    assert saved(outlives, tmp_path).calls("callee") == 200


@pytest.mark.parametrize("hook", HOOKS)
def test_saved_while_others_record(tmp_path, hook):
    recorded = Profile(hook=hook, threads=True)
    enough = threading.Event()
    rounds = [0] * 4

    def work(n):
        while not enough.is_set():
            call(3)
            rounds[n] += 1

    with recorded:
        threads = [threading.Thread(target=work, args=(n,), name=f"w{n}") for n in range(4)]
        for thread in threads:
            thread.start()
    counted = 0
    try:
        for _ in range(20):
            least = 3 * sum(rounds)
            file = saved(recorded, tmp_path)
            most = 3 * (sum(rounds) + 4)
            now = file.calls("callee")
            assert max(counted, least) <= now <= most
            assert all(node.self_time >= 0 for node in file.nodes)
            counted = now
    finally:
        enough.set()
        for thread in threads:
            thread.join()
    assert saved(recorded, tmp_path).calls("callee") == 3 * sum(rounds)


def test_a_thousand_interleaved_tasks(tmp_path):
    decorate = profile(dir=tmp_path)

    @decorate
    async def task(n):
        for _ in range(n % 7):
            await step()
        callee()

    async def step():
        callee()
        await asyncio.sleep(0)

    async def main():
        await asyncio.gather(*(task(n) for n in range(1000)))

    asyncio.run(main())
    decorate.save()
    steps = sum(n % 7 for n in range(1000))
    file = only_file(tmp_path)
    paths = {names: calls for names, calls in file.paths().items() if "sleep" not in str(names)}
    assert paths == {
        ("task",): 1000,
        ("task", "step"): steps,
        ("task", "step", "callee"): steps,
        ("task", "callee"): 1000,
    }
    # Each step is suspended once and goes on once, and with it its task.
    assert file.resumes("task") == file.resumes("step") == steps


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("where", ["Python", "a C function"])
def test_daemon_threads_at_shutdown(run, tmp_path, hook, where):
    """Nobody waits for their end; the file has what they did."""
    work = {"Python": "callee()", "a C function": "sorted(range(1000), key=str)"}[where]
    run(
        f"""
        import threading
        from edbprof_native import Profile, profile

        def callee(): pass

        def forever():
            callee()
            started.release()
            while True:
                {work}

        @profile(dir={str(tmp_path)!r}, threads=True)
        def start():
            for _ in range(4):
                threading.Thread(target=forever, daemon=True).start()
            for _ in range(4):
                started.acquire()

        @profile(dir={str(tmp_path)!r})
        def decorated():
            forever()

        started = threading.Semaphore(0)
        start()
        threading.Thread(target=decorated, daemon=True).start()
        started.acquire()
        recorded = Profile(hook="{hook}", threads=True)
        recorded.enable()
        threading.Thread(target=forever, daemon=True).start()
        started.acquire()
        """
    )
    file = only_file(tmp_path)
    assert len(file.threads) == 6
    assert file.calls("callee") >= 5
    assert file.process["ending"] == 1


def test_short_lived_threads_at_shutdown(run, tmp_path):
    """Ending and being detached while the interpreter ends."""
    for _ in range(3):
        run(
            f"""
            import threading
            from edbprof_native import profile

            @profile(dir={str(tmp_path)!r})
            def decorated(): pass

            def spawn():
                while True:
                    thread = threading.Thread(target=decorated, daemon=True)
                    thread.start()
                    thread.join()

            decorated()
            for _ in range(4):
                threading.Thread(target=spawn, daemon=True).start()
            """,
            err=None,
        )
    assert len(files(tmp_path)) == 3
    assert files(tmp_path, "*.live") == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_child_gives_the_places_of_other_threads_to_new_ones(run, tmp_path):
    run(
        f"""
        import os, threading, warnings
        from edbprof_native import profile
        warnings.simplefilter("ignore")

        @profile(dir={str(tmp_path)!r}, save_every_n_calls=0)
        def decorated(n): pass

        def wait():
            decorated(1)
            started.release()
            forever.wait()

        def start(count, target):
            threads = [threading.Thread(target=target, daemon=True) for _ in range(count)]
            for thread in threads: thread.start()
            return threads

        started, forever = threading.Semaphore(0), threading.Event()
        decorated(0)
        start(20, wait)
        for _ in range(20): started.acquire()
        if os.fork() == 0:
            decorated(0)
            for _ in range(400):
                for thread in start(1, lambda: decorated(2)): thread.join()
        else:
            os.wait()
        """
    )
    counted = [(file.calls("decorated"), len(file.threads)) for file in all_files(tmp_path)]
    assert sorted(counted) == [(21, 21), (401, 256)]
