"""Threads that `threading` has not started: those of `_thread`, and of C code that calls back.

foreign_ext/ has such C code.
"""

from __future__ import annotations

import _thread
import importlib.util
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from edbprof_native import Profile, profile
from edbprof_native._program import find
from extensions import build, load
from prof_file import ProfFile, only_file, saved

SOURCE = Path(__file__).with_name("foreign_ext")
HOOKS = ["setprofile"] + ["monitoring"] * (sys.version_info >= (3, 12))
#: Names of the functions of `_thread` that start a thread.
STARTS = ["start_new_thread", "start_new"] + ["start_joinable_thread"] * (
    sys.version_info >= (3, 13)
)
#: C threads are seen from their first event on.
sees_all = pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The directory with the built extension."""
    return build("foreign_ext", tmp_path_factory.mktemp("foreign_ext"))


@pytest.fixture(scope="module")
def foreign(built):
    return load("foreign", built)


def callee():
    pass


def body(*_):
    for _ in range(3):
        callee()


def in_thread(function, start="start_new_thread"):
    """Calls a function in a thread of `_thread`, and waits until that has ended."""
    ended = _thread.allocate_lock()
    ended.acquire()
    held = [ended]

    def call():
        function()
        local.end = Releases(held.pop())

    local = threading.local()
    getattr(_thread, start)(call, *[()] * (start != "start_joinable_thread"))
    with ended:
        pass


class Releases:
    """Releases a lock when the thread ends that keeps it in a threading.local()."""

    def __init__(self, lock):
        self.lock = lock

    def __del__(self):
        self.lock.release()


def calls_of(file):
    """Calls of `callee` for each tree but the main thread's."""
    return sorted(
        (thread.name, sum(node.calls for node in thread.nodes if node.name == "callee"))
        for thread in file.threads
        if thread.name != "MainThread"
    )


def os_name():
    """The name of this OS thread, and of those that it starts."""
    return Path(f"/proc/self/task/{threading.get_native_id()}/comm").read_text().strip()


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


class TestThread:
    """Those of `_thread`, in every Python."""

    @linux
    @pytest.mark.parametrize("hook", HOOKS)
    @pytest.mark.parametrize("start", STARTS)
    def test_each_function_that_starts_one(self, tmp_path, hook, start):
        recorded, without = Profile(hook=hook, threads=True), Profile(hook=hook)
        with recorded, without:
            in_thread(body, start)
        in_thread(body, start)
        file = saved(recorded, tmp_path)
        assert calls_of(file) == [(os_name(), 3)]
        assert file.calls("body") == 1
        assert calls_of(saved(without, tmp_path)) == []

    @pytest.mark.parametrize("hook", HOOKS)
    def test_one_that_starts_another(self, tmp_path, hook):
        recorded = Profile(hook=hook, threads=True)
        with recorded:
            in_thread(lambda: in_thread(body))
        assert [calls for _, calls in calls_of(saved(recorded, tmp_path))] == [0, 3]

    @pytest.mark.parametrize("hook", HOOKS)
    def test_one_that_an_unrecorded_thread_starts(self, tmp_path, hook):
        go_on, gone_on = _thread.allocate_lock(), _thread.allocate_lock()
        go_on.acquire()
        gone_on.acquire()

        def unrecorded():
            with go_on:
                in_thread(body)
                thread = threading.Thread(target=body)
                thread.start()
                thread.join()
            gone_on.release()

        _thread.start_new_thread(unrecorded, ())
        recorded = Profile(hook=hook, threads=True)
        with recorded:
            go_on.release()
            gone_on.acquire()
        assert calls_of(saved(recorded, tmp_path)) == []

    def test_in_a_decorated_call(self, tmp_path):
        decorate = profile(dir=tmp_path, threads=True)
        decorate(in_thread)(body)
        in_thread(body)
        decorate.save()
        assert only_file(tmp_path).calls("callee") == 3

    def test_a_program_with_threading_of_its_own(self, tmp_path):
        """As eventlet imports one more."""
        spec = importlib.util.find_spec("threading")
        copy = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(copy)
        recorded = Profile(threads=True)
        with recorded:
            thread = copy.Thread(target=body)
            thread.start()
            thread.join()
        threads = saved(recorded, tmp_path).threads
        (thread,) = (each for each in threads if each.name != "MainThread")
        assert {node.name for node in thread.nodes if node.parent is None} == {"run"}

    def test_the_functions_are_as_before(self):
        told = []
        with Profile(threads=True):
            assert repr(_thread.start_new_thread) == "<built-in function start_new_thread>"
            assert pickle.loads(pickle.dumps(_thread.start_new)) is _thread.start_new
            with pytest.raises(TypeError, match="callable"):
                _thread.start_new_thread(1, ())
            with pytest.raises(TypeError):
                _thread.start_new_thread()
            name = STARTS[-1] if STARTS[-1] == "start_joinable_thread" else STARTS[0]
            assert getattr(threading, f"_{name}") is getattr(_thread, name)

            def fail():
                raise LookupError("on purpose")

            before, sys.unraisablehook = sys.unraisablehook, told.append
            try:
                in_thread(lambda: _thread.start_new_thread(fail, ()))
                while not told:
                    callee()
            finally:
                sys.unraisablehook = before
        assert told[0].object is fail or "fail" in str(told[0].err_msg)

    def test_daemons_at_exit(self, tmp_path):
        program = tmp_path / "program.py"
        program.write_text(
            "import _thread\n"
            "def callee(): pass\n"
            "def forever():\n"
            "    callee()\n"
            "    begun.release()\n"
            "    while True: callee()\n"
            "begun = _thread.allocate_lock()\n"
            "begun.acquire()\n"
            "_thread.start_new_thread(forever, ())\n"
            "begun.acquire()\n"
        )
        done = subprocess.run(
            [
                find(),
                "run",
                "-q",
                f"--python={sys.executable}",
                f"--out={tmp_path / 'x'}",
                str(program),
            ],
            check=False,
        )
        assert done.returncode == 0
        assert ProfFile(tmp_path / "x.prof").calls("callee") >= 1


class TestC:
    """Threads that C code has made."""

    @sees_all
    @pytest.mark.parametrize("keeps", [False, True])
    def test_each_callback(self, tmp_path, foreign, keeps):
        recorded, without = Profile(threads=True), Profile()
        with recorded, without:
            foreign.call(body, 300, name="a worker", keeps=keeps)
        foreign.call(body, 300, name="a worker", keeps=keeps)
        file = saved(recorded, tmp_path)
        assert calls_of(file) == [("a worker", 900)]
        assert file.calls("body") == 300
        assert calls_of(saved(without, tmp_path)) == []
        recorded.close()

    @sees_all
    def test_a_pool(self, tmp_path, foreign):
        recorded = Profile(threads=True)
        with recorded:
            foreign.call(body, 50, threads=8, name="pool")
        assert calls_of(saved(recorded, tmp_path)) == [("pool", 150)] * 8

    @sees_all
    def test_many_that_end(self, tmp_path, foreign):
        recorded = Profile(threads=True)
        with recorded:
            for _ in range(500):
                foreign.call(body)
        file = saved(recorded, tmp_path)
        assert file.calls("callee") == 1500
        assert len(file.threads) <= 256 + 64

    @sees_all
    def test_in_a_decorated_call(self, tmp_path, foreign):
        decorate = profile(dir=tmp_path, threads=True)
        call = decorate(foreign_call)
        call(foreign, body)
        foreign.call(body, 2)
        call(foreign, decorate(body))
        decorate.save()
        assert only_file(tmp_path).calls("callee") == 6

    @sees_all
    def test_one_that_stays_is_recorded_while_a_recorder_records(self, tmp_path, foreign):
        recorded = Profile(threads=True)
        begin, *turns = (_thread.allocate_lock() for _ in range(7))
        begin.acquire()
        for each in turns:
            each.acquire()

        def step(number):
            turns[2 * number].acquire()
            body()
            turns[2 * number + 1].release()

        def take_turn(number):
            turns[2 * number].release()
            turns[2 * number + 1].acquire()

        def unrecorded():
            with begin:
                foreign.call(step, 3, keeps=True, name="kept")

        thread = threading.Thread(target=unrecorded)
        thread.start()
        with recorded:
            begin.release()
            take_turn(0)
        take_turn(1)
        with recorded:
            take_turn(2)
        thread.join()
        assert calls_of(saved(recorded, tmp_path)) == [("kept", 6)]

    @sees_all
    def test_one_that_records_itself(self, tmp_path, foreign):
        recorded = Profile()

        def step(_):
            with recorded:
                body()
            body()

        foreign.call(step, 2)
        assert [calls for _, calls in calls_of(saved(recorded, tmp_path))] == [6]

    @sees_all
    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_a_fork(self, tmp_path, built):
        program = tmp_path / "program.py"
        program.write_text(
            "import os, sys, _thread, foreign\n"
            "def callee(): pass\n"
            "def later(_=None):\n"
            "    callee()\n"
            "def step(_):\n"
            "    if os.fork() == 0:\n"
            "        later()\n"
            "        foreign.call(later, 5)\n"
            "        sys.stdout.flush()\n"
            "        os._exit(0)\n"
            "    os.wait()\n"
            "foreign.call(step, 2)\n"
        )
        done = subprocess.run(
            [
                find(),
                "run",
                "-q",
                f"--python={sys.executable}",
                f"--out={tmp_path / 'x'}",
                "-W",
                "ignore",
                str(program),
            ],
            env={**os.environ, "PYTHONPATH": str(built)},
            check=False,
        )
        assert done.returncode == 0
        assert ProfFile(tmp_path / "x.prof").calls("callee") == 12

    @pytest.mark.skipif(sys.version_info >= (3, 12), reason="setprofile is not what records")
    def test_one_that_waits_for_the_lock_is_noticed(self, tmp_path, foreign):
        """Up to 3.11: an event of another thread notices it before it runs."""
        recorded = Profile(threads=True)
        with recorded:
            foreign.call(body, name="noticed", meanwhile=callee)
        assert calls_of(saved(recorded, tmp_path)) == [("noticed", 3)]


def foreign_call(foreign, function):
    foreign.call(function)
