"""Threads of C code that the hook setprofile could not notice: they are counted.

foreign_ext/ has such C code.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest
from edbprof_native import Profile
from edbprof_native._program import find
from extensions import build, load
from prof_file import ProfFile, saved

counts = pytest.mark.skipif(sys.version_info >= (3, 12), reason="setprofile is not what records")
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The directory with the built extension."""
    return build("foreign_ext", tmp_path_factory.mktemp("foreign_ext"))


@pytest.fixture
def run(tmp_path, built):
    """Runs a program; gives the summary, for programs and for people, and the results."""

    def run(program, *options):
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(program), encoding="utf-8")
        summary = f"--summary-json={tmp_path}/summary.json"
        command = [find(), "run", f"--python={sys.executable}", f"--out={tmp_path}/x.prof"]
        environment = {**os.environ, "PYTHONPATH": str(built)}
        subprocess.run([*command, summary, *options, str(path)], env=environment, check=True)
        results = ProfFile(tmp_path / "x.prof")
        shown = subprocess.run(
            [find(), str(tmp_path / "x.prof")], stdout=subprocess.PIPE, encoding="utf-8", check=True
        )
        return json.loads((tmp_path / "summary.json").read_text()), shown.stdout, results

    return run


CALLED = """
import _thread, foreign, os, sys
def called(_=None): pass
"""


@counts
def test_each_entry(run):
    summary, shown, results = run(CALLED + "foreign.call(called, 7, threads=3)")
    assert summary["unnoticed_entries"] == 21
    assert "Not noticed: threads of C code entered Python 21 times, " in " ".join(shown.split())
    assert results.calls("called") == 0


@counts
def test_ctypes(run):
    """A thread that C has made, by ctypes alone. It is noticed if it begins before the thread that
    waits for it calls `pthread_join`; afterwards that one has no event."""
    summary, _, results = run(
        """
        import ctypes
        library = ctypes.CDLL(None)
        @ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
        def body(_):
            return None
        thread = ctypes.c_ulong()
        library.pthread_create(ctypes.byref(thread), None, body, None)
        library.pthread_join(thread, None)
        """
    )
    assert summary.get("unnoticed_entries", 0) + results.calls("body") == 1


@counts
def test_one_that_is_noticed_is_none(run):
    summary, _, results = run(CALLED + "foreign.call(called, meanwhile=called)")
    assert results.calls("called") == 2
    assert "unnoticed_entries" not in summary


@counts
def test_one_that_records_itself_is_none(tmp_path, built):
    foreign = load("foreign", built)
    recorded, outer = Profile(), Profile(threads=True)

    def step(_):
        with recorded:
            pass

    with outer:
        foreign.call(step, 2)
        foreign.call(lambda _: None, 3)
    foreign.call(lambda _: None, 5)
    assert saved(outer, tmp_path).process["unnoticed_entries"] == 3
    assert "unnoticed_entries" not in saved(recorded, tmp_path).process


@counts
def test_each_time_that_a_recorder_records(tmp_path, built):
    foreign = load("foreign", built)
    recorded = Profile(threads=True)
    for times in (2, 3):
        with recorded:
            foreign.call(lambda _: None, times)
        foreign.call(lambda _: None)
    assert saved(recorded, tmp_path).process["unnoticed_entries"] == 5
    with recorded:
        foreign.call(lambda _: None, 4)
        assert saved(recorded, tmp_path).process["unnoticed_entries"] == 9


@counts
def test_a_recorder_of_many_short_calls_leaves_it(tmp_path, built):
    foreign = load("foreign", built)
    recorded = Profile(threads=True)
    for _ in range(70):
        with recorded:
            foreign.call(lambda _: None)
    assert saved(recorded, tmp_path).process["unnoticed_entries"] == 64


@counts
@forks
@pytest.mark.parametrize("ends", ["sys.exit()", "os._exit(0)"])
def test_a_forked_child_counts_its_own(run, ends):
    summary, _, _ = run(
        CALLED
        + f"""
foreign.call(called, 3)
child = os.fork()
called()
if child == 0:
    foreign.call(called, 2)
    {ends}
os.wait()
foreign.call(called, 4)
"""
    )
    # Who ends by os._exit() has no moment to tell it.
    assert summary["unnoticed_entries"] == (9 if ends == "sys.exit()" else 7)


#: Programs without threads of C code.
ORDINARY = {
    "threads": """
        import _thread, threading, time
        def work(): sum(range(100))
        threads = [threading.Thread(target=work) for _ in range(50)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        for _ in range(50): _thread.start_new_thread(work, ())
        threading.Timer(0.01, work).start()
        threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
        """,
    "failed starts": """
        import _thread
        for wrong in ((), (1, ()), (len, 1)):
            try:
                _thread.start_new_thread(*wrong)
            except TypeError:
                pass
        """,
    "no more threads": """
        import resource, threading, time
        resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))
        threading.stack_size(1 << 28)
        try:
            for _ in range(100):
                threading.Thread(target=time.sleep, args=(0.1,), daemon=True).start()
        except RuntimeError:
            pass
        """,
    "executors": """
        import asyncio, concurrent.futures as futures, queue, threading
        if __name__ == "__main__":
            with futures.ThreadPoolExecutor(8) as threads:
                assert list(threads.map(abs, range(100))) == list(range(100))
            with futures.ProcessPoolExecutor(2) as processes:
                assert list(processes.map(abs, range(10))) == list(range(10))
            async def main(): await asyncio.get_running_loop().run_in_executor(None, len, "")
            asyncio.run(main())
        """,
    "interpreters": """
        import threading
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        code = "import threading; t = threading.Thread(target=len, args=('',)); t.start(); t.join()"
        def work():
            try:
                made = interpreters.create(isolated=False)
            except TypeError:
                made = interpreters.create("legacy")
            interpreters.run_string(made, code)
            interpreters.destroy(made)
        work()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        """,
    "fork": """
        import os, threading
        def work(): pass
        def start():
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        start()
        for _ in range(3):
            if os.fork() == 0:
                start()
                if os.fork() == 0:
                    start()
                    os._exit(0)
                os.wait()
                raise SystemExit
            os.wait()
            start()
        """,
    "tools": """
        import sys, threading, tracemalloc, cProfile
        def work(): pass
        tracemalloc.start()
        threading.setprofile(lambda *event: None)
        profiler = cProfile.Profile()
        profiler.enable()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        profiler.disable()
        sys.setprofile(None)
        """,
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_programs_have_none(run, name):
    summary, shown, _ = run(ORDINARY[name], "-W", "ignore")
    assert "unnoticed_entries" not in summary
    assert "Not noticed" not in shown
