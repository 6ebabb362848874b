"""`edbprof clean` on a terminal, and what happens to files while it asks."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest
from edbprof_native._program import find

KILLED = """
    import os, signal
    from edbprof_native import profile

    @profile(dir={directory!r})
    def work():
        os.kill(os.getpid(), signal.SIGKILL)

    work()
"""


@pytest.fixture
def live(run, tmp_path):
    """The live file of a process that was killed."""
    directory = tmp_path / "recordings"
    directory.mkdir()
    run(KILLED.format(directory=str(directory)), code=-9)
    (file,) = directory.iterdir()
    return file


def clean(directory, answer, meanwhile=lambda: None):
    """Answers on a terminal, after `meanwhile`; gives the exit code, stdout and the terminal."""
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [find(), "clean", directory], stdin=end, stderr=end, stdout=subprocess.PIPE
    )
    os.close(end)
    told = b""
    while b"[y/N]" not in told:
        told += os.read(terminal, 1000)
    meanwhile()
    os.write(terminal, answer)
    out, _ = process.communicate()
    try:
        while True:
            told += os.read(terminal, 1000)
    except OSError:  # The program has closed its end.
        os.close(terminal)
    return process.returncode, out.decode(), told.decode()


@pytest.mark.parametrize("answer", [b"\n", b"n\n", b"yesterday\n", b"\x04"])
def test_it_asks(live, answer):
    code, out, told = clean(live.parent, answer)
    assert (code, live.exists()) == (0, True)
    assert str(live) in out and "ended without exit handlers)" in out
    assert f"edbprof {live.parent}" in told


def test_yes_is_yes(live):
    code, out, _told = clean(live.parent, b"Y\n")
    assert (code, live.exists()) == (0, False)
    assert "removed 1 file" in out


def test_a_file_that_vanishes_is_nothing_to_tell(live):
    code, out, told = clean(live.parent, b"y\n", live.unlink)
    assert code == 0
    assert "removed 0 files" in out and "can't" not in told


def test_a_file_that_becomes_a_link_stays(live, tmp_path):
    other = tmp_path / "other"

    def meanwhile():
        live.rename(other)
        live.symlink_to(other)

    code, _out, told = clean(live.parent, b"y\n", meanwhile)
    assert code == 1
    assert f"can't remove {live}: it is a link" in told
    assert live.is_symlink() and other.exists()


def test_a_file_that_becomes_another_stays(live):
    def meanwhile():
        live.rename(live.with_name("moved"))
        live.write_bytes(live.with_name("moved").read_bytes())

    code, _out, told = clean(live.parent, b"y\n", meanwhile)
    assert code == 1
    assert f"can't remove {live}: it has changed meanwhile" in told
    assert live.exists()


def test_a_run_that_was_killed(run, tmp_path, monkeypatch):
    """Its directory is in use as long as it runs, and left over afterwards.

    The program ends with it: whoever kills the run means the program.
    """
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    go_on, here = os.pipe()
    program = f"import os; print('recorded', flush=True); os.read({go_on}, 1)"
    running = subprocess.Popen(
        [find(), "run", f"--python={sys.executable}", "-c", program],
        stdout=subprocess.PIPE,
        pass_fds=[go_on],
    )
    assert running.stdout.readline() == b"recorded\n"
    (directory,) = scratch.iterdir()
    (live,) = directory.iterdir()
    cleaning = [find(), "clean", "--yes"]
    done = subprocess.run(cleaning, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    assert b"in use" in done.stderr and live.exists()
    running.kill()
    running.wait()
    assert running.stdout.read() == b""
    running.stdout.close()
    os.close(here)
    os.close(go_on)
    while directory.exists():  # Until the system says that it has ended.
        subprocess.run(cleaning, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
