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
    assert "Traceback" not in done.stderr
    assert f"exit status {code}" in done.stderr


def test_quiet(tmp_path: Path) -> None:
    done = run(tmp_path, "plain", "--quiet")
    assert done.stderr.count("Traceback") == 1
