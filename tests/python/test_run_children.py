"""`edbprof run`: children with an environment of their own, and those that outlive the run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from edbprof_native._program import find
from prof_file import ProfFile

CHILD = """
import os, sys
def in_child(): pass
in_child()
print(sorted(os.environ), file=open("seen", "a"))
"""

#: Ways to start the child. Each is a line of the program.
WAYS = {
    "empty": "subprocess.run(command, env={})",
    "environment": "subprocess.run(command, env={'A': 'b'})",
    "bytes": "subprocess.run(command, env={b'A': b'b'})",
    "copy": "subprocess.run(command, env={k: v for k, v in os.environ.items() if k == 'PATH'})",
    "preexec_fn": "subprocess.run(command, env={}, preexec_fn=os.getpid)",
    "session": "subprocess.run(command, env={}, start_new_session=True)",
    "posix_spawn": "os.waitpid(os.posix_spawn(python, command, {}), 0)",
    "posix_spawnp": "os.waitpid(os.posix_spawnp(python, command, {'A': 'b'}), 0)",
    "spawnve": "os.spawnve(os.P_WAIT, python, command, {})",
    "spawnle": "os.spawnle(os.P_WAIT, python, *command, {'A': 'b'})",
    "spawnvpe": "os.spawnvpe(os.P_WAIT, python, command, {})",
    "execve": "os.fork() or os.execve(python, command, {}); os.wait()",
    "execle": "os.fork() or os.execle(python, *command, {'A': 'b'}); os.wait()",
    "execvpe": "os.fork() or os.execvpe(python, command, {}); os.wait()",
    "env": "subprocess.run(['env', '-i', *command])",
    "unset": "subprocess.run(['env', '-u', 'EDBPROF_RUN', 'A=b', *command])",
    "system": "os.system(f'env -i A=b {shlex.join(command)}')",
    "shell": "subprocess.run(f'unset EDBPROF_RUN; {shlex.join(command)}; true', shell=True)",
    "isolated": "subprocess.run([python, '-I', *command[1:]], env={})",
    "cleared": "os.environ.clear(); subprocess.run(command)",
    "thread": """
        thread = threading.Thread(target=subprocess.run, args=(command,), kwargs={'env': {}})
        thread.start()
        thread.join()
    """,
    "grandchild": """
        code = "import subprocess, sys; subprocess.run(sys.argv[1:])"
        subprocess.run([python, '-c', code, *command], env={})
    """,
    "asyncio": """
        async def child():
            process = await asyncio.create_subprocess_exec(*command, env={})
            await process.wait()
        asyncio.run(child())
    """,
}

PROGRAM = """
import asyncio, os, shlex, subprocess, sys, threading
python = sys.executable
command = [python, "child.py"]
"""


@pytest.fixture
def both(tmp_path):
    """Runs the program without and with us; gives what the children saw, and the results."""

    def both(source, name="program.py"):
        (tmp_path / name).write_text(source, encoding="utf-8")
        (tmp_path / "child.py").write_text(CHILD, encoding="utf-8")
        seen = tmp_path / "seen"
        run = [find(), "run", "--quiet", f"--python={sys.executable}", "--out=results.prof"]
        outputs = []
        for command in ([sys.executable], run):
            done = subprocess.run(
                [*command, name],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                cwd=tmp_path,
                check=True,
            )
            outputs.append((done.stdout, seen.read_text(encoding="utf-8")))
            seen.unlink()
        return (*outputs, ProfFile(tmp_path / "results.prof"))

    return both


@pytest.mark.parametrize("way", WAYS)
def test_children_with_an_environment_of_their_own(both, way):
    plain, profiled, results = both(PROGRAM + textwrap.dedent(WAYS[way]))
    assert results.calls("in_child") == 1
    # The variable is where it is inherited, and nowhere else.
    without = (profiled[0], profiled[1].replace("'EDBPROF_RUN', ", ""))
    assert without == plain
    if way not in ("copy", "isolated"):
        assert profiled == plain


def test_programs_that_are_no_python_see_their_environment(both):
    plain, profiled, _ = both(
        PROGRAM
        + textwrap.dedent(
            """
            given = {"A": "b"}
            for _ in range(2):
                subprocess.run(["/usr/bin/env"], env=given)
            subprocess.run(["/usr/bin/env"], env={})
            subprocess.run(["/usr/bin/env", "-i", "/usr/bin/env"])
            print(given)
            subprocess.run(command, env={})
            """
        )
    )
    assert profiled == plain


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_of_a_program_without_environment(both, method):
    plain, profiled, results = both(
        f"""
import multiprocessing, os, runpy
def in_worker(number): return number
if __name__ == "__main__":
    os.environ.clear()
    open("seen", "w").close()
    with multiprocessing.get_context("{method}").Pool(2) as pool:
        print(pool.map(in_worker, range(10), chunksize=1))
        pool.close()
        pool.join()
"""
    )
    assert profiled == plain
    assert results.calls("in_worker") == 10


def test_env_may_start_the_program(tmp_path):
    (tmp_path / "child.py").write_text(CHILD, encoding="utf-8")
    command = [find(), "run", "--quiet", "--out=results.prof"]
    subprocess.run([*command, "env", "-i", sys.executable, "child.py"], cwd=tmp_path, check=True)
    assert ProfFile(tmp_path / "results.prof").calls("in_child") == 1


@pytest.mark.parametrize(
    ("options", "own", "expected"),
    [(["--no-children"], "{}", 0), ([], "{'EDBPROF_RUN': ''}", 0)],
    ids=["no-children", "empty"],
)
def test_children_that_are_not_wanted(tmp_path, options, own, expected):
    (tmp_path / "child.py").write_text(CHILD, encoding="utf-8")
    (tmp_path / "program.py").write_text(
        PROGRAM + f"subprocess.run(command, env={own})", encoding="utf-8"
    )
    run = [find(), "run", "--quiet", f"--python={sys.executable}", "--out=results.prof"]
    subprocess.run([*run, *options, "program.py"], cwd=tmp_path, check=True)
    assert ProfFile(tmp_path / "results.prof").calls("in_child") == expected


def test_interpreters_that_are_not_recorded_are_counted(tmp_path):
    """Here, because they find settings that are none."""
    (tmp_path / "program.py").write_text(
        textwrap.dedent(
            """
            try:
                import _interpreters as interpreters
            except ImportError:
                import _xxsubinterpreters as interpreters
            import os
            os.environ["EDBPROF_RUN"] = os.environ["EDBPROF_RUN"].replace("clock=", "clock=no")
            for _ in range(3):
                interpreters.destroy(interpreters.create())
            """
        ),
        encoding="utf-8",
    )
    command = [find(), "run", f"--python={sys.executable}", "--out=results.prof", "program.py"]
    done = subprocess.run(
        command, stderr=subprocess.PIPE, encoding="utf-8", cwd=tmp_path, check=True
    )
    assert "calls in 3 sub-interpreters were not recorded" in done.stderr


#: A daemon that goes on once the run is over.
DAEMON = """
import multiprocessing, os, subprocess, sys, threading, warnings

# Of a thread that has been joined, and that the system has not quite ended.
warnings.simplefilter("ignore", DeprecationWarning)

def called(number): return number

def busy(functions):
    for number in range(functions):
        names = {}
        exec(f"def f_{number}(): pass", names)
        names[f"f_{number}"]()

def daemon():
    busy(10)
    with open("continue"):
        pass  # The run is over.
    busy(20_000)
    thread = threading.Thread(target=busy, args=(100,))
    thread.start()
    thread.join()
    child = os.fork()
    if child == 0:
        busy(100)
        sys.exit()
    os.waitpid(child, 0)
    for environment in (None, {}):
        subprocess.run([sys.executable, "-c", "len('')"], env=environment, check=True)
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(called, range(3)) == [0, 1, 2]
            pool.close()
            pool.join()
    directory = os.environ["EDBPROF_RUN"].rpartition("=")[2]
    print("the directory is there:", os.path.exists(directory))

if __name__ == "__main__":
    busy(10)
    if os.fork() == 0:
        with open(os.devnull, "r+") as null, open("output", "w") as output:
            for stream, file in enumerate((null, output, output)):
                os.dup2(file.fileno(), stream)
        daemon()
"""


def test_a_daemon_that_outlives_the_run_hears_nothing(tmp_path):
    (tmp_path / "program.py").write_text(DAEMON, encoding="utf-8")
    fifo = tmp_path / "continue"
    os.mkfifo(fifo)
    command = [find(), "run", f"--python={sys.executable}", "--out=results.prof", "program.py"]
    # The daemon holds it until its end, as its children do.
    reader, writer = os.pipe()
    done = subprocess.run(
        command,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=tmp_path,
        check=True,
        pass_fds=[writer],
    )
    os.close(writer)
    assert " is still running; what it records from now on is lost" in done.stderr
    fifo.write_text("")
    assert os.read(reader, 1) == b""
    os.close(reader)
    output = Path(tmp_path / "output").read_text(encoding="utf-8")
    assert output == "the directory is there: False\n"


def unrecorded(tmp_path, *lines, options=()):
    """Unrecorded processes of the run of such a program, as told to programs and to people."""
    program = PROGRAM + "".join(f"{line}\n" for line in lines)
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    summary = tmp_path / "summary.json"
    command = [find(), "run", f"--python={sys.executable}", "--out=results.prof"]
    done = subprocess.run(
        [*command, f"--summary-json={summary}", *options, "program.py"],
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=tmp_path,
        check=True,
    )
    found = json.loads(summary.read_text()).get("unrecorded", [])
    return [(each["cause"], each["about"]) for each in found], done.stderr


#: Ways to start a Python with these words.
STARTS = [
    "subprocess.run(words, env={})",
    "subprocess.run(words, close_fds=False)",
    "os.waitpid(os.posix_spawn(words[0], words, os.environ), 0)",
    "asyncio.run(child())",
]


@pytest.mark.parametrize("start", STARTS)
def test_children_without_site_are_named(tmp_path, start):
    found, shown = unrecorded(
        tmp_path,
        "async def child():",
        "    await (await asyncio.create_subprocess_exec(*words)).wait()",
        "words = [python, '-sS', '-c', 'pass']",
        start,
    )
    assert found == [("no-site", f"{sys.executable} -sS -c pass")]
    assert "1 process was not recorded (started with -S): " in shown


def test_pythons_without_edbprof_are_named(tmp_path):
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    tool = tmp_path / "tool"
    tool.write_text(f"#!{venv}/bin/python3\n", encoding="utf-8")
    tool.chmod(0o755)
    found, shown = unrecorded(
        tmp_path,
        "for _ in range(2):",
        "    subprocess.run(['venv/bin/python', 'child.py'])",
        "subprocess.run(['./tool', 'a\\nb'])",
    )
    assert sorted(found) == [
        ("not-installed", "./tool a…"),
        *[("not-installed", "venv/bin/python child.py")] * 2,
    ]
    assert "3 processes were not recorded (edbprof is not installed for that Python): " in shown


def test_children_that_run_no_program_are_not_named(tmp_path):
    (tmp_path / "child.py").write_text(CHILD, encoding="utf-8")
    found, shown = unrecorded(
        tmp_path,
        "for option in ('-V', '--version', '-h', '--help'):",
        "    subprocess.run([python, option], stdout=subprocess.DEVNULL)",
        "subprocess.run(['true'])",
        "subprocess.run(['sh', '-c', 'true'])",
        "subprocess.run(command)",
        "try: subprocess.run(['./python3', '-S'])",
        "except OSError: pass",
    )
    assert (found, "not recorded" in shown) == ([], False)


def test_children_for_unknown_reasons_are_named(tmp_path):
    found, shown = unrecorded(
        tmp_path, "subprocess.run([python, '-c', 'pass'], env={'EDBPROF_RUN': ''})"
    )
    assert found == [("unknown", f"{sys.executable} -c pass")]
    assert "EDBPROF_RUN was empty" in shown


def test_children_that_are_not_wanted_are_not_named(tmp_path):
    line = "subprocess.run([python, '-S', '-c', 'pass'])"
    assert unrecorded(tmp_path, line, options=["--no-children"])[0] == []
