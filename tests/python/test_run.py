"""`edbprof run`: a whole program profiled, and nothing else changed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from edbprof_native._program import find
from prof_file import ProfFile

#: Tells what a program can see of how it was started.
OBSERVER = """
import json, os, pickle, signal, sys, warnings

class Thing:
    pass

warnings.warn("seen", DeprecationWarning)
print(json.dumps({
    "argv": sys.argv,
    "name": __name__,
    "file": globals().get("__file__"),
    "path": sys.path[0],
    "flags": str(sys.flags),
    "xoptions": {str(k): str(v) for k, v in sys._xoptions.items()},
    "pickled": type(pickle.loads(pickle.dumps(Thing()))).__qualname__,
    "main": sorted(name for name in vars(sys.modules["__main__"]) if name != "__builtins__"),
    "stdin": sys.stdin.read(),
    "handlers": [str(signal.getsignal(number)) for number in (2, 13, 15)],
    "profile": str(sys.gettrace()),
    "excepthook": sys.excepthook is sys.__excepthook__,
}))
def fail(): raise ValueError("on purpose")
if "fail" in sys.argv:
    fail()
sys.exit(7)
"""


@pytest.fixture
def run(tmp_path):
    """Runs `edbprof run ARGUMENTS`, gives what came of it; results are in tmp_path/results."""
    results = tmp_path / "results"
    results.mkdir()

    def run(*arguments, options=(), **more):
        command = [find(), "run", f"--python={sys.executable}", f"--out={results}", *options]
        return subprocess.run(
            [*command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd=tmp_path,
            check=False,
            **more,
        )

    run.results = lambda: ProfFile(results / "profile_analysis.prof")
    return run


def write(path: Path, text: str) -> Path:
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ["observer.py", "a", "--out=b", "-x"],
        ["-m", "observer", "a"],
        ["-W", "always", "-X", "utf8", "-B", "observer.py", "fail"],
        ["-c", OBSERVER, "a"],
    ],
    ids=["script", "module", "options", "code"],
)
def test_the_program_sees_what_it_would_see_without_us(run, tmp_path, arguments):
    write(tmp_path / "observer.py", OBSERVER)
    bare = subprocess.run(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=tmp_path,
        input="some input",
        check=False,
    )
    profiled = run(*arguments, options=["--quiet"], input="some input")
    assert profiled.stdout == bare.stdout
    assert profiled.stderr == bare.stderr
    assert profiled.returncode == bare.returncode in (1, 7)


def test_all_calls_of_all_threads_and_children_are_there(run, tmp_path):
    write(
        tmp_path / "child.py",
        """
        def in_child(): pass
        for _ in range(3): in_child()
        """,
    )
    write(
        tmp_path / "program.py",
        """
        import multiprocessing, os, subprocess, sys, threading

        def in_main(): pass
        def in_thread(): pass
        def in_fork(): pass
        def in_worker(number): return number

        if __name__ == "__main__":
            in_main()
            thread = threading.Thread(target=in_thread)
            thread.start()
            thread.join()
            subprocess.run([sys.executable, "child.py"], check=True)
            subprocess.run(["sh", "-c", f"{sys.executable} child.py"], check=True)
            for method in ("spawn", "forkserver", "fork"):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    assert pool.map(in_worker, range(10), chunksize=1) == list(range(10))
                    pool.close()
                    pool.join()
            if os.fork() == 0:
                in_fork()
                sys.exit()
            os.wait()
        """,
    )
    done = run("program.py")
    assert (done.returncode, done.stdout) == (0, "")
    file = run.results()
    names = ("in_main", "in_thread", "in_fork", "in_worker", "in_child")
    assert {name: file.calls(name) for name in names} == {
        "in_main": 1,
        "in_thread": 1,
        "in_fork": 1,
        "in_worker": 30,
        "in_child": 6,
    }
    assert "lost" not in done.stderr or "0 lost" in done.stderr


def test_the_first_process_alone(run, tmp_path):
    write(
        tmp_path / "program.py",
        """
        import os, subprocess, sys

        def work(): pass

        work()
        if len(sys.argv) == 1:
            subprocess.run([sys.executable, "program.py", "child"], check=True)
            if os.fork() == 0:
                work()
                sys.exit()
            os.wait()
        """,
    )
    assert run("program.py", options=["--no-children"]).returncode == 0
    assert run.results().calls("work") == 1


def test_what_recording_costs_is_measured(run, tmp_path):
    write(
        tmp_path / "program.py",
        """
        import multiprocessing
        def work(_=None):
            for number in range(40_000):
                abs(number)
        if __name__ == "__main__":
            work()
            with multiprocessing.get_context("fork").Pool(1) as pool:
                pool.map(work, [1])
                pool.close()
                pool.join()
        """,
    )
    done = run("program.py", options=["--compensate"])
    assert "Compensated" in done.stderr
    assert "lack of calibration" not in done.stderr
    assert "Recording took about" in run("program.py").stderr


def test_options_of_recording(run, tmp_path):
    write(
        tmp_path / "program.py",
        """
        import threading
        def in_thread(): len("")
        thread = threading.Thread(target=in_thread)
        thread.start()
        thread.join()
        """,
    )
    run("program.py", options=["--no-threads", "--no-builtins", "--clock=cpu"])
    names = {label[2] for label in run.results().rows}
    assert "in_thread" not in names
    assert not any("built-in" in name for name in names)


def test_ctrl_c_stops_the_program_and_still_gives_the_answer(run, tmp_path):
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
    assert run.results().calls("work") == 1


def test_a_program_that_is_killed(run, tmp_path):
    write(
        tmp_path / "program.py",
        """
        import os, signal
        def work(): os.kill(os.getpid(), signal.SIGKILL)
        work()
        """,
    )
    done = run("program.py")
    assert done.returncode == -signal.SIGKILL
    assert "1 of 1 process ended without exit handlers" in done.stderr
    assert run.results().calls("work") == 1


def test_a_program_on_path(run, tmp_path):
    program = write(tmp_path / "some-program", f"#!{sys.executable}\ndef work(): pass\nwork()\n")
    program.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    # In another directory: a file that is here is a script.
    (tmp_path / "elsewhere").mkdir()
    done = subprocess.run(
        [find(), "run", "--out=here.svg", "some-program"],
        cwd=tmp_path / "elsewhere",
        env=dict(os.environ, PATH=path),
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ProfFile(tmp_path / "elsewhere" / "here.prof").calls("work") == 1


def test_what_can_not_be_run(run, tmp_path):
    done = run("no-such-program")
    assert done.returncode == 127
    assert "no file no-such-program" in done.stderr
    done = run("sh", "-c", "exit 3")
    assert done.returncode == 3
    assert "nothing was recorded" in done.stderr


def test_recordings_are_kept_on_demand(run, tmp_path):
    write(tmp_path / "program.py", "def work(): pass\nwork()\n")
    done = run("program.py", options=["--keep=kept"])
    (file,) = (tmp_path / "kept").iterdir()
    assert ProfFile(file).calls("work") == 1
    assert str(tmp_path / "kept") in done.stderr


def test_nothing_is_left_behind(run, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    write(tmp_path / "program.py", "def work(): pass\nwork()\n")
    assert run("program.py").returncode == 0
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_child_that_outlives_the_run(run, tmp_path, monkeypatch):
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
    done = run("program.py", stdin=reader)
    assert done.returncode == 0
    assert re.search(r"^edbprof: process \d+ is still running", done.stderr, re.MULTILINE)
    os.close(writer)
    os.close(reader)
    assert run.results().calls("outlives") == 1
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_forkserver_leaves_nothing(run, tmp_path, monkeypatch):
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
    assert run("program.py").returncode == 0
    assert run.results().calls("in_worker") == 3
    assert list((tmp_path / "tmp").iterdir()) == []


def test_os_exit_is_no_kill(run, tmp_path):
    write(tmp_path / "program.py", "import os\ndef work(): os._exit(3)\nwork()\n")
    done = run("program.py")
    assert done.returncode == 3
    assert "killed" not in done.stderr
    assert run.results().calls("work") == 1


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


def test_python_m_runs_that_python(tmp_path):
    write(tmp_path / "program.py", "import sys\ndef work(): print(sys.executable)\nwork()\n")
    command = [sys.executable, "-m", "edbprof_native", "run", "--quiet", "program.py"]
    done = subprocess.run(
        command, cwd=tmp_path, stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    assert done.stdout == f"{sys.executable}\n"
    assert ProfFile(tmp_path / "profile_analysis.prof").calls("work") == 1


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
    """As long as the test sees them last, between two messages."""
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


#: Nobody may set a profile function from now on.
FORBID = """
import sys, threading
def audit(event, arguments):
    if event == "sys.setprofile":
        raise RuntimeError(event)
sys.addaudithook(audit)
thread = threading.Thread(target=print, args=("ran",))
thread.start()
thread.join()
"""


def test_an_audit_hook_that_forbids_profile_functions_says_nothing_of_ours(tmp_path):
    command = [find(), "run", "--quiet", f"--python={sys.executable}", f"--out={tmp_path}"]
    done = subprocess.run([*command, "-c", FORBID], capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")


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


def test_results_keep_processes_and_threads_apart(run, tmp_path):
    """So they can be looked at one by one afterwards, without the recordings."""
    write(
        tmp_path / "program.py",
        """
        import subprocess, sys, threading
        def of_child(): pass
        def of_thread(): pass
        def of_main(): pass
        if sys.argv[1:]:
            of_child()
        else:
            subprocess.run([sys.executable, __file__, "child"], check=True)
            thread = threading.Thread(target=of_thread, name="worker")
            thread.start()
            thread.join()
            of_main()
        """,
    )
    done = run("program.py")
    assert done.returncode == 0
    assert "tree --by=process " in done.stderr

    def shown(*options):
        profile = tmp_path / "results" / "profile_analysis.prof"
        command = [find(), "tree", "--threshold=0", "--all", *options, profile]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
        names = {"of_child", "of_thread", "of_main"}
        return {name for name in names if name in done.stdout}, done.stdout

    everything = {"of_child", "of_thread", "of_main"}
    names, text = shown()
    assert names == everything and "thread worker" not in text
    names, text = shown("--by=thread")
    assert names == everything and "thread worker" in text and text.count("process ") >= 2
    assert shown("--only-process=*child")[0] == {"of_child"}
    assert shown("--only-thread=worker")[0] == {"of_thread"}
    assert shown("--only-thread=MainThread")[0] == {"of_child", "of_main"}
