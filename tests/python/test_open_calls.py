"""Time of calls that were open when their process was killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from edbprof_native._program import find
from prof_file import ProfFile

#: A process that says `ready` in a call that never returns.
BLOCKED = """
import os, sys, threading
def block(way):
    if way == "thread":
        threading.Thread(target=block, args=("",)).start()
    elif way == "fork":
        block("") if os.fork() == 0 else os.wait()
    elif way == "exec":
        os.execv("/bin/cat", ["cat"])
    os.write(1, b"%d\\n" % os.getpid())
    os.read(0, 1)
block(sys.argv[1])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="live files are Linux's")
@pytest.mark.parametrize("way", ["main", "thread", "fork"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_open_calls_last_until_the_kill(tmp_path, way, number):
    """The time is that which the test measures, between two messages."""
    command = [find(), "run", f"--python={sys.executable}", f"--out={tmp_path}"]
    command += ["-c", BLOCKED, way]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, encoding="utf-8") as run:
        pid = int(run.stdout.readline())
        if way == "thread":
            assert int(run.stdout.readline()) == pid
        begun = time.monotonic_ns()
        while time.monotonic_ns() < begun + 50_000_000:
            os.sched_yield()
        waited = time.monotonic_ns() - begun
        os.kill(pid, number)
        _, errors = run.communicate()
    assert "Unfinished" not in errors and "≥" not in errors
    file = ProfFile(tmp_path / "profile_analysis.prof")
    # In a forked child, the parent's call has no calls.
    blocked = [node for node in file.nodes if node.name == "block" and node.calls]
    assert len(blocked) == (1 if way == "main" else 2)
    # All of them began before. The counter was measured by another clock.
    assert all(node.total > waited * 0.99 for node in blocked)
    # Whatever comes after another signal may take processor time; and that of a child whose parent
    # waits for it may not be known.
    if number == signal.SIGKILL and way != "fork":
        reads = [node for node in file.nodes if node.name.endswith("posix.read>")]
        assert len(reads) == len(blocked)
        assert all(node.waiting.blocked > waited / 2 for node in reads)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="live files are Linux's")
def test_open_calls_end_where_the_process_becomes_another_program(tmp_path):
    begun = time.monotonic_ns()
    command = [find(), "run", f"--python={sys.executable}", f"--out={tmp_path}"]
    command += ["-c", BLOCKED, "exec"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, encoding="utf-8") as run:
        # The other program answers.
        run.stdin.write("x\n")
        run.stdin.flush()
        assert run.stdout.readline() == "x\n"
        became = time.monotonic_ns() - begun
        while time.monotonic_ns() < begun + 3 * became:
            os.sched_yield()
        run.communicate()
    assert run.returncode == 0
    file = ProfFile(tmp_path / "profile_analysis.prof")
    (block,) = (node for node in file.nodes if node.name == "block")
    assert 0 < block.total < became * 1.01


#: A child becomes another program and goes on. The pipe is closed when it has become one.
BECOMES_CAT = """
import os
read, write = os.pipe()
if os.fork() == 0:
    os.execv("/bin/cat", ["cat"])
os.close(write)
os.read(read, 1)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="live files are Linux's")
def test_a_process_that_became_another_program_is_not_one_that_still_records(tmp_path):
    command = [find(), "run", f"--python={sys.executable}", f"--out={tmp_path}", "-c", BECOMES_CAT]
    with open(tmp_path / "errors", "w+") as errors:
        pipe = subprocess.PIPE
        # The other program runs as long as its input is open.
        with subprocess.Popen(command, stdin=pipe, stdout=errors, stderr=errors) as run:
            assert run.wait() == 0
            errors.seek(0)
            assert "still running" not in errors.read()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="live files are Linux's")
def test_kept_recordings_know_when_the_process_was_killed(tmp_path):
    kept = tmp_path / "kept"
    command = [find(), "run", "--quiet", f"--python={sys.executable}", f"--keep={kept}"]
    command += [f"--out={tmp_path}", "-c", BLOCKED, "main"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        os.kill(int(run.stdout.readline()), signal.SIGKILL)
        run.communicate()
    done = subprocess.run(
        [find(), f"--out={tmp_path / 'again.prof'}", kept], stdout=subprocess.PIPE, check=True
    )
    assert b"Unfinished" not in done.stdout

    def totals(name):
        # Without the nodes of process and thread, which are not called.
        return sorted(node.total for node in ProfFile(tmp_path / name).nodes if node.calls)

    # The counter's rate is measured each time.
    assert totals("again.prof") == pytest.approx(totals("profile_analysis.prof"), 0.01, 2)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="live files are Linux's")
def test_without_edbprof_open_calls_are_lower_bounds(tmp_path):
    kept = tmp_path / "kept"
    command = [find(), "run", "--quiet", f"--python={sys.executable}", f"--keep={kept}"]
    command += [f"--out={tmp_path}", "-c", BLOCKED, "main"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        run.stdout.readline()
        # The program ends with it.
        run.kill()
        assert run.stdout.read() == b""
    done = subprocess.run(
        [find(), f"--out={tmp_path / 'again.prof'}", kept],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    # It was writing, reading, or between the two.
    assert re.search("Unfinished at a kill: [23] calls of [23] functions, innermost ", done.stdout)
    assert "  ≥ " in done.stdout
