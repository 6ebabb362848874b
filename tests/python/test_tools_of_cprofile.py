"""Tools that are made for cProfile: pytest-profiling with ours in its place, snakeviz."""

from __future__ import annotations

import pstats
import subprocess
import sys

import pytest
from edbprof_native import Profile
from prof_file import ProfFile

LONG = "a_test_whose_name_is_too_long_for_a_file_" * 7
TESTS = f"""
def callee():
    pass

def test_of_calls():
    for _ in range(7):
        callee()

def test_{LONG}():
    test_of_calls()
"""


def test_pytest_profiling(tmp_path):
    pytest.importorskip("pytest_profiling")
    # As README.md says it.
    line = "import edbprof_native, pytest_profiling; pytest_profiling.cProfile = edbprof_native\n"
    (tmp_path / "conftest.py").write_text(line)
    (tmp_path / "test_them.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--profile", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    label = str(tmp_path / "test_them.py"), 2, "callee"
    files = sorted(tmp_path.glob("prof/*.prof"))
    (combined,) = (path for path in files if path.name == "combined.prof")
    assert pstats.Stats(str(combined)).stats[label][:2] == (14, 14)
    others = [ProfFile(path) for path in files if path != combined]
    assert [file.calls("callee") for file in others] == [7, 7]


def test_snakeviz(tmp_path):
    stats = pytest.importorskip("snakeviz.stats")

    def callee():
        pass

    def caller():
        for _ in range(7):
            callee()

    recorded = Profile()
    recorded.runcall(caller)
    path = tmp_path / "recorded.prof"
    recorded.dump_stats(path)
    read = pstats.Stats(str(path))
    functions = stats.json_stats(read)
    of_callee, of_caller = (
        f"{code.co_filename}:{code.co_firstlineno}({code.co_name})"
        for code in (callee.__code__, caller.__code__)
    )
    assert functions[of_callee]["stats"][:2] == [7, 7]
    assert functions[of_callee]["callers"][of_caller][:2] == [7, 7]
    assert len(stats.table_rows(read)) == len(read.stats)
