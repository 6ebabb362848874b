"""`edbprof run` of programs that are stopped, killed or outlived by their children."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest
from edbprof_native._program import find
from running import write


def test_ctrl_c_stops_the_program_and_still_gives_the_answer(edbprof_run, tmp_path):
    write(
        tmp_path / "program.py",
        """
        import sys, time
        def work():
            print("ready", flush=True)
            while True:
                time.sleep(10)
        work()
        """,
    )
    command = [find(), "run", f"--python={sys.executable}", "--out=results/", "program.py"]
    # What a shell starts with '&' ignores the signal, and so would the program.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        signal.signal(signal.SIGINT, before)
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in told and "Wrote" in told
    assert edbprof_run.results().calls("work") == 1


def test_a_program_that_is_killed(edbprof_run, tmp_path):
    write(
        tmp_path / "program.py",
        """
        import os, signal
        def work(): os.kill(os.getpid(), signal.SIGKILL)
        work()
        """,
    )
    done = edbprof_run("program.py")
    assert done.returncode == -signal.SIGKILL
    assert "1 of 1 process ended without exit handlers" in done.stderr
    assert edbprof_run.results().calls("work") == 1


def test_nothing_is_left_behind(edbprof_run, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    write(tmp_path / "program.py", "def work(): pass\nwork()\n")
    assert edbprof_run("program.py").returncode == 0
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_child_that_outlives_the_run(edbprof_run, tmp_path, monkeypatch):
    """It is named, and what it has recorded until then is in the results."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    write(
        tmp_path / "program.py",
        """
        import os, subprocess, sys
        if len(sys.argv) == 1:
            ready, told = os.pipe()
            child = subprocess.Popen(
                [sys.executable, "program.py", str(told)],
                stdin=0, stdout=subprocess.DEVNULL, stderr=open("child.err", "w"),
                pass_fds=[told],
            )
            os.read(ready, 1)
        else:
            def outlives(): pass
            outlives()
            os.write(int(sys.argv[1]), b"x")
            sys.stdin.read()
        """,
    )
    reader, writer = os.pipe()
    done = edbprof_run("program.py", stdin=reader)
    assert done.returncode == 0
    assert re.search(r"^edbprof: process \d+ is still running", done.stderr, re.MULTILINE)
    os.close(writer)
    os.close(reader)
    assert edbprof_run.results().calls("outlives") == 1
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_forkserver_leaves_nothing(edbprof_run, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    write(
        tmp_path / "program.py",
        """
        import multiprocessing
        def in_worker(number): return number
        if __name__ == "__main__":
            with multiprocessing.get_context("forkserver").Pool(2) as pool:
                assert pool.map(in_worker, range(3)) == [0, 1, 2]
        """,
    )
    assert edbprof_run("program.py").returncode == 0
    assert edbprof_run.results().calls("in_worker") == 3
    assert list((tmp_path / "tmp").iterdir()) == []


def test_os_exit_is_no_kill(edbprof_run, tmp_path):
    write(tmp_path / "program.py", "import os\ndef work(): os._exit(3)\nwork()\n")
    done = edbprof_run("program.py")
    assert done.returncode == 3
    assert "killed" not in done.stderr
    assert edbprof_run.results().calls("work") == 1


def test_where_the_run_is_over_nothing_is_recorded_or_said(tmp_path):
    settings = "threads=1\nbuiltins=1\nchildren=1\nclock=wall\nhook=auto\ndirectory="
    done = subprocess.run(
        [sys.executable, "-c", "import sys; print('edbprof_native._native' in sys.modules)"],
        env=dict(os.environ, EDBPROF_RUN=settings + str(tmp_path / "gone")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    assert done.stderr == ""


#: A child ends after its parent.
ORPHAN = """
import os, subprocess, sys
if len(sys.argv) == 1:
    command = [sys.executable, __file__, str(os.getpid())]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    child.stdout.readline()
else:
    os.write(1, b"started\\n")
    while os.getppid() == int(sys.argv[1]):
        os.sched_yield()
"""


def test_a_child_that_outlives_its_parent_is_no_command_of_its_own(tmp_path):
    program = write(tmp_path / "program.py", ORPHAN)
    command = [find(), "run", f"--python={sys.executable}", f"--out={tmp_path}", program]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert "2 processes" in done.stderr and "more command" not in done.stderr


#: Runs a command as the first process of a container that adopts orphans and waits for none.
ADOPT = """
import ctypes, os, subprocess, sys
PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
subprocess.run(sys.argv[1:], check=True)
try:
    print(os.waitpid(-1, 0))
except ChildProcessError:
    print("none")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
def test_no_process_is_left_to_be_waited_for(tmp_path):
    command = [find(), "run", "--quiet", f"--python={sys.executable}", f"--out={tmp_path}"]
    command = [sys.executable, "-c", ADOPT, *command, "-c", "pass"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "none\n"
