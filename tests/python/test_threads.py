"""Threads: those that recorded calls start, those that end, and many of both."""

from __future__ import annotations

import concurrent.futures
import sys
import threading

import pytest
from edbprof_native import Profile, profile
from prof_file import ProfFile, saved

HOOKS = [
    "setprofile",
    pytest.param(
        "monitoring",
        marks=pytest.mark.skipif(
            sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12"
        ),
    ),
]


def callee():
    pass


def call(n):
    for _ in range(n):
        callee()


def start(*targets):
    """Starts a thread for each function and waits until they end."""
    threads = [threading.Thread(target=target, name=f"t{n}") for n, target in enumerate(targets)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def calls_of(file, name="callee"):
    """Calls of that function, by the names of the threads."""
    counted = {
        thread.name: sum(node.calls for node in thread.nodes if node.name == name)
        for thread in file.threads
    }
    assert len(counted) == len(file.threads)
    return counted


@pytest.mark.parametrize("hook", HOOKS)
def test_threads_that_are_started_while_recording(tmp_path, hook):
    go_on = threading.Event()

    def late():
        go_on.wait()
        call(5)

    profile = Profile(hook=hook, threads=True)
    before = threading.Thread(target=late, name="before")
    before.start()
    profile.enable()
    call(1)
    start(lambda: call(2), lambda: start(lambda: call(30)))
    started = threading.Thread(target=late, name="goes on")
    started.start()
    profile.disable()
    after = threading.Thread(target=late, name="after")
    after.start()
    go_on.set()
    for thread in (before, started, after):
        thread.join()
    call(100)
    file = saved(profile, tmp_path)
    # The second t0 is one that t1 has started.
    trees = sorted((thread.name, calls_of_thread(thread)) for thread in file.threads)
    assert trees == [("MainThread", 1), ("goes on", 5), ("t0", 2), ("t0", 30), ("t1", 0)]
    for thread in file.threads:
        roots = {node.name for node in thread.nodes if node.parent is None}
        if thread.name != "MainThread":
            assert roots == {"run"}
    profile.close()


def calls_of_thread(thread):
    return sum(node.calls for node in thread.nodes if node.name == "callee")


def test_by_default_only_the_thread_itself(tmp_path):
    profile = Profile()
    profile.enable()
    call(1)
    start(lambda: call(2))
    profile.disable()
    assert calls_of(saved(profile, tmp_path)) == {"MainThread": 1}


def test_a_pool_in_a_decorated_function(tmp_path):
    decorate = profile(dir=tmp_path, threads=True)

    @decorate
    def work():
        with concurrent.futures.ThreadPoolExecutor(4, thread_name_prefix="pool") as pool:
            assert sum(pool.map(lambda n: call(n) or n, range(100))) == 4950

    def elsewhere():
        start(lambda: call(7))

    work()
    elsewhere()
    decorate.save()
    (path,) = tmp_path.glob("*.prof")
    counted = calls_of(ProfFile(path))
    assert counted.pop("MainThread") == 0
    assert set(counted) <= {f"pool_{n}" for n in range(4)}
    assert sum(counted.values()) == 4950


def test_one_decorator_says_it_for_all_of_its_file(tmp_path):
    silent = profile(dir=tmp_path)(lambda: start(lambda: call(3)))
    silent()
    profile(dir=tmp_path, threads=True)
    silent()
    profile(dir=tmp_path).save()
    (path,) = tmp_path.glob("*.prof")
    assert calls_of(ProfFile(path)) == {"MainThread": 0, "t0": 3}


def test_each_recording_has_its_own_threads(tmp_path):
    with_threads = Profile(threads=True)
    without = Profile()
    nested = Profile(threads=True, builtins=False)

    def inner():
        nested.enable()
        start(lambda: call(2))
        nested.disable()

    with with_threads, without:
        inner()
    assert calls_of(saved(with_threads, tmp_path)) == {"MainThread": 0, "t0": 2}
    assert calls_of(saved(without, tmp_path)) == {"MainThread": 0}
    assert calls_of(saved(nested, tmp_path)) == {"MainThread": 0, "t0": 2}


class TestTheThreadItself:
    """It sees nothing of being recorded."""

    def test_its_run_is_its_own(self):
        seen = []

        class Thread(threading.Thread):
            def run(self):
                seen.append(("run" in vars(self), self.run.__func__ is Thread.run))

        with Profile(threads=True):
            thread = Thread()
            thread.start()
            thread.join()
        assert seen == [(False, True)]
        assert "run" not in vars(thread)

    def test_a_run_of_one_thread_alone(self, tmp_path):
        def run():
            call(4)
            seen.append(vars(thread)["run"] is run)

        seen = []
        recorded = Profile(threads=True)
        with recorded:
            thread = threading.Thread(name="own")
            thread.run = run
            thread.start()
            thread.join()
        assert seen == [True]
        assert calls_of(saved(recorded, tmp_path))["own"] == 4

    def test_what_it_raises_is_told_as_ever(self):
        def fail():
            raise LookupError("on purpose")

        told = []
        before, threading.excepthook = threading.excepthook, told.append
        try:
            with Profile(threads=True):
                start(fail)
        finally:
            threading.excepthook = before
        (what,) = told
        assert what.exc_type is LookupError
        names = []
        frame = what.exc_traceback
        while frame is not None:
            names.append(frame.tb_frame.f_code.co_name)
            frame = frame.tb_next
        assert names == ["_bootstrap_inner", "run", "fail"]

    def test_one_that_can_not_start(self, monkeypatch):
        name = "_start_joinable_thread"
        if not hasattr(threading, name):
            name = "_start_new_thread"

        def refuse(*arguments, **keywords):
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading, name, refuse)
        with Profile(threads=True):
            thread = threading.Thread(target=call, args=(1,))
            with pytest.raises(RuntimeError, match="can't start"):
                thread.start()
        assert "run" not in vars(thread)

    def test_what_threading_setprofile_has_set_gets_its_events(self, tmp_path):
        events = []

        def hook(frame, event, argument):
            if frame.f_code is callee.__code__:
                events.append(event)

        recorded = Profile(threads=True)
        threading.setprofile(hook)
        try:
            with recorded:
                start(lambda: call(3))
        finally:
            threading.setprofile(None)
        assert events == ["call", "return"] * 3
        assert calls_of(saved(recorded, tmp_path))["t0"] == 3


def test_closed_while_a_thread_is_recorded(tmp_path):
    go_on = threading.Event()
    recorded = Profile(threads=True)
    with recorded:
        thread = threading.Thread(target=go_on.wait)
        thread.start()
    with pytest.raises(RuntimeError, match="another thread"):
        recorded.close()
    go_on.set()
    thread.join()
    recorded.close()


@pytest.mark.parametrize("hook", HOOKS)
def test_threading_that_is_imported_later(run, tmp_path, hook):
    """In a recorded call or outside of one; nothing is imported for it."""
    run(
        f"""
        import sys
        from edbprof_native import Profile

        def in_thread(): pass

        def recorded():
            import threading
            thread = threading.Thread(target=in_thread)
            thread.start()
            thread.join()

        first, second = (Profile(hook={hook!r}, threads=True) for _ in range(2))
        assert "threading" not in sys.modules
        for profile in (first, second):
            with profile:
                recorded()
        first.save("first.prof")
        del sys.modules["threading"]  # A new one is another one.
        with second:
            recorded()
        second.save("second.prof")
        """
    )
    assert ProfFile(tmp_path / "first.prof").calls("in_thread") == 1
    assert ProfFile(tmp_path / "second.prof").calls("in_thread") == 2
