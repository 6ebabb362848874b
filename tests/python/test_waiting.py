"""Waiting: the part of a self time in which the thread was on no processor, and for what.

A machine that is busy may take the processor away at any time. So the tests ask for at least
what a thread has certainly waited, and never for how long it ran.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from edbprof_native import Profile
from prof_file import ProfFile, Waiting, files, saved

PAUSE = 0.1
#: What a pause certainly takes, less what clocks differ by and short gaps hide.
PAUSED_NS = 0.09e9


def spin(seconds):
    """Uses that much processor time in Python's own code, mostly."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        for _ in range(10_000):
            pass


def later(function):
    """Calls `function` after a pause, in a thread that is not recorded."""
    timer = threading.Timer(PAUSE, function)
    timer.start()
    return timer


def run_delay():
    """Time that the calling thread has waited for a processor; 0 if the system does not say."""
    try:
        text = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat").read_text()
    except OSError:
        return 0
    return int(text.split()[1])


class Measured:
    """Time that the calling thread has waited in a block, by clocks of its own."""

    def __enter__(self):
        self.delayed = run_delay()
        self.begun = time.perf_counter_ns() - time.thread_time_ns()
        return self

    def __exit__(self, *_):
        self.waited = time.perf_counter_ns() - time.thread_time_ns() - self.begun
        self.delayed = run_delay() - self.delayed


def check_blocked(waiting, measured):
    """Almost all that was measured is in the file, and more only if the rest has waited too.

    Not what a busy machine adds, which may come before or after the function that blocks. What that
    would have waited for may even be there when the thread gets a processor.
    """
    waited = measured.waited - measured.delayed
    assert waiting.total >= 0.9 * waited - 1e6
    if waited > PAUSED_NS / 2:
        assert waiting.blocked > 0


def waiting_of_all(nodes):
    return Waiting(*map(sum, zip(*(node.waiting for node in nodes))))


def test_sleeping_is_blocked_in_the_function_that_sleeps(record):
    def sleeper():
        time.sleep(PAUSE)

    file = record(sleeper)
    slept = file.waiting("<built-in method time.sleep>")
    assert slept.total >= PAUSED_NS
    assert slept.blocked > 0
    assert slept.gil == 0
    # `sleeper` itself has only called it.
    assert file.waiting("sleeper").total <= file.self_time("sleeper")


def test_blocking_on_a_pipe(record):
    readable, writable = os.pipe()

    measured = Measured()

    def reader():
        with measured:
            os.read(readable, 1)

    timer = later(lambda: os.write(writable, b"x"))
    file = record(reader)
    timer.join()
    os.close(readable)
    os.close(writable)
    check_blocked(file.waiting("<built-in method posix.read>"), measured)


@pytest.mark.parametrize("way", ["with", "acquire"])
def test_waiting_for_a_lock_is_blocked_however_it_is_asked_for(record, way):
    lock = threading.Lock()
    measured = Measured()

    def by_with():
        with measured, lock:
            pass

    def by_acquire():
        with measured:
            lock.acquire()
        lock.release()

    lock.acquire()
    timer = later(lock.release)
    file = record(by_with if way == "with" else by_acquire)
    timer.join()
    # Up to Python 3.13, `with` calls nothing that is recorded.
    check_blocked(waiting_of_all(file.nodes), measured)


@pytest.mark.parametrize("kind", ["file", "socket"])
def test_iterating_over_what_blocks_is_blocked_in_the_function(record, kind):
    here, there = os.pipe() if kind == "file" else (end.detach() for end in socket.socketpair())
    measured = Measured()

    def reader():
        opened = open(here) if kind == "file" else socket.socket(fileno=here)
        stream = opened if kind == "file" else opened.makefile()
        with opened, stream, measured:
            for line in stream:
                return line

    def write():
        os.write(there, b"line\n")
        os.close(there)

    timer = later(write)
    file = record(reader)
    timer.join()
    check_blocked(waiting_of_all(file.nodes), measured)


def test_importing_what_another_thread_imports_is_blocked(record, tmp_path, monkeypatch):
    (tmp_path / "imported_slowly.py").write_text("import builtins\nbuiltins.while_it_is_imported()")
    monkeypatch.syspath_prepend(tmp_path)
    has_begun, may_end = threading.Event(), threading.Event()

    def while_it_is_imported():
        has_begun.set()
        may_end.wait()

    monkeypatch.setattr("builtins.while_it_is_imported", while_it_is_imported, raising=False)
    other = threading.Thread(target=importlib.import_module, args=("imported_slowly",))
    other.start()
    has_begun.wait()
    measured = Measured()

    def importer():
        with measured:
            import imported_slowly  # noqa: F401

    timer = later(may_end.set)
    file = record(importer)
    timer.join()
    other.join()
    del sys.modules["imported_slowly"]
    check_blocked(waiting_of_all(file.nodes), measured)


def test_two_threads_that_run_wait_for_each_other(record):
    def target():
        spin(0.3)

    def both():
        threads = [threading.Thread(target=target) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    file = record(both, threads=True)
    spun = file.waiting("spin")
    if getattr(sys, "_is_gil_enabled", lambda: True)():
        # Each lets the other run for 0.3 s.
        assert spun.total > 0.25e9
        assert spun.gil > 0.02e9
    assert file.self_time("spin") - spun.total > 0.1e9


def test_a_thread_that_runs_alone_waits_for_nothing(record):
    file = record(lambda: spin(0.2))
    assert file.waiting("spin").gil < 0.05e9
    # What it ran is not waiting, however busy the machine is.
    assert file.self_time("spin") - file.waiting("spin").total > 0.1e9


def test_sleeping_for_no_time_at_all(record):
    def sleeper():
        for _ in range(1000):
            time.sleep(0)

    file = record(sleeper)
    assert file.calls("<built-in method time.sleep>") == 1000
    assert file.waiting("<built-in method time.sleep>").gil == 0


def test_without_waiting_there_is_none(record):
    for options in ({"waiting": False}, {"clock": "cpu"}, {"timer": time.perf_counter}):
        file = record(lambda: time.sleep(0.02), **options)
        assert all(node.waiting.total == 0 for node in file.nodes)
        assert not any("waiting_node" in thread for thread in file.exact["threads"])
        assert "waiting" not in file.process
    assert record(lambda: None).process["waiting"] == 1


def test_a_thread_that_still_waits_when_it_is_saved(tmp_path):
    lock = threading.Lock()
    lock.acquire()
    recorded = Profile(threads=True)

    def blocked():
        time.sleep(PAUSE / 4)
        threads = saved(recorded, tmp_path).threads
        nodes = [node for of in threads if of.name == "waiter" for node in of.nodes]
        return waiting_of_all(nodes).blocked if nodes else 0

    with recorded:
        thread = threading.Thread(target=lock.acquire, name="waiter")
        thread.start()
        while blocked() < PAUSED_NS:
            pass
        lock.release()
        thread.join()


def test_waiting_with_the_monotonic_clock(run):
    program = """
        import os, sys, time
        from edbprof_native import Profile
        from prof_file import ProfFile
        recorded = Profile()
        with recorded:
            time.sleep(0.1)
        recorded.save("saved.prof")
        file = ProfFile("saved.prof")
        assert file.process["clock"] == "monotonic"
        assert file.waiting("<built-in method time.sleep>").total > 0.09e9
    """
    os.environ["EDBPROF_NO_TSC"] = "1"
    try:
        run(program)
    finally:
        del os.environ["EDBPROF_NO_TSC"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="rseq is Linux's")
def test_the_gap_alone_finds_what_the_kernel_tells(run):
    """glibc registers no restartable sequences if it is told not to.

    The program measures itself what it waits, in the recorded block and around it.
    """
    program = """
        import time
        from edbprof_native import Profile
        from prof_file import ProfFile
        def waited():
            return time.perf_counter_ns() - time.thread_time_ns()
        def spin():
            for _ in range(2000):
                pass
        recorded = Profile()
        around = waited()
        with recorded:
            within = waited()
            for _ in range(200):
                spin()
                time.sleep(0.0003)
            within = waited() - within
        around = waited() - around
        recorded.save("saved.prof")
        print(within, sum(node.waiting.total for node in ProfFile("saved.prof").nodes), around)
    """
    for tunable in ("glibc.pthread.rseq=1", "glibc.pthread.rseq=0"):
        os.environ["GLIBC_TUNABLES"] = tunable
        try:
            within, found, around = map(int, run(program).out.split())
        finally:
            del os.environ["GLIBC_TUNABLES"]
        assert within >= 0.06e9
        # Clocks differ by a little, and short waits are not looked for.
        assert 0.9 * within <= found <= 1.01 * around


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="live files are Linux's")
def test_a_killed_process_has_waited(tmp_path):
    program = """
import os, signal, time
from edbprof_native import Profile
recorded = Profile(live_dir=os.getcwd())
recorded.enable()
for _ in range(3):
    time.sleep(0.04)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(files(tmp_path, "*.live")) == 1
    file = aggregated(tmp_path)
    assert file.waiting("<built-in method time.sleep>").total >= 0.11e9


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_begins_at_zero(run):
    program = """
        import os, time
        from edbprof_native import Profile
        from prof_file import ProfFile
        recorded = Profile()
        with recorded:
            time.sleep(0.2)
            pid = os.fork()
            if pid == 0:
                begun = time.perf_counter_ns()
                time.sleep(0.02)
                slept = time.perf_counter_ns() - begun
            else:
                os.waitpid(pid, 0)
        name = "<built-in method time.sleep>"
        if pid == 0:
            recorded.save("child.prof")
            assert 0.015e9 < ProfFile("child.prof").waiting(name).total < slept + 1e6
            open("right", "x").close()
            os._exit(0)
        recorded.save("parent.prof")
        assert ProfFile("parent.prof").waiting(name).total >= 0.19e9
        assert os.path.exists("right")
    """
    run(program)


def aggregated(directory):
    command = [sys.executable, "-m", "edbprof_native", "--quiet"]
    command += ["--out", str(directory / "out"), str(directory)]
    subprocess.run(command, check=True)
    return ProfFile(directory / "out.prof")


def test_whole_programs_with_and_without(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import time; time.sleep(0.05)")
    command = [sys.executable, "-m", "edbprof_native", "run", "--no-children"]
    for name, options in (("with", []), ("without", ["--no-waiting"])):
        arguments = [f"--out={tmp_path / name}", *options, str(program)]
        done = subprocess.run([*command, *arguments], check=True, stderr=subprocess.PIPE)
        file = ProfFile(tmp_path / f"{name}.prof")
        slept = file.waiting("<built-in method time.sleep>")
        assert (slept.total > 0.04e9) == (name == "with")
        assert (b"blocked (" in done.stderr) == (name == "with")


def test_reports_tell_what_was_waited_for(tmp_path):
    for number in range(2):
        recorded = Profile()
        with recorded:
            time.sleep(PAUSE)
        recorded.save(tmp_path / f"edbprof_{number}.prof")
        recorded.close()
    file = aggregated(tmp_path)
    slept = file.waiting("<built-in method time.sleep>")
    assert slept.total >= 2 * PAUSED_NS
    out = tmp_path / "out.prof"

    def edbprof(*arguments):
        command = [sys.executable, "-m", "edbprof_native", *map(str, arguments)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode()

    edbprof("export", "--format", "json", "--output", tmp_path / "out.json", out)
    exported = json.loads((tmp_path / "out.json").read_text())
    (function,) = [f for f in exported["functions"] if "time.sleep" in f["name"]]
    assert function["waiting"]["blocked_ns"] == slept.blocked
    assert sum(function["waiting"].values()) == slept.total <= function["self_ns"]
    assert sum(exported["tree"]["waiting"]["blocked_ns"]) == sum(
        node.waiting.blocked for node in file.nodes
    )
    table = edbprof("top", "--sort=waiting", out).partition("\n\n")[2].splitlines()
    assert table[0].split()[:2] == ["self", "waiting"]
    assert "time.sleep" in table[1]
    assert "◦" in edbprof("tree", out)
    edbprof("export", "--format", "callgrind", "--output", tmp_path / "out.callgrind", out)
    lines = (tmp_path / "out.callgrind").read_text().splitlines()
    assert "events: ns blocked gil preempted" in lines
    (totals,) = [line for line in lines if line.startswith("totals: ")]
    assert abs(int(totals.split()[2]) - slept.blocked) <= slept.blocked // 1000
