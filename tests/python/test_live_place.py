"""Where live files lie, whose they are, and when they go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from edbprof_native import Profile, profile
from prof_file import ProfFile, files

if not sys.platform.startswith("linux"):
    pytest.skip("live files are Linux's", allow_module_level=True)


def callee():
    pass


def lives(directory: Path) -> "list[Path]":
    return files(directory, "*.live")


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The temporary directory of programs that are run."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setenv("TMPDIR", str(directory))
    return directory


def aggregated(directory: Path, out: Path) -> ProfFile:
    """What `edbprof` finds without being told where to look."""
    command = [sys.executable, "-m", "edbprof_native", "--quiet", "--out", str(out / "out")]
    subprocess.run(command, check=True, env={**os.environ, "TMPDIR": str(directory)})
    return ProfFile(out / "out.prof")


def test_a_profile_has_one_from_its_first_call_until_it_is_freed(tmp_path):
    for end in ("free", "close"):
        recorded = Profile(live_dir=tmp_path)
        callee()
        assert lives(tmp_path) == []
        with recorded:
            callee()
        (live,) = lives(tmp_path)
        assert live.name.startswith(f"edbprof_{os.getpid()}_")
        recorded.save(tmp_path / "saved")
        assert lives(tmp_path) == [live]
        if end == "close":
            recorded.close()
        else:
            del recorded
        assert lives(tmp_path) == []


def test_an_empty_place_is_none(tmp_path, temporary, run):
    run(
        """
        import os
        from edbprof_native import Profile, profile
        def work(): pass
        with Profile(live_dir="") as recorded:
            work()
        profile(dir=".", live_dir="")(work)()
        os._exit(0)
        """
    )
    assert lives(temporary) == lives(tmp_path) == []


def test_decorated_functions_have_theirs_where_they_are_told(tmp_path):
    directory, live_directory = tmp_path / "dir", tmp_path / "live"
    directory.mkdir()
    live_directory.mkdir()
    once = profile(dir=directory, live_dir=live_directory, save_every_n_calls=0)
    once(callee)()
    (live,) = lives(live_directory)
    assert lives(directory) == []
    once.save()
    (saved,) = files(directory)
    assert live.name == saved.name + ".live"
    once(callee)()
    # Beside what was saved, what came since is in the live file alone.
    assert once.aggregate(tmp_path / "out", quiet=True) == (1, 0)
    assert ProfFile(tmp_path / "out.prof").calls("callee") == 2
    live_directory_is_missing = profile(dir=directory, prefix="x", live_dir=tmp_path / "no")
    assert live_directory_is_missing.aggregate(tmp_path / "out", quiet=True) == (0, 0)


ENDS = {
    "os._exit": "os._exit(0)",
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
    "abort": "os.abort()",
    "exit in a thread": """
            threading.Thread(target=ctypes.CDLL(None).exit, args=(0,), daemon=True).start()
            while True:
                work()
""",
}


@pytest.mark.parametrize("way", ENDS)
@pytest.mark.parametrize("was_disabled", [False, True])
def test_a_profile_of_a_killed_process_is_found(tmp_path, temporary, run, way, was_disabled):
    code = {"SIGKILL": -signal.SIGKILL, "abort": -signal.SIGABRT}.get(way, 0)
    run(
        f"""
        import ctypes, os, signal, threading
        from edbprof_native import Profile
        def work(): pass
        recorded = Profile()
        recorded.enable()
        work()
        if {was_disabled}:
            recorded.disable()
        if True:
            {ENDS[way]}
        """,
        code=code,
    )
    file = aggregated(temporary, tmp_path)
    assert file.process["ending"] == 2
    calls = file.calls("work")
    assert calls == 1 or (calls > 1 and way == "exit in a thread" and not was_disabled)


def test_a_profile_that_is_alive_at_exit_leaves_nothing(temporary, run):
    run(
        """
        import ctypes, os
        from edbprof_native import Profile
        def work(): pass
        for was_disabled in (False, True):
            recorded = Profile()
            recorded.enable()
            work()
            if was_disabled:
                recorded.disable()
            # The interpreter never frees it.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(recorded))
        assert len(os.listdir(os.environ["TMPDIR"])) == 2
        """
    )
    assert os.listdir(temporary) == []


def test_a_profile_in_forked_children(tmp_path, temporary, run):
    run(
        """
        import multiprocessing, os
        from edbprof_native import Profile

        def work():
            pass

        recorded = Profile()

        def in_child():
            with recorded:
                work()

        with recorded:
            work()
            work()
        (own,) = os.listdir(os.environ["TMPDIR"])
        child = os.fork()
        if not child:
            in_child()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        worker = multiprocessing.get_context("fork").Process(target=in_child)
        worker.start()
        worker.join()
        assert worker.exitcode == 0
        left = set(os.listdir(os.environ["TMPDIR"]))
        assert own in left and len(left) == 2, left
        """
    )
    # The child that ended in os._exit(), and it alone.
    file = aggregated(temporary, tmp_path)
    assert file.process["ending"] == 2
    assert file.calls("work") == 1
    assert len(lives(temporary)) == 1
