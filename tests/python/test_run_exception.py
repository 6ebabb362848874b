"""The exception that ends a program under `edbprof run` stands last."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
import sys

class Loud(Exception):
    def __str__(self):
        print("asked")
        return "loud"

def fail(kind):
    if kind == "loud":
        raise Loud
    if kind == "deep":
        deep(40)
    if kind == "exit":
        raise SystemExit(3)
    if kind == "handled":
        try:
            fail("plain")
        except ValueError:
            return
    raise ValueError("bad \\x1b[31m")

def deep(rest):
    deep(rest - 1) if rest else fail("plain")

fail(sys.argv[1])
"""


def run(directory: Path, kind: str, *options: str) -> Any:
    (directory / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "edbprof_native", "run", *options, "program.py", kind]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True)


@pytest.mark.parametrize("kind", ["plain", "deep"])
def test_traceback_is_last(tmp_path: Path, kind: str) -> None:
    done = run(tmp_path, kind)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[-1] == "ValueError: bad \\x1b[31m"
    assert lines[-2].endswith("in fail")
    begin = len(lines) - 1 - lines[::-1].index("Traceback (most recent call last):")
    assert any(line.startswith("edbprof: 1 process") for line in lines[:begin])
    assert len(lines) - begin <= 13
    assert "exit status 1" in done.stderr


def test_what_the_program_says_is_asked_for_once(tmp_path: Path) -> None:
    done = run(tmp_path, "loud")
    assert done.stdout == "asked\n"
    assert done.stderr.splitlines()[-1] == "Loud"


@pytest.mark.parametrize("kind, code", [("handled", 0), ("exit", 3)])
def test_no_exception_no_traceback(tmp_path: Path, kind: str, code: int) -> None:
    done = run(tmp_path, kind)
    assert done.returncode == code
    assert "Traceback (most recent" not in done.stderr
    assert f"exit status {code}" in done.stderr


def run_shell(directory: Path, script: str) -> Any:
    (directory / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "edbprof_native", "run", "sh", "-c", script, sys.executable]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True)


@pytest.mark.parametrize(
    "script",
    [
        '"$0" program.py plain; exit $?',
        '"$0" program.py handled; "$0" program.py plain || exit 7',
        "\"$0\" -c 'import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))' "
        '"$0" program.py plain; exit $?',
    ],
)
def test_traceback_of_a_child_that_made_the_run_fail_is_last(tmp_path: Path, script: str) -> None:
    done = run_shell(tmp_path, script)
    assert done.returncode in (1, 7)
    lines = done.stderr.splitlines()
    assert lines[-1] == "ValueError: bad \\x1b[31m"
    begin = len(lines) - 1 - lines[::-1].index("Traceback (most recent call last):")
    assert lines[begin - 1].startswith("In process ")


@pytest.mark.parametrize(
    "script, code",
    [
        ('"$0" program.py plain; exit 0', 0),
        ('"$0" program.py plain; "$0" program.py exit', 3),
    ],
)
def test_no_traceback_of_a_child_that_did_not(tmp_path: Path, script: str, code: int) -> None:
    done = run_shell(tmp_path, script)
    assert done.returncode == code
    # The program's own.
    assert done.stderr.count("Traceback (most recent call last):") == 1


def test_traceback_after_env(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    run = [sys.executable, "-m", "edbprof_native", "run"]
    command = [*run, "env", "X=1", sys.executable, "program.py", "plain"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "ValueError: bad \\x1b[31m"


def test_quiet(tmp_path: Path) -> None:
    done = run(tmp_path, "plain", "--quiet")
    assert done.stderr.count("Traceback (most recent call last):") == 1
