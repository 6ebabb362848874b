"""`edbprof attach`, `edbprof dump`, and the door of a program."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from attaching import LISTENS, PROGRAM, Target, attaching, edbprof
from edbprof_native._program import find
from running import write
from terminal import wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="doors are on Linux only")


@pytest.mark.parametrize("way", ["listen", "run"])
def test_all_threads_are_recorded_with_what_is_open(target, tmp_path, way):
    started = target(way)
    done = edbprof("attach", "--seconds=0.5", started.pid, tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr
    tree = edbprof("tree", "--all", "--threshold=0", "profile_analysis.prof", tmp_path=tmp_path)
    text = tree.stdout
    lines = [line for line in text.splitlines() if "program.py:" in line]
    depths = {line.split("─ ")[-1].split()[0]: line.index("program.py") for line in lines}
    assert {"main", "waits_here", "works", "works_inside"} <= depths.keys(), text
    waits = next(line for line in lines if "waits_here" in line)
    # It was open all the time, and called before.
    assert re.match(r" *[\d.]+ (ms|s) ", waits), text
    columns = waits.split("└─")[0].split("├─")[0]
    assert not re.search(r" 1 *$", columns.rstrip(" │")), text
    stdout, stderr = started.ended()
    assert "threads 1" in stdout
    assert stderr == ""


@pytest.mark.skipif(getattr(sys, "_is_gil_enabled", lambda: True)(), reason="there is a GIL")
def test_a_python_without_gil_is_refused_in_words(target, tmp_path):
    started = target()
    done = edbprof("attach", "--seconds=0.1", started.pid, tmp_path=tmp_path)
    assert done.returncode == 1
    assert "a Python without GIL can't be attached to" in done.stderr
    stdout, stderr = started.ended()
    assert ("threads 1" in stdout, stderr) == (True, "")


def test_the_process_is_as_before(target, tmp_path):
    started = target()
    tasks = set(os.listdir(f"/proc/{started.pid}/task"))
    files = set(os.listdir(f"/proc/{started.pid}/fd"))
    for _ in range(2):
        done = edbprof("attach", "--seconds=0.2", "--quiet", started.pid, tmp_path=tmp_path)
        assert done.returncode == 0, done.stderr
    assert set(os.listdir(f"/proc/{started.pid}/task")) == tasks
    assert set(os.listdir(f"/proc/{started.pid}/fd")) == files
    maps = Path(f"/proc/{started.pid}/maps").read_text()
    assert ".prof.live" not in maps
    left = [name for name in os.listdir(tmp_path) if name.startswith("edbprof-run-")]
    assert left == []
    doors = tmp_path / f"edbprof-doors-{os.geteuid()}"
    assert os.listdir(doors) == [str(started.pid)]
    started.ended()
    assert not doors.exists()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12")
def test_the_tool_id_is_free_again(target, tmp_path):
    text = PROGRAM.replace(
        'print("threads"',
        "for _ in range(10**6):\n"
        "            if sys.monitoring.get_tool(4) is None: break\n"
        "            works_inside()\n"
        "        print([sys.monitoring.get_tool(tool) for tool in range(6)])\n"
        '        print("threads"',
    )
    started = target(text=text)
    for _ in range(2):
        done = edbprof("attach", "--seconds=0.2", started.pid, tmp_path=tmp_path)
        assert "works_inside" in done.stderr, done.stderr
    out, err = started.ended()
    assert str([None] * 6) in out, (out, err)


def ended_process():
    with subprocess.Popen(["true"]) as process:
        pass
    return process.pid


def test_sockets_of_killed_processes_are_removed(target, tmp_path):
    doors = tmp_path / f"edbprof-doors-{os.geteuid()}"
    doors.mkdir(0o700)
    kept, expected = [], {"notes", str(os.getpid())}

    def bind(name, is_old=True):
        kept.append(socket.socket(socket.AF_UNIX))
        kept[-1].bind(str(doors / name))
        if is_old:
            os.utime(doors / name, (0, 0))
        return kept[-1]

    bind(str(ended_process()))
    # Somebody listens, as in another container.
    name = str(2**31 - 1)
    bind(name).listen()
    expected.add(name)
    # It may not have begun to listen.
    name = str(2**31 - 2)
    bind(name, is_old=False)
    expected.add(name)
    # Others than doors of processes that have ended.
    bind(str(os.getpid()))
    bind("notes")
    name = str(2**31 - 3)
    (doors / name).touch()
    os.utime(doors / name, (0, 0))
    expected.add(name)
    started = target()
    assert set(os.listdir(doors)) == expected | {str(started.pid)}
    started.ended()
    for each in kept:
        each.close()


@pytest.mark.parametrize(
    ("length", "is_used"), [(99, True), (100, False)], ids=["fits", "is too long"]
)
def test_a_socket_has_an_address_in_any_temporary_directory(tmp_path, length, is_used):
    own = f"edbprof-doors-{os.geteuid()}"
    # Two bytes a character.
    rest = length - len(f"{tmp_path}//{own}")
    place = tmp_path / ("é" * (rest // 2) + "e" * (rest % 2))
    place.mkdir()
    program = write(tmp_path / "program.py", "")
    program.write_text(textwrap.dedent(LISTENS) + textwrap.dedent(PROGRAM))
    started = Target([sys.executable, program], tmp_path, {"TMPDIR": str(place)})
    door = (place if is_used else Path("/tmp")) / own / str(started.pid)
    had_door = door.exists()
    done = edbprof("dump", started.pid, tmp_path=tmp_path)
    started.ended()
    assert had_door and not door.exists()
    assert "waits_here" in done.stdout, done.stderr


def test_a_door_is_its_users_alone(target, tmp_path):
    started = target()
    doors = tmp_path / f"edbprof-doors-{os.geteuid()}"
    door = doors / str(started.pid)
    assert stat.S_IMODE(doors.stat().st_mode) == 0o700
    assert stat.S_IMODE(door.stat().st_mode) == 0o600
    assert stat.S_ISSOCK(door.stat().st_mode)
    if os.geteuid() == 0:
        # Another user who gets at the socket nevertheless is not answered.
        doors.chmod(0o755)
        door.chmod(0o666)
        for parent in tmp_path.parents:
            if parent.stat().st_uid == 0 and parent != Path("/"):
                parent.chmod(parent.stat().st_mode | 0o711)
        tmp_path.chmod(0o755)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.setuid(65534)
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(str(door))
                    client.sendall(b"dump\0")
                    status = 0 if client.recv(10) == b"" else 2
            except ConnectionError:
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_rubbish_at_the_door_changes_nothing(target, tmp_path):
    started = target()
    door = tmp_path / f"edbprof-doors-{os.geteuid()}" / str(started.pid)
    for request in (b"", b"\0", b"\xff\xfe\0", b"nonsense\0", b"begin\n\0", b"x" * (1 << 17)):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(door))
            try:
                client.sendall(request)
                client.shutdown(socket.SHUT_WR)
                answer = client.recv(1 << 16)
            except ConnectionError:
                continue
            assert answer == b"" or answer.startswith(b"error\n"), request
    done = edbprof("attach", "--seconds=0.2", "--quiet", started.pid, tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr
    assert started.ended()[1] == ""


def test_recording_ends_with_a_killed_attach(target, tmp_path):
    started = target()
    with attaching(started, tmp_path) as attached:
        attached.kill()
    done = edbprof("attach", "--seconds=0.2", "--quiet", started.pid, tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr


def test_ctrl_c_ends_the_recording_early(target, tmp_path):
    started = target()
    with attaching(started, tmp_path) as attached:
        attached.send_signal(signal.SIGINT)
        attached.communicate()
    assert attached.returncode == 0
    assert (tmp_path / "profile_analysis.prof").exists()


def test_a_killed_process_leaves_what_was_recorded(target, tmp_path):
    started = target()
    with attaching(started, tmp_path) as attached:
        done = edbprof("dump", started.pid, tmp_path=tmp_path)
        os.kill(started.pid, signal.SIGKILL)
        _, said = attached.communicate()
    assert attached.returncode == 0, said
    # The door is taken by `attach`, so the recording alone has the stacks.
    assert "another edbprof is attached" in done.stderr
    assert "waits_here" in done.stdout
    assert re.search(r"works .*for ", done.stdout), done.stdout


def test_stacks_of_a_process_that_is_not_recorded(target, tmp_path):
    started = target()
    done = edbprof("dump", started.pid, tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "thread MainThread" in done.stdout
    assert "thread worker" in done.stdout
    assert re.search(r"waits_here +\S+program.py:\d+$", done.stdout, re.MULTILINE), done.stdout


FORKS = """
    import os, sys, time, warnings
    warnings.simplefilter("error")

    def child(stop):
        while not os.path.exists(stop):
            pass

    def main(started, stop):
        pid = os.fork()
        if pid == 0:
            with open(started + ".tmp", "w") as file:
                print(os.getpid(), file=file)
            os.rename(started + ".tmp", started)
            child(stop)
            os._exit(0)
        os.waitpid(pid, 0)
        print("forked", flush=True)

    main(*sys.argv[1:])
"""


def test_forks_are_those_of_one_thread_and_children_have_doors(target, tmp_path):
    started = target(text=FORKS)
    done = edbprof("attach", "--seconds=0.2", started.pid, tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "child" in edbprof("top", "profile_analysis.prof", tmp_path=tmp_path).stdout
    stdout, stderr = started.ended()
    assert (stdout, stderr) == ("forked\n", "")


CLOSES = """
    import os, sys, time

    def main(started, stop):
        os.closerange(3, 4096)
        with open(started + ".tmp", "w") as file:
            print(os.getpid(), file=file)
        os.rename(started + ".tmp", started)
        while not os.path.exists(stop):
            pass

    main(*sys.argv[1:])
"""


def test_a_door_that_was_closed_opens_again(target, tmp_path):
    started = target(text=CLOSES)
    door = tmp_path / f"edbprof-doors-{os.geteuid()}" / str(started.pid)
    for _ in range(600):
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(door))
            except (ConnectionError, FileNotFoundError):
                continue
        break
    done = edbprof("attach", "--seconds=0.2", started.pid, tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr


STARTS_CHILDREN = """
    import itertools, os, subprocess, sys

    def main(started, stop):
        with open(started + ".tmp", "w") as file:
            print(os.getpid(), file=file)
        os.rename(started + ".tmp", started)
        for number in itertools.count():
            if os.path.exists(stop):
                break
            with open(f"{stop}-{number}", "w") as file:
                print(file=file)
            subprocess.run([sys.executable, "-c", "def in_child(): pass\\nin_child()"])

    main(*sys.argv[1:])
"""


def wait_for_children(tmp_path):
    """Waits until a child has ended that was started after this call."""
    number = len(list(tmp_path.glob("stop-*")))
    # It ends before the next one is started.
    wait_for(tmp_path / f"stop-{number + 1}")


def recorded_with_children(started, tmp_path):
    with attaching(started, tmp_path) as attached:
        wait_for_children(tmp_path)
        attached.send_signal(signal.SIGINT)
        _, said = attached.communicate()
    assert attached.returncode == 0, said
    return edbprof("top", "--limit=0", "profile_analysis.prof", tmp_path=tmp_path).stdout


@pytest.mark.parametrize("way", ["listen", "run"])
def test_children_that_are_started_meanwhile_are_recorded(target, tmp_path, way):
    text = recorded_with_children(target(way, text=STARTS_CHILDREN), tmp_path)
    assert "in_child" in text
    assert "main" in text


def test_children_after_a_killed_attach(target, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    started = target(text=STARTS_CHILDREN)
    with attaching(started, tmp_path) as attached:
        attached.kill()
    # One may have been starting.
    wait_for_children(tmp_path)
    (left,) = temporary.glob("edbprof-run-*")
    recorded = sorted(left.iterdir())
    wait_for_children(tmp_path)
    assert sorted(left.iterdir()) == recorded
    assert "in_child" in recorded_with_children(started, tmp_path)


def test_errors_say_what_is_missing(tmp_path):
    with subprocess.Popen(["sleep", "1000"]) as other:
        for arguments, reason in [
            (["attach", 999999999], "there is no process 999999999"),
            (["attach", other.pid], "its program (sleep) is no Python that edbprof could ask"),
            (["dump", other.pid], "opens no door"),
            (["attach", "--seconds=0", other.pid], "a number of seconds is wanted"),
        ]:
            done = edbprof(*arguments, tmp_path=tmp_path)
            assert done.returncode == 2, (arguments, done.stderr)
            assert reason in " ".join(done.stderr.split()), done.stderr
        other.kill()


def test_workers_leave_no_door(target, tmp_path):
    program = """
        import multiprocessing, os, sys

        def in_worker(number):
            return os.getpid()

        def main(started, stop):
            with multiprocessing.get_context("fork").Pool(2) as pool:
                pool.map(in_worker, range(4))
                pool.close()
                pool.join()
            with open(started + ".tmp", "w") as file:
                print(os.getpid(), file=file)
            os.rename(started + ".tmp", started)
            while not os.path.exists(stop):
                pass

        main(*sys.argv[1:])
    """
    started = target(text=program)
    doors = tmp_path / f"edbprof-doors-{os.geteuid()}"
    assert os.listdir(doors) == [str(started.pid)]
    started.ended()
    assert not doors.exists()


def test_what_is_recorded_already_is_not_recorded_twice(target, tmp_path):
    started = target()
    with attaching(started, tmp_path) as attached:
        done = edbprof("attach", started.pid, tmp_path=tmp_path)
        assert done.returncode == 2
        assert "is recorded already" in done.stderr
        attached.send_signal(signal.SIGINT)
        attached.communicate()


@pytest.mark.parametrize("temporary", ["short", "l" * 100], ids=["short", "long"])
def test_a_python_without_a_door(target, tmp_path, monkeypatch, temporary):
    (tmp_path / temporary).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / temporary))
    # Its main thread runs Python code, or else nothing lets anybody in.
    started = target("none", PROGRAM.replace("worker.join()", "while worker.is_alive(): pass"))
    files = set(os.listdir(f"/proc/{started.pid}/fd"))
    done = edbprof("attach", "--seconds=0.2", started.pid, tmp_path=tmp_path)
    said = " ".join(done.stderr.split())
    if sys.version_info >= (3, 14) and done.returncode != 0:
        assert "may not trace process" in said or "runs no Python code" in said, said
    elif sys.version_info >= (3, 14):
        again = edbprof("dump", started.pid, tmp_path=tmp_path)
        assert "waits_here" in again.stdout, again.stderr
        assert set(os.listdir(f"/proc/{started.pid}/fd")) == files
    else:
        assert done.returncode == 2
        assert "sys.remote_exec, which needs none, is in Python 3.14 and later" in said, said


@pytest.mark.skipif(sys.version_info < (3, 14), reason="sys.remote_exec is in Python 3.14")
def test_a_python_that_starts_is_waited_for(tmp_path):
    """It has no main thread while it imports site."""
    site = tmp_path / "site"
    site.mkdir()
    write(
        site / "sitecustomize.py",
        """
        import os
        with open("starts", "w") as file:
            print(file=file)
        while not os.path.exists("go"):
            pass
        """,
    )
    program = write(tmp_path / "program.py", "def main():\n while True: pass\nmain()\n")
    command = [find(), "attach", "--seconds=0.2", "--quiet"]
    with subprocess.Popen(
        [sys.executable, program], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)}
    ) as process:
        wait_for(tmp_path / "starts")
        with subprocess.Popen(
            [*command, str(process.pid)], stderr=subprocess.PIPE, cwd=tmp_path, encoding="utf-8"
        ) as attached:
            # Each attempt is a process.
            children = Path(f"/proc/{attached.pid}/task/{attached.pid}/children")
            attempts = set()
            while len(attempts) < 2 and attached.poll() is None:
                attempts.update(children.read_text().split())
            (tmp_path / "go").touch()
            _, said = attached.communicate()
        process.kill()
    said = " ".join(said.split())
    assert attached.returncode == 0 or "may not trace process" in said, said
