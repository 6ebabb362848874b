"""`edbprof top --live` and `edbprof run --live`, in a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from edbprof_native._program import find
from running import write
from terminal import TerminalProgram, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="live files are on Linux only")

PROGRAM = """
    import os, sys, time

    def busy_inside():
        return sum(range(1000))

    def goes_round(stop):
        while not os.path.exists(stop):
            busy_inside()

    if __name__ == "__main__":
        with open(sys.argv[1] + ".tmp", "w") as file:
            print(os.getpid(), file=file)
        os.rename(sys.argv[1] + ".tmp", sys.argv[1])
        print("it is about to begin", flush=True)
        goes_round(sys.argv[2])
        print("it was stopped", flush=True)
        sys.exit(7)
"""


@pytest.fixture
def program(tmp_path):
    return write(tmp_path / "goes_round.py", PROGRAM)


@pytest.fixture
def running(tmp_path, program):
    """A recorded process that runs: the process id of the program."""
    started, stop = tmp_path / "pid", tmp_path / "stop"
    command = [find(), "run", f"--python={sys.executable}", f"--keep={tmp_path / 'kept'}"]
    command += [f"--out={tmp_path / 'out'}/", "--quiet", str(program), str(started), str(stop)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield int(wait_for(started))
        finally:
            stop.touch()
            process.wait()


@pytest.fixture
def terminal():
    opened = []

    def opens(*arguments, **more):
        opened.append(TerminalProgram([find(), *arguments], **more))
        return opened[-1]

    yield opens
    for each in opened:
        each.close()


def has(*words):
    return lambda screen: all(word in screen for word in words)


def test_a_running_process_is_shown_until_q(terminal, running, tmp_path):
    view = terminal("top", "--live", str(running))
    screen = view.until(has("busy_inside", "goes_round", "whole time", "1 process runs"))
    assert f"process {running}" in screen
    assert "functions by self time" in screen
    assert view.modes != view.before
    view.type("t")
    view.until(has("tree", "└─ ", "busy_inside"))
    view.type("l")
    view.type("f")
    view.until(has("functions by self time, last "))
    view.type("s")
    view.until(has("functions by total"))
    view.type("p")
    view.until(has("paused"))
    view.type("q")
    assert view.ended() == 0
    assert view.is_left()
    os.kill(running, 0)


def test_the_directory_of_a_run_is_shown_and_its_end(terminal, running, tmp_path):
    view = terminal("top", "--live", str(tmp_path / "kept"))
    view.until(has("busy_inside", "1 process runs"))
    (tmp_path / "stop").touch()
    view.until(has("1 recording, ended"))
    view.type("\x1b")
    assert view.ended() == 0
    assert view.is_left()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_gives_the_terminal_back(terminal, running, number):
    view = terminal("top", "--live", str(running))
    view.until(has("busy_inside"))
    os.kill(view.pid, number)
    assert view.ended() == (0 if number == signal.SIGINT else -number)
    assert view.is_left()


def test_ctrl_c_closes_the_view_alone(terminal, running):
    view = terminal("top", "--live", str(running))
    view.until(has("busy_inside"))
    view.type("\x03")
    assert view.ended() == 0
    assert view.is_left()
    os.kill(running, 0)


def test_a_program_runs_below_its_view(terminal, program, tmp_path):
    started, stop = tmp_path / "pid", tmp_path / "stop"
    out = f"--out={tmp_path / 'out'}/"
    arguments = [f"--python={sys.executable}", out, str(program), str(started), str(stop)]
    view = terminal("run", "--live", *arguments, directory=tmp_path)
    screen = view.until(has("busy_inside", "1 process runs", "1 line of output"))
    assert "it is about to begin" not in screen
    stop.touch()
    assert view.ended() == 7
    assert view.is_left()
    after = view.output.rpartition("\x1b[?1049l")[2]
    assert after.index("it is about to begin") < after.index("it was stopped")
    assert "1 process" in after
    assert (tmp_path / "out" / "profile_analysis.prof").exists()


def test_a_program_goes_on_without_its_view(terminal, program, tmp_path):
    started, stop = tmp_path / "pid", tmp_path / "stop"
    arguments = ["--quiet", f"--python={sys.executable}", f"--out={tmp_path / 'out'}/"]
    arguments += [str(program), str(started), str(stop)]
    view = terminal("run", "--live", *arguments, directory=tmp_path)
    view.until(has("busy_inside"))
    view.type("q")
    view.until(lambda _: "it is about to begin" in view.output.rpartition("\x1b[?1049l")[2])
    assert view.is_left()
    os.kill(int(wait_for(started)), 0)
    stop.touch()
    assert view.ended() == 7
    assert "it was stopped" in view.output


def test_ctrl_c_is_for_the_program(terminal, program, tmp_path):
    started, stop = tmp_path / "pid", tmp_path / "stop"
    arguments = [f"--python={sys.executable}", f"--out={tmp_path / 'out'}/"]
    arguments += [str(program), str(started), str(stop)]
    view = terminal("run", "--live", *arguments, directory=tmp_path)
    view.until(has("busy_inside"))
    view.type("\x03")
    assert view.ended() == -signal.SIGINT
    assert view.is_left()
    assert "KeyboardInterrupt" in view.output.rpartition("\x1b[?1049l")[2]


@pytest.fixture
def unrecorded():
    """The number of a process that nothing records."""
    process = subprocess.Popen(["sleep", "1000"])
    yield str(process.pid)
    process.kill()
    process.wait()


def test_what_is_not_recorded_is_refused_before_the_view(terminal, unrecorded, tmp_path):
    for arguments, status, reason in [
        ([unrecorded], 3, "nor a child of it is recorded"),
        (["999999999"], 2, "there is no process 999999999"),
        ([str(tmp_path)], 3, "no recordings in the directory"),
        ([str(tmp_path / "none")], 2, "there is no file or directory"),
        ([], 3, "no running process is recorded"),
    ]:
        view = terminal("top", "--live", *arguments, environment={"TMPDIR": str(tmp_path)})
        assert view.ended() == status, view.output
        assert reason in view.output.replace("\r\n", "\n")
        assert "\x1b" not in view.output


def test_without_a_terminal_there_is_no_view(running):
    command = [find(), "top", "--live", str(running)]
    for start_new_session, environment, reason in [
        (True, {}, "needs a terminal; without --live"),
    ]:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
            start_new_session=start_new_session,
            env={**os.environ, **environment},
        )
        assert done.returncode == 2
        assert reason in done.stderr
