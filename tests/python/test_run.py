"""`edbprof run`: a whole program profiled, and nothing else changed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from edbprof_native._program import find
from prof_file import ProfFile
from running import write

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
def test_the_program_sees_what_it_would_see_without_us(edbprof_run, tmp_path, arguments):
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
    profiled = edbprof_run(*arguments, options=["--quiet"], input="some input")
    assert profiled.stdout == bare.stdout
    assert profiled.stderr == bare.stderr
    assert profiled.returncode == bare.returncode in (1, 7)


def test_all_calls_of_all_threads_and_children_are_there(edbprof_run, tmp_path):
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
    done = edbprof_run("program.py")
    assert (done.returncode, done.stdout) == (0, "")
    file = edbprof_run.results()
    names = ("in_main", "in_thread", "in_fork", "in_worker", "in_child")
    assert {name: file.calls(name) for name in names} == {
        "in_main": 1,
        "in_thread": 1,
        "in_fork": 1,
        "in_worker": 30,
        "in_child": 6,
    }
    assert "lost" not in done.stderr or "0 lost" in done.stderr


def test_the_first_process_alone(edbprof_run, tmp_path):
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
    assert edbprof_run("program.py", options=["--no-children"]).returncode == 0
    assert edbprof_run.results().calls("work") == 1


def test_what_recording_costs_is_measured(edbprof_run, tmp_path):
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
    done = edbprof_run("program.py", options=["--compensate"])
    assert "Compensated" in done.stderr
    assert "lack of calibration" not in done.stderr
    assert "Recording took about" in edbprof_run("program.py").stderr


def test_options_of_recording(edbprof_run, tmp_path):
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
    edbprof_run("program.py", options=["--no-threads", "--no-builtins", "--clock=cpu"])
    names = {label[2] for label in edbprof_run.results().rows}
    assert "in_thread" not in names
    assert not any("built-in" in name for name in names)


def test_a_program_on_path(edbprof_run, tmp_path):
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


def test_what_can_not_be_run(edbprof_run, tmp_path):
    done = edbprof_run("no-such-program")
    assert done.returncode == 127
    assert "no file no-such-program" in done.stderr
    done = edbprof_run("sh", "-c", "exit 3")
    assert done.returncode == 3
    assert "nothing was recorded" in done.stderr


def test_recordings_are_kept_on_demand(edbprof_run, tmp_path):
    write(tmp_path / "program.py", "def work(): pass\nwork()\n")
    done = edbprof_run("program.py", options=["--keep=kept"])
    (file,) = (tmp_path / "kept").iterdir()
    assert ProfFile(file).calls("work") == 1
    assert str(tmp_path / "kept") in done.stderr


def test_python_m_runs_that_python(tmp_path):
    write(tmp_path / "program.py", "import sys\ndef work(): print(sys.executable)\nwork()\n")
    command = [sys.executable, "-m", "edbprof_native", "run", "--quiet", "program.py"]
    done = subprocess.run(
        command, cwd=tmp_path, stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    assert done.stdout == f"{sys.executable}\n"
    assert ProfFile(tmp_path / "profile_analysis.prof").calls("work") == 1


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


def test_results_keep_processes_and_threads_apart(edbprof_run, tmp_path, monkeypatch):
    """So they can be looked at one by one afterwards, without the recordings."""
    monkeypatch.setenv("COLUMNS", "1000")  # Paths of temporary directories are long.
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
    done = edbprof_run("program.py")
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
