"""Every command and every Python example of README.md and docs/ works as it is printed.

Commands run in a directory with small stand-ins for the programs and profiles that the documents
name. `make` commands are only looked up, and installations are left out.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import edbprof_native
import pytest
from edbprof_native._program import find

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted((ROOT / "docs").glob("*.md")) + sorted((ROOT / "docs" / "guide").glob("*.md"))
DOCUMENTS = [ROOT / "README.md", *GUIDES]

# Every program that documents name is this one.
PROGRAM = """
#!{python}
import json, os, sys, threading, time
sys.path.append(os.getcwd())
from tests_x import helper
def handle_request(number):
    helper()
    return json.loads(json.dumps([number] * 9))
def check_astroid_module():
    return compile("1", "x", "eval")
def work():
    for number in range(20):
        handle_request(number)
        check_astroid_module()
if __name__ == "__main__":
    thread = threading.Thread(target=work, name="worker")
    thread.start()
    thread.join()
    work()
"""
TESTS = """
def test_it():
    assert sorted([2, 1]) == [1, 2]
"""
PROGRAMS = [
    "app.py", "script.py", "report.py", "service.py", "pand.py", "job.py", "joblib_program.py",
    "ray_program.py", "spark_program.py", "server.py", "dead.py",
]  # fmt: skip
ON_PATH = ["docutils", "gunicorn", "jupyter-nbconvert"]
HELPER = "def helper(): sum([1] * 9999)"
MODULES = ["mypackage/__init__.py", "mypackage/__main__.py", "pylint.py"]
# Files that readers have, or have from an earlier part of the document.
PROFILES = (
    "profile_analysis before after old new run run.1 run.2 run.3 host1 host2 host3 shop".split()
)
BEFORE, AFTER = ["before.1", "before.2", "before.3"], ["after.1", "after.2", "after.3"]

# Commands that no test can run, and why.
NOT_RUN = {
    "pip install": "needs the network",
    "export ": "is for the shell that goes on",
    ".venv-bench/": "is a bench",
    "edbprof run --live": "needs a terminal",
    "edbprof top --live": "needs a terminal",
    "edbprof attach": "needs a process",
    "edbprof dump": "needs a process",
    "edbprof export -o pl.perfetto-trace": "shows the sixth second of a run",
    "edbprof top --include=digit_sum": "is of a function of Spark's",
    "edbprof --out=udfs": "is of files of Spark's",
}
# Commands whose exit status is the point of the example.
MAY_FAIL = ["edbprof run fail.py", "edbprof check", "edbprof diff", "edbprof clean"]


def blocks(document, *languages):
    """The fenced code blocks of these languages."""
    text = document.read_text(encoding="utf-8")
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [block for language, block in fenced if language in languages]


def commands(document):
    for block in blocks(document, "console", ""):
        yield from re.findall(r"^\$ (.*(?:(?<=\\)\n.*)*)", block, re.MULTILINE)


def name(document):
    return document.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A directory with all that the documents' readers have."""
    scene = tmp_path_factory.mktemp("documents")
    for file in [*PROGRAMS, *MODULES, *(f"bin/{name}" for name in ON_PATH)]:
        path = scene / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(PROGRAM.format(python=sys.executable).lstrip(), encoding="utf-8")
        path.chmod(0o755)
    (scene / "fail.py").write_text("raise SystemExit('no')\n", encoding="utf-8")
    for directory in ("tests_x", "tests_shop"):
        (scene / directory).mkdir()
        (scene / directory / "__init__.py").write_text(HELPER, encoding="utf-8")
        (scene / directory / f"test_{directory}.py").write_text(TESTS, encoding="utf-8")
    for directory in ("tmp/edbprof-run-6EMqvM", "shared/profiles", "v2", "v3", "v25", "v26", "nb"):
        (scene / directory).mkdir(parents=True)
    shutil.copytree(ROOT / "examples", scene / "examples")
    run = [find(), "run", "--quiet", "--timeline", "--out=run.prof", "app.py"]
    subprocess.run(run, cwd=scene, env=environment(scene), check=True)
    for profile in {*PROFILES, *BEFORE, *AFTER} - {"run"}:
        shutil.copy(scene / "run.prof", scene / f"{profile}.prof")
    shutil.copy(scene / "run.timeline", scene / "profile_analysis.timeline")
    for recording in (
        "tmp/another_function_1_6a",
        "tmp/edbprof_1_6a",
        "shared/profiles/edbprof_1_6a",
    ):
        shutil.copy(scene / "run.prof", scene / f"{recording}.prof")
    for suffix in ("prof", "timeline"):
        recording = scene / "tmp" / "edbprof-run-6EMqvM" / f"edbprof_1_6a.prof.{suffix}"
        shutil.copy(scene / f"run.{suffix}", str(recording).replace(".prof.prof", ".prof"))
    return scene


def environment(scene):
    programs = [scene / "bin", Path(find()).parent, Path(sys.executable).parent]
    path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "TMPDIR": str(scene / "tmp"), "BROWSER": "true"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_commands_work_as_they_are_printed(document, scene, tmp_path):
    here = tmp_path / "here"
    shutil.copytree(scene, here)
    for command in commands(document):
        target = re.match(r"make ([a-z-]+)", command)
        if target:
            subprocess.run(["make", "-n", target[1]], cwd=ROOT, check=True, stdout=subprocess.PIPE)
        elif not command.startswith(tuple(NOT_RUN)):
            done = subprocess.run(
                ["bash", "-c", re.sub("/(?=(tmp|shared)/)", f"{here}/", command)],
                cwd=here,
                env=environment(here),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                check=False,
            )
            # 2 is a command line that edbprof does not understand.
            fails = done.returncode in (1, 3) and command.startswith(tuple(MAY_FAIL))
            assert done.returncode == 0 or fails, (command, done.stdout)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_python_examples_name_what_there_is(document):
    for block in blocks(document, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module == "edbprof_native":
                for alias in node.names:
                    assert hasattr(edbprof_native, alias.name), alias.name


def test_the_test_finds_the_commands():
    assert next(commands(ROOT / "README.md")) == "pip install ."
    assert sum(1 for document in DOCUMENTS for _ in commands(document)) > 50
