"""The worked example of docs/guide/generic-functions.md: what it shows is what comes out."""

from __future__ import annotations

import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from edbprof_native._program import find
from flame_graph import stacks

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "guide" / "generic-functions.md").read_text(encoding="utf-8")
BEFORE, AFTER, SIDECAR = re.findall(r"```text\n(.*?)```", DOCS, re.DOTALL)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("example")
    program = ROOT / "examples" / "generic_functions.py"
    subprocess.run([sys.executable, str(program), str(directory)], check=True)
    return directory


def picture(path):
    """The tree of the picture that the program makes, as the docs show it."""
    command = [find(), "--quiet", "--format=flamegraph", f"--out={path.parent}/out", str(path)]
    subprocess.run(command, check=True)
    svg = path.with_name("out.flamegraph.svg").read_text(encoding="utf-8")
    lines = []
    for names, width in sorted(stacks(svg).items()):
        milliseconds = f"{width / 1e6:.2f}".rstrip("0").rstrip(".")
        lines.append(f"{'  ' * (len(names) - 1)}{names[-1]} {milliseconds} ms\n")
    return "".join(lines)


def test_cprofiles_file_is_estimated(directory):
    assert picture(directory / "before.prof") == BEFORE


def test_ours_is_exact(directory):
    assert picture(directory / "after.prof") == AFTER


def test_the_sidecar_says_who_called_what(directory):
    with open(directory / "after.prof.singledispatch", "rb") as file:
        ((generic, callers),) = pickle.load(file).items()
    lines = [f"{generic[2]}\n"]
    for caller, implementations in sorted(callers.items()):
        for implementation, calls in sorted(implementations.items()):
            lines.append(f"  {caller[2]}  {implementation[2]} {calls}\n")
    assert "".join(lines) == SIDECAR


def test_with_a_sidecar_cprofiles_file_is_put_right(directory):
    shutil.copy(directory / "before.prof", directory / "both.prof")
    shutil.copy(directory / "after.prof.singledispatch", directory / "both.prof.singledispatch")
    assert picture(directory / "both.prof") == AFTER
