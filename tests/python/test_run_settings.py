"""Starts of a process under `edbprof run` that fail or are told nonsense."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from edbprof_native._program import find
from running import write


def play_with_setting(value: str, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "import sys; print('edbprof_native' in sys.modules)"],
        env=dict(os.environ, EDBPROF_RUN=value),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=tmp_path,
        check=True,
    )


def test_empty_is_as_unset(tmp_path):
    done = play_with_setting("", tmp_path)
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize("setting", ["nonsense", "threads=1"])
def test_a_bad_setting_takes_one_line(tmp_path, setting):
    done = play_with_setting(setting, tmp_path)
    (line,) = done.stderr.splitlines()
    assert line.startswith("edbprof: this process is not recorded: ")


@pytest.mark.parametrize(
    "setting",
    [
        "threads=1\nbuiltins=1\nchildren=1\nclock=\n\nhook=auto\ndirectory=.",
        "threads=1\nbuiltins=1\nchildren=1\nclock=bad\nhook=auto\ndirectory=.",
        "threads=1\nbuiltins=1\nchildren=1\nclock=wall\nhook=bad\ndirectory=.",
    ],
)
def test_the_run_is_told_what_goes_wrong(tmp_path, setting):
    """And not the program's own readers."""
    done = play_with_setting(setting, tmp_path)
    assert done.stderr == ""
    (note,) = tmp_path.iterdir()
    assert note.name.startswith("unrecorded_")
    assert note.name.endswith("_failed")
    assert note.read_text(encoding="utf-8").strip()


def test_a_package_that_does_not_load_takes_one_line(tmp_path):
    """Another package of that name is found first."""
    (tmp_path / "edbprof_native").mkdir()
    write(tmp_path / "edbprof_native" / "__init__.py", "raise ValueError('two\\nlines')\n")
    done = subprocess.run(
        [sys.executable, "-c", "pass"],
        env=dict(os.environ, EDBPROF_RUN="nonsense", PYTHONPATH=str(tmp_path)),
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    assert done.stderr == "edbprof: this process is not recorded: two lines\n"


def test_the_summary_names_a_start_that_failed(tmp_path):
    (tmp_path / "edbprof_native").mkdir()
    write(tmp_path / "edbprof_native" / "__init__.py", "raise ValueError('two\\nlines')\n")
    write(tmp_path / "program.py", "import sys; print('ran', file=sys.stderr)\n")
    run = [find(), "run", f"--python={sys.executable}", "--out=results.prof", "program.py"]
    done = subprocess.run(
        run,
        env=dict(os.environ, PYTHONPATH=str(tmp_path)),
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=tmp_path,
        check=False,
    )
    ran, reason = done.stderr.splitlines()
    assert (done.returncode, ran) == (4, "ran")
    assert reason.startswith(
        "edbprof: nothing was recorded: 1 process was not recorded (recording failed): "
    )
    assert reason.endswith(" (two lines)")
