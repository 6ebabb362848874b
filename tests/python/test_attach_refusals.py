"""`edbprof attach` and `edbprof dump` where they can't: what they say, and that they change nothing.

Each way in needs a right of its own. Tests of other users need root, which alone can become them.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from attaching import PROGRAM, edbprof
from edbprof_native._program import find

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="doors are on Linux only")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")

#: A user that owns nothing.
NOBODY = 65534

#: Main thread in Python code, so that sys.remote_exec could enter.
SPINS = PROGRAM.replace("worker.join()", "while worker.is_alive(): pass")


def said(*arguments, tmp_path, status=2, **more):
    done = edbprof(*arguments, tmp_path=tmp_path, **more)
    assert done.returncode == status, (arguments, done.stderr)
    return " ".join(done.stderr.split())


@pytest.fixture
def as_nobody():
    """Runs edbprof as a user that owns nothing, in a directory of its own."""
    with tempfile.TemporaryDirectory() as directory:
        # Not below that of pytest, which closes its directory to others whenever it starts.
        program = Path(shutil.copy(find(), directory))
        os.chown(directory, NOBODY, NOBODY)
        yield _as_nobody(program, directory)


def _as_nobody(program, directory):
    def run(*arguments, status):
        done = subprocess.run(
            [program, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
            cwd=directory,
            preexec_fn=lambda: (os.setgroups([]), os.setgid(NOBODY), os.setuid(NOBODY)),
        )
        assert done.returncode == status, done.stdout
        return " ".join(done.stdout.split())

    return run


@needs_root
@pytest.mark.parametrize("way", ["listen", "none"])
@pytest.mark.parametrize("command", ["attach", "dump"])
def test_a_process_of_another_user(target, as_nobody, way, command):
    started = target(way, SPINS)
    text = as_nobody(command, started.pid, status=2)
    assert "belongs to user 0" in text
    assert f"sudo edbprof {command} {started.pid}" in text


@needs_root
def test_a_process_that_gave_its_user_up(target, tmp_path, as_nobody):
    waits = "waits_here(worker)\n        print"
    started = target(text=PROGRAM.replace(waits, f"os.setuid({NOBODY})\n        {waits}"))
    # The door is still that of root, which the process was when it opened the door.
    text = as_nobody("dump", started.pid, status=2)
    assert "is no Python" not in text, text
    assert "waits_here" in edbprof("dump", started.pid, tmp_path=tmp_path).stdout


@needs_root
@pytest.mark.skipif(sys.version_info < (3, 14), reason="sys.remote_exec is in 3.14")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="util-linux is missing")
def test_root_without_the_right_to_trace(target, tmp_path):
    started = target("none", SPINS)
    limited = ["setpriv", "--bounding-set=-sys_ptrace", find()]
    done = subprocess.run(
        [*limited, "dump", str(started.pid)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2, done.stdout
    assert "--cap-add=SYS_PTRACE" in " ".join(done.stdout.split())


@pytest.mark.skipif(sys.version_info < (3, 14), reason="sys.remote_exec is in 3.14")
def test_a_python_that_forbids_remote_exec(target, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHON_DISABLE_REMOTE_DEBUG", "1")
    started = target("none", SPINS)
    monkeypatch.delenv("PYTHON_DISABLE_REMOTE_DEBUG")
    text = said("dump", started.pid, tmp_path=tmp_path)
    assert "PYTHON_DISABLE_REMOTE_DEBUG" in text
    assert "door" in text


def test_a_process_that_has_ended(tmp_path):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    for command in ("attach", "dump"):
        text = said(command, pid, tmp_path=tmp_path)
        assert f"process {pid} has ended; its parent, process {os.getpid()}" in text
    os.waitpid(pid, 0)
    assert f"there is no process {pid}" in said("attach", pid, tmp_path=tmp_path)


def test_a_process_that_ends_meanwhile(target, tmp_path):
    started = target()
    # It does not answer, and then is gone.
    os.kill(started.pid, signal.SIGSTOP)
    with subprocess.Popen(
        [find(), "attach", str(started.pid)],
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        encoding="utf-8",
    ) as attached:
        os.kill(started.pid, signal.SIGKILL)
        text = " ".join(attached.communicate()[1].split())
    assert attached.returncode != 0
    assert f"process {started.pid} has ended" in text or "there is no process" in text, text


def test_a_thread_and_a_thread_of_the_kernel(target, tmp_path):
    started = target()
    (thread,) = set(os.listdir(f"/proc/{started.pid}/task")) - {
        str(started.pid),
        *(task.name for task in doors(started.pid)),
    }
    text = said("attach", thread, tmp_path=tmp_path)
    assert f"{thread} is a thread of process {started.pid}: edbprof attach {started.pid}" in text
    if Path("/proc/2/comm").read_text() == "kthreadd\n" and os.geteuid() == 0:
        assert "a thread of the kernel" in said("attach", 2, tmp_path=tmp_path)


def doors(pid):
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [task for task in tasks if (task / "comm").read_text() == "edbprof-door\n"]


def test_other_programs(tmp_path):
    with subprocess.Popen(["sleep", "1000"]) as other:
        for command in ("attach", "dump"):
            text = said(command, other.pid, tmp_path=tmp_path)
            assert "its program (sleep) is no Python" in text
        other.kill()


CONTAINER = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]


def can_make_containers():
    try:
        return (
            subprocess.run([*CONTAINER, "true"], capture_output=True, check=False).returncode == 0
        )
    except OSError:
        return False


@pytest.mark.skipif(not can_make_containers(), reason="no user namespaces here")
def test_a_door_in_a_container(tmp_path):
    """Its process has another number and another user there."""
    program = tmp_path / "program.py"
    program.write_text(
        "import edbprof_native, os, sys, time\n"
        "edbprof_native.listen()\n"
        "print(os.getpid(), os.geteuid(), flush=True)\n"
        "def inside():\n"
        "    while True: time.sleep(0.01)\n"
        "inside()\n"
    )
    started = subprocess.Popen(
        [*CONTAINER, sys.executable, program],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    inside = []
    try:
        assert started.stdout.readline() == "1 0\n"
        inside = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
        done = edbprof("dump", inside[0], tmp_path=tmp_path)
        assert "inside" in done.stdout, done.stderr
        done = edbprof("attach", "--seconds=0.2", "--quiet", inside[0], tmp_path=tmp_path)
        assert done.returncode == 0, done.stderr
    finally:
        for process in (*map(int, inside), started.pid):
            os.kill(process, signal.SIGKILL)
        started.communicate()
