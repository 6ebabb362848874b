"""Programs that tests write, and `edbprof run` of them."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from edbprof_native._program import find
from prof_file import ProfFile


def write(path: Path, text: str) -> Path:
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def is_ours(name: str) -> bool:
    return name.startswith("edbprof_native")


@pytest.fixture
def edbprof_run(tmp_path):
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


@pytest.fixture
def both(tmp_path):
    """Runs Python with these arguments without and with us, and gives what came of each."""

    def both(*arguments, directory=tmp_path, recorded=True, **more):
        def finished(command):
            return subprocess.run(
                [*command, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                cwd=directory,
                check=False,
                **more,
            )

        results = tmp_path / "results"
        results.mkdir(exist_ok=True)
        run = [find(), "run", "--quiet", f"--python={sys.executable}", f"--out={results}"]
        plain, profiled = finished([sys.executable]), finished(run)
        assert profiled.returncode == plain.returncode, profiled
        if recorded:
            assert ProfFile(results / "profile_analysis.prof").rows
        return plain, profiled

    return both
