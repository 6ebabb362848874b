"""Processes that are killed deep in calls: what they leave, read by the program."""

from __future__ import annotations

import itertools
import json
import mmap
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from edbprof_native._program import find
from prof_file import ProfFile, files

if not sys.platform.startswith("linux"):
    pytest.skip("live files are Linux's", allow_module_level=True)

PROGRAM = Path(__file__).resolve().parent / "programs" / "killed.py"
# How many calls have returned, from the first ones to when the file has grown, and what
# records them. `make soak` adds to them at random.
MOMENTS = list(
    zip(
        [1, 2, 5, 100, 333, 1000, 2500, 5000, 9000, 15000],
        itertools.cycle(["profile", "Profile"]),
    )
)
for number in range(len(MOMENTS), int(os.environ.get("EDBPROF_MOMENTS", 0))):
    MOMENTS.append((random.randint(1, 15000), MOMENTS[number % 2][1]))


def start(directory: Path, recorder: str, way: str = "", end: int = 0):
    (directory / "returned").write_bytes(bytes(8))
    with open(directory / "returned", "r+b") as file:
        returned = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")
    command = [sys.executable, str(PROGRAM), str(directory), way, str(end), recorder]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL), returned


def aggregate(directory: Path) -> "tuple[ProfFile, dict]":
    command = [sys.executable, "-m", "edbprof_native", "--out", str(directory / "out")]
    command += ["--quiet", "--summary-json", "-", str(directory)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return ProfFile(directory / "out.prof"), json.loads(done.stdout)


def check(directory: Path, returned: int) -> None:
    assert not files(directory)
    (live,) = files(directory, "*.live")
    before = live.read_bytes()
    file, account = aggregate(directory)
    assert live.read_bytes() == before
    assert (account["processes"], account["killed"], account["failed"]) == (1, 1, 0)
    assert file.process["ending"] == 2
    assert file.process["dropped_calls"] == 0
    # One more may be open, or its return not noted yet.
    assert returned <= file.calls("leaf") <= returned + 1
    (main,) = (node for node in file.nodes if node.name == "main")
    assert main.calls == 1
    assert main.total > 0
    for node in file.nodes:
        assert node.self_time >= 0
        if node.name == "branch" and node.depth == 2:
            # Goes through every context that there is.
            assert node.calls >= 1


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGSEGV"])
def test_by_a_signal(tmp_path, name):
    for number, (moment, recorder) in enumerate(MOMENTS):
        directory = tmp_path / str(number)
        directory.mkdir()
        process, returned = start(directory, recorder)
        while returned[0] < moment:
            assert process.poll() is None
            os.sched_yield()
        process.send_signal(getattr(signal, name))
        assert process.wait() == -getattr(signal, name)
        check(directory, returned[0])
        shutil.rmtree(directory)


@pytest.mark.parametrize("way", ["_exit", "abort", "exit in a thread"])
def test_by_its_own(tmp_path, way):
    for number, (moment, recorder) in enumerate(MOMENTS):
        directory = tmp_path / str(number)
        directory.mkdir()
        process, returned = start(directory, recorder, way, moment)
        assert process.wait() == (-signal.SIGABRT if way == "abort" else 3)
        assert returned[0] >= moment
        check(directory, returned[0])
        shutil.rmtree(directory)


def test_what_was_saved_before_counts_once(tmp_path):
    program = f"""
import os
from edbprof_native import profile
saver = profile(dir={str(tmp_path)!r})
@saver
def job():
    pass
job()
saver.save()
job()
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert len(files(tmp_path)) == len(files(tmp_path, "*.live")) == 1
    file, account = aggregate(tmp_path)
    assert file.calls("job") == 2
    assert (account["succeeded"], account["skipped"], account["killed"]) == (1, 0, 1)


def test_a_process_that_runs_is_not_killed(tmp_path):
    program = f"""
import sys
from edbprof_native import profile
@profile(dir={str(tmp_path)!r}, save_every_n_calls=0)
def job():
    print("running", flush=True)
    sys.stdin.read()
job()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"running\n"
    file, account = aggregate(tmp_path)
    assert file.process["ending"] == 0
    assert account["killed"] == 0
    assert file.calls("job") == 1
    process.communicate(b"")
    assert process.returncode == 0
    assert files(tmp_path, "*.live") == []


def test_a_regular_end_leaves_no_live_file(run, tmp_path):
    run(
        """
        import os
        from edbprof_native import profile

        @profile(dir=".")
        def job():
            pass

        job()
        (live,) = (name for name in os.listdir(".") if name.endswith(".prof.live"))
        child = os.fork()
        if not child:
            raise SystemExit
        os.waitpid(child, 0)
        assert os.path.exists(live)
        job()
        """
    )
    assert files(tmp_path, "*.live") == []
    (path,) = files(tmp_path)
    assert ProfFile(path).calls("job") == 2


def test_what_comes_after_the_last_save_is_saved_too(run, tmp_path):
    run(
        """
        import atexit

        def late():
            job()

        # Registered before edbprof's own handler, so run after it.
        atexit.register(late)
        from edbprof_native import profile

        @profile(dir=".", save_every_n_calls=0)
        def job():
            pass

        job()
        """
    )
    assert files(tmp_path, "*.live") == []
    (path,) = files(tmp_path)
    assert ProfFile(path).calls("job") == 2
    assert ProfFile(path).process["ending"] == 1


def test_pool_workers_leave_no_live_files(run, tmp_path):
    run(
        """
        import multiprocessing
        from edbprof_native import profile

        @profile(dir=".")
        def job(n):
            return n

        if __name__ == "__main__":
            with multiprocessing.get_context("fork").Pool(3) as pool:
                assert pool.map(job, range(30)) == list(range(30))
                pool.close()
                pool.join()
        """
    )
    assert files(tmp_path, "*.live") == []
    assert sum(ProfFile(path).calls("job") for path in files(tmp_path)) == 30


@pytest.mark.parametrize(
    "end",
    ["os._exit(0)", "os.kill(os.getpid(), 9)", "os.execv(sys.executable, [sys.executable, '-V'])"],
)
def test_the_processor_time_of_one_that_did_not_save_is_known(tmp_path, end):
    program = tmp_path / "program.py"
    program.write_text(
        "import os, sys, time\n"
        "while time.process_time() < 0.2: pass\n"
        "print(time.process_time(), flush=True)\n" + end + "\n",
        encoding="utf-8",
    )
    command = [find(), "run", "--quiet", f"--python={sys.executable}", f"--out={tmp_path / 'x'}"]
    done = subprocess.run(
        [*command, str(program)], stdout=subprocess.PIPE, encoding="utf-8", check=False
    )
    seconds = ProfFile(tmp_path / "x.prof").process["processor_ns"] / 1e9
    assert float(done.stdout.split()[0]) <= seconds
