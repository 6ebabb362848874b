"""Spans of another extension: in the tree at the right place, or at no cost nowhere.

capsule_ext/ is built against the headers in the installed package, as anyone would.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from edbprof_native import Profile, _native, profile
from extensions import build, load
from prof_file import ProfFile, find, only_file

SOURCE = Path(__file__).with_name("capsule_ext")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The directory with the built extension."""
    return build("capsule_ext", tmp_path_factory.mktemp("capsule_ext"))


@pytest.fixture(scope="module")
def spans(built):
    return load("spans", built)


def test_runtime_is_found(spans):
    assert spans.abi_version() == _native.abi_version


MAJOR = 1 << 16


@pytest.mark.parametrize(
    "version_change, size_change, fits",
    [(0, 0, True), (1, 8, True), (-1, 0, False), (0, -8, False), (MAJOR, 0, False)],
)
def test_a_runtime_of_another_version(spans, monkeypatch, version_change, size_change, fits):
    """A higher minor version, with more in the struct, has all that the header knows."""
    version = _native.abi_version + version_change
    monkeypatch.setattr(_native, "api", spans.fake_api(version, size_change))
    assert spans.imported_version() == (version if fits else 0)


def test_span_stands_under_its_python_caller(record, spans):
    def caller():
        spans.work(3)

    def other_caller():
        spans.work(2)

    def program():
        caller()
        other_caller()

    paths = record(program).paths()
    work = "<built-in method spans.work>"
    for name, inner in (("caller", 3), ("other_caller", 2)):
        assert paths["program", name, work] == 1
        assert paths["program", name, work, "outer span"] == 1
        assert paths["program", name, work, "outer span", "inner span"] == inner
    assert len(paths) == 9


def test_span_says_where_it_is(record, spans):
    file = record(lambda: spans.work(1))
    (function,) = (function for function in file.functions if function[4] == "outer span")
    kind, flags, source, line, *_ = function
    lines = (SOURCE / "spans.c").read_text().splitlines()
    assert (kind, flags, Path(source).name) == (2, 0, "spans.c")
    assert "outer_span" in lines[line - 1]


def test_python_called_within_a_span(record, spans):
    def callee():
        pass

    file = record(lambda: spans.calling(callee), builtins=False)
    assert file.paths() == {
        ("<lambda>",): 1,
        ("<lambda>", "outer span"): 1,
        ("<lambda>", "outer span", "callee"): 1,
    }
    assert sum(node.self_time for node in file.nodes) == file.nodes[0].total


def test_exception_through_a_span(record, spans):
    def failing():
        raise KeyError

    def program():
        try:
            spans.calling(failing)
        except KeyError:
            after()

    def after():
        pass

    paths = record(program).paths()
    assert paths["program", "after"] == 1


def test_spans_without_the_gil(tmp_path, spans):
    """In two threads at once, of which each has its own tree."""
    recorded = Profile()
    together = threading.Barrier(2)

    def thread(n):
        with recorded:
            together.wait()
            spans.without_gil(n)

    threads = [threading.Thread(target=thread, args=(n,)) for n in (20_000, 30_000)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    recorded.save(tmp_path / "x.prof")
    counts = [
        sum(node.calls for node in thread.nodes if node.name == "unlocked span")
        for thread in ProfFile(tmp_path / "x.prof").threads
    ]
    assert sorted(counts) == [20_000, 30_000]


def test_every_active_recording_has_them(tmp_path, spans):
    profiles = [Profile() for _ in range(3)]
    with profiles[0], profiles[1]:
        spans.work(1)
        with profiles[2]:
            spans.work(1)
    for recorded, expected in zip(profiles, (2, 2, 1)):
        recorded.save(tmp_path / "x.prof")
        assert ProfFile(tmp_path / "x.prof").calls("inner span") == expected


def test_other_threads_record_nothing(tmp_path, spans):
    recorded = Profile()
    with recorded:
        thread = threading.Thread(target=spans.work, args=(5,))
        thread.start()
        thread.join()
    recorded.save(tmp_path / "x.prof")
    assert ProfFile(tmp_path / "x.prof").calls("inner span") == 0


def test_nothing_records(spans):
    assert spans.work(1000) == 1000
    assert spans.without_gil(1000) == 1000
    assert spans.calling(lambda: 5) == 5
    spans.unbalanced()


def test_unbalanced_spans_end_with_their_caller(record, spans):
    def caller():
        spans.unbalanced()
        after()

    def after():
        pass

    paths = record(caller).paths()
    unbalanced = "<built-in method spans.unbalanced>"
    assert paths == {
        ("caller",): 1,
        ("caller", unbalanced): 1,
        ("caller", unbalanced, "outer span"): 1,
        ("caller", "after"): 1,
    }


def test_switched_on_within_a_span(tmp_path, spans):
    recorded = Profile()
    spans.calling(recorded.enable)
    spans.work(1)
    recorded.disable()
    recorded.save(tmp_path / "x.prof")
    assert ProfFile(tmp_path / "x.prof").calls("outer span") == 1


def test_in_a_decorated_call(tmp_path, spans):
    decorate = profile(dir=tmp_path, save_every_n_calls=0)

    @decorate
    def function():
        spans.work(4)

    function()
    spans.work(100)
    decorate.save()
    assert only_file(tmp_path).calls("inner span") == 4


def test_with_a_timer_of_the_programs_own(tmp_path, spans):
    """It needs the GIL, which a span may not have: spans are counted, in no time."""
    recorded = Profile(timer=iter(range(10**6)).__next__)
    with recorded:
        spans.work(2)
        spans.without_gil(2)
    recorded.save(tmp_path / "x.prof")
    file = ProfFile(tmp_path / "x.prof")
    assert (file.calls("inner span"), file.calls("unlocked span")) == (2, 2)
    assert find(file, "<built-in method spans.without_gil>", "unlocked span").total == 0


@pytest.mark.parametrize("name", [None, "pool"])
def test_spans_of_a_thread_without_python_state(tmp_path, spans, name):
    with Profile(threads=True) as recorded:
        assert spans.in_thread(3, name, None) == 0
    recorded.save(tmp_path / "x.prof")
    file = ProfFile(tmp_path / "x.prof")
    assert (file.calls("outer span"), file.calls("inner span")) == (1, 3)
    names = [thread.name for thread in file.threads]
    assert len(names) == 2
    assert names[0] == "MainThread"
    assert names[1] == name or (name is None and names[1] not in ("", "MainThread"))


def test_a_callback_stands_under_the_span_of_its_thread(tmp_path, spans):
    def callee():
        inner()

    def inner():
        pass

    with Profile(threads=True) as recorded:
        spans.in_thread(3, None, callee)
    recorded.save(tmp_path / "x.prof")
    file = ProfFile(tmp_path / "x.prof")
    assert file.calls("inner span") == 3
    if sys.version_info >= (3, 12):
        assert find(file, "outer span", "inner span", "callee", "inner").calls == 3


def test_spans_of_threads_that_no_recording_wants_are_counted(tmp_path, spans):
    with Profile() as recorded:
        spans.in_thread(3, None, None)
    recorded.save(tmp_path / "x.prof")
    file = ProfFile(tmp_path / "x.prof")
    assert file.calls("inner span") == 0
    assert b"lost_spans" in (tmp_path / "x.prof").read_bytes()


def test_a_thread_is_recorded_by_each_profile_that_runs_meanwhile(tmp_path, spans):
    for _ in range(3):
        with Profile(threads=True) as recorded:
            spans.in_thread(2, "again", None)
        recorded.save(tmp_path / "x.prof")
        recorded.close()
        assert ProfFile(tmp_path / "x.prof").calls("inner span") == 2


def test_a_span_that_outlives_its_call(record, spans):
    def body():
        pass

    def program():
        spans.begin()
        body()
        spans.end()
        body()

    paths = record(program, builtins=False).paths()
    assert paths == {
        ("program",): 1,
        ("program", "outer span"): 1,
        ("program", "outer span", "body"): 1,
        ("program", "body"): 1,
    }


def test_a_runtime_that_is_too_old_is_said_once(run, built):
    done = run(
        """
        import sys
        sys.path.insert(0, sys.argv[1])
        import spans
        from edbprof_native import _native
        _native.api = spans.fake_api(0x20000, 0)
        assert spans.imported_version() == spans.imported_version() == 0
        """,
        built,
        err=None,
    )
    assert done.err.count("needs version 3.1") == 1


def test_package_cannot_be_imported(run, built):
    run(
        """
        import sys
        sys.modules["edbprof_native"] = None  # what makes an import fail
        sys.path.insert(0, sys.argv[1])
        import spans
        assert spans.abi_version() == 0
        assert spans.work(5) == 5
        assert spans.without_gil(5) == 5
        assert spans.calling(lambda: 3) == 3
        spans.unbalanced()
        """,
        built,
    )


def test_imported_before_the_package(run, built):
    """The extension brings the runtime in by itself."""
    run(
        """
        import sys
        sys.path.insert(0, sys.argv[1])
        import spans
        from edbprof_native import Profile, _native
        assert spans.abi_version() == _native.abi_version
        with Profile() as recorded:
            spans.work(2)
        recorded.save("x.prof")
        from prof_file import ProfFile
        assert ProfFile("x.prof").calls("inner span") == 2
        """,
        built,
    )


def test_spans_in_a_forked_child(run, built, tmp_path):
    run(
        """
        import os, sys
        sys.path.insert(0, sys.argv[1])
        import spans
        from edbprof_native import profile
        os.mkdir("files")
        decorate = profile(dir="files", save_every_n_calls=0)

        @decorate
        def function():
            spans.work(1)
            child = os.fork()
            spans.work(2)
            return child

        child = function()
        if child:
            assert os.waitpid(child, 0)[1] == 0
        """,
        built,
    )
    counts = sorted(ProfFile(path).calls("inner span") for path in (tmp_path / "files").iterdir())
    assert counts == [2, 3]


@pytest.mark.parametrize("forker", ["main", "raw"])
def test_a_fork_while_a_thread_without_python_state_has_spans_open(run, built, tmp_path, forker):
    """By another thread, or by that thread within a call back."""
    run(
        """
        import os, sys, threading, warnings
        sys.path.insert(0, sys.argv[1])
        import spans
        from edbprof_native import Profile

        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
        recorded = Profile(threads=True, live_dir="")
        started, forked = threading.Event(), threading.Event()

        def fork():
            child = os.fork()
            if child == 0:
                spans.work(5)
                recorded.save("child.prof")
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0

        def called_back():
            if sys.argv[2] == "raw":
                fork()
            else:
                started.set()
                forked.wait()

        with recorded:
            raw = threading.Thread(target=spans.in_thread, args=(1, "raw", called_back))
            raw.start()
            if sys.argv[2] == "main":
                started.wait()
                fork()
                forked.set()
            raw.join()
        recorded.save("parent.prof")
        """,
        built,
        forker,
    )
    parent, child = (ProfFile(tmp_path / name) for name in ("parent.prof", "child.prof"))
    assert (parent.calls("outer span"), parent.calls("inner span")) == (1, 1)
    # Up to 3.11, a thread of C code is noticed only while another one makes calls.
    if forker == "main" or sys.version_info >= (3, 12):
        assert (child.calls("outer span"), child.calls("inner span")) == (1, 5)


@pytest.mark.parametrize("hook", ["setprofile", "auto"])
def test_an_os_thread_that_is_several_python_threads(spans, tmp_path, hook):
    """Each Python thread's recorders get its calls, in whichever order they run."""

    def before():
        pass

    def meanwhile():
        pass

    def after():
        pass

    def elsewhere():
        other.enable()
        meanwhile()
        other.disable()

    def once(recorded):
        before()
        spans.in_another_thread_state(elsewhere)
        after()
        recorded.disable()
        spans.in_another_thread_state(elsewhere)
        recorded.enable()
        after()

    other = Profile(hook=hook)
    for recorded in (Profile(hook=hook), Profile(hook=hook)):
        with recorded:
            once(recorded)
        recorded.save(tmp_path / "x.prof")
        file = ProfFile(tmp_path / "x.prof")
        assert (file.calls("before"), file.calls("after")) == (1, 2)
    other.save(tmp_path / "other.prof")
    assert ProfFile(tmp_path / "other.prof").calls("meanwhile") == 4


def test_a_python_thread_at_the_address_of_one_that_another_thread_ended(run, built, monkeypatch):
    """Its state is its own, not the freed one, which glibc overwrites."""
    monkeypatch.setenv("PYTHONMALLOC", "malloc")
    monkeypatch.setenv("MALLOC_PERTURB_", "221")
    run(
        """
        import sys, threading
        sys.path.insert(0, sys.argv[1])
        import spans
        from edbprof_native._native import Recorder
        from prof_file import ProfFile

        def callee():
            pass

        def first():
            recorder.enable()
            callee()

        def second():
            other.enable()
            callee()
            other.disable()

        recorder, other = Recorder(hook="setprofile"), Recorder(hook="setprofile")
        # Those beside it keep its memory from being merged with more.
        before, state, behind = (spans.new_thread_state() for _ in range(3))
        spans.in_thread_state(state, first)
        thread = threading.Thread(target=spans.end_thread_state, args=(state,))
        thread.start()
        thread.join()
        others = [spans.new_thread_state() for _ in range(100)]
        print(state in others)
        spans.in_thread_state(state if state in others else others[0], second)
        for each in others:
            spans.end_thread_state(each)
        for each in recorder, other:
            each.save("x.prof")
            assert ProfFile("x.prof").calls("callee") == 1
        """,
        built,
    )


@pytest.mark.parametrize("hook", ["setprofile", "auto"])
def test_spans_of_a_daemon_thread_at_shutdown(run, built, tmp_path, hook):
    """The interpreter clears the thread's state while it goes on without the GIL. '-X dev'
    overwrites memory that is freed."""
    run(
        """
        import sys, threading
        sys.path.insert(0, sys.argv[1])
        import spans
        from edbprof_native import Profile, _native, profile

        class Late:
            def __del__(self):
                # The states of other threads are gone: time for them to fall over.
                spans.without_gil(1_000_000)

        @profile(dir=".")
        def forever():
            started.release()
            spans.without_gil(sys.maxsize)

        def forever_in_a_profile():
            with Profile(hook=sys.argv[2]):
                forever()

        started = threading.Semaphore(0)
        for target in (forever, forever_in_a_profile):
            threading.Thread(target=target, daemon=True).start()
            started.acquire()
        sys.late = Late()
        """,
        built,
        hook,
        options=["-X", "dev"],
    )
    file = only_file(tmp_path)
    assert sum(node.calls for node in file.nodes if node.name == "unlocked span") > 0
    assert len(file.threads) == 2
