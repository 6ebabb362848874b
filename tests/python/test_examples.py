"""The extensions in examples/ are built as their comments say, and record the same spans.

tests/c_hosts/examples.rs has the programs in C, C++, Lua and Rust.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from edbprof_native import Profile
from edbprof_native._program import find
from extensions import load
from prof_file import ProfFile
from running import edbprof_run  # noqa: F401

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLES = CHECKOUT / "examples"
DOCUMENT = CHECKOUT / "docs" / "embedding.md"
WITH_THREADS = ["nanobind", "pybind11", "pyo3"]
WITH_MARKS = ["cython", "nanobind", "pyo3"]


def succeed(*command, cwd, **environment):
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout


def build(name: str, directory: Path) -> Path:
    shutil.copytree(EXAMPLES / name, directory)
    if name != "pyo3":
        succeed(sys.executable, "setup.py", "-q", "build_ext", "--inplace", cwd=directory)
        return directory
    target = CHECKOUT / "build" / "examples"
    # Of one build for all Pythons: PyO3 asks no interpreter.
    cargo = ["cargo", "build", "--quiet", "--locked", f"--target-dir={target}"]
    succeed(*cargo, cwd=EXAMPLES / name, PYO3_NO_PYTHON="1")
    suffix = "dylib" if sys.platform == "darwin" else "so"
    shutil.copy(target / "debug" / f"libsolver.{suffix}", directory / "solver.so")
    return directory


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Gives the directory of an example's module, built once."""
    directories = {}

    def built(name):
        module = {"cython": "Cython"}.get(name, name)
        if name in ("cython", "nanobind", "pybind11"):
            pytest.importorskip(module)
        if name not in directories:
            directories[name] = build(name, tmp_path_factory.mktemp("examples") / name)
        return directories[name]

    return built


#: What solve(3) returns.
SOLVED = 2165703038


@pytest.mark.parametrize("name", ["cpython", "cython", "nanobind", "pybind11", "pyo3"])
def test_spans_stand_under_the_caller(record, built, name):
    solver = load("solver", built(name))

    def program():
        assert solver.solve(3) == SOLVED

    assert record(program, builtins=False).paths() == {
        ("program",): 1,
        ("program", "solve"): 1,
        ("program", "solve", "step"): 3,
    }
    program()


@pytest.mark.parametrize("name", WITH_THREADS)
def test_spans_of_threads(record, built, name):
    solver = load("solver", built(name))

    def program():
        solver.solve_in_threads(2, 2)

    file = record(program, builtins=False, threads=True)
    trees = {
        thread.name: {node.names: node.calls for node in thread.nodes} for thread in file.threads
    }
    of_thread = {("solve",): 1, ("solve", "step"): 2}
    assert trees == {
        "MainThread": {("program",): 1},
        "solver-0": of_thread,
        "solver-1": of_thread,
    }


@pytest.mark.parametrize("name", WITH_MARKS)
def test_marks_are_on_the_timeline_only(tmp_path, built, name):
    solver = load("solver", built(name))

    def program():
        assert solver.solve_marked(3) == SOLVED

    profiler = Profile(builtins=False, timeline=True)
    profiler.runcall(program)
    profiler.save(tmp_path / "a.prof")
    names = {node.name for node in ProfFile(tmp_path / "a.prof").nodes}
    assert names == {"program", "solve", "step"}
    command = [find(), "export", "--format=chrome", "--output=-", tmp_path / "a.prof.timeline"]
    exported = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    marks = [each for each in json.loads(exported)["traceEvents"] if each.get("cat") == "mark"]
    marks.sort(key=lambda event: event["ts"])
    assert [(each["ph"], each["name"]) for each in marks] == [
        ("i", "begun"),
        ("b", "request"),
        ("C", "value"),
        ("e", "request"),
    ]
    assert marks[2]["args"]["value"] == SOLVED
    assert marks[1]["id"] == marks[3]["id"]


def test_spans_of_tracing(record, built):
    solver = load("solver", built("pyo3"))

    def program():
        assert solver.solve_traced(3) == SOLVED

    file = record(program, builtins=False)
    assert file.paths() == {
        ("program",): 1,
        ("program", "solve_traced"): 1,
        ("program", "solve_traced", "traced_step"): 3,
    }
    (function,) = (each for each in file.functions if each[4] == "traced_step")
    lines = (EXAMPLES / "pyo3" / "src" / "lib.rs").read_text(encoding="utf-8").splitlines()
    assert lines[function[3] - 1] == "#[tracing::instrument]"


def test_a_run_of_the_script(edbprof_run, built):  # noqa: F811
    directory = built("cpython")
    environment = {**os.environ, "PYTHONPATH": str(directory)}
    done = edbprof_run(str(EXAMPLES / "use_solver.py"), env=environment)
    assert (done.returncode, done.stdout) == (0, f"{SOLVED}\n"), done.stderr
    calls = Counter()
    for node in edbprof_run.results().nodes:
        calls[node.name] += node.calls
    assert (calls["solve"], calls["step"]) == (1, 3)


def test_the_document_shows_what_is_tested():
    """Each block of code that names a file is a part of it, but for what an ellipsis leaves out."""
    text = DOCUMENT.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w+ (examples/\S+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert {Path(name).parts[1] for name, _ in blocks} == {
        each.name for each in EXAMPLES.iterdir() if each.is_dir()
    } | {"spans.c", "spans.cpp"}
    for name, block in blocks:
        source = (CHECKOUT / name).read_text(encoding="utf-8")
        for part in re.split(r"^ *\.\.\.\n", block, flags=re.MULTILINE):
            assert part in source, f"{name}:\n{part}"
