"""Instructions an event, counted by callgrind: the same number each time.

    python benches/instructions                 # of the recorder, called from C
    python benches/instructions --python FILE   # of both hooks, in that Python
    ... --check                                 # fails where budgets.txt is exceeded
    ... --history                               # appends to docs/measurements/history.csv

Needs valgrind and a C compiler. Counts the recorder as cargo builds it for the extension,
the hooks as they are installed in that Python.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import callgrind

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUDGETS = HERE / "budgets.txt"
HISTORY = ROOT / "docs/measurements/history.csv"
VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
SCENARIOS = ["loop", "recursion", "many_callees", "random_walk", "new_contexts"]
HOOKS = ["edbprof setprofile", "edbprof monitoring"]
OTHERS = ["none", "empty setprofile", "empty monitoring", "cProfile"]
# The C function, in ../floor/floor.c, through which recorded.py calls what is counted.
COUNTED = "call_counted"


def build_recorder() -> Path:
    """The static library that setup.py links into the extension, which may be there already."""
    command = ["cargo", "rustc", "--release", "--locked", "--lib", "--crate-type=staticlib"]
    command += ["--no-default-features", "--message-format=json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    for event in map(json.loads, done.stdout.splitlines()):
        if event["reason"] == "compiler-artifact" and event["target"]["name"] == "edbprof":
            return Path(event["filenames"][0])
    raise SystemExit("cargo has not said what it made")


def build_host(directory: str) -> Path:
    host = Path(directory, "host")
    compiler = shlex.split(os.environ.get("CC", "cc"))
    options = ["-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Werror"]
    options += [f"-I{ROOT / 'include'}", f"-I{ROOT / 'tests' / 'c'}"]
    libraries = ["-lpthread", "-ldl", "-lm", "-lgcc_s"]
    subprocess.run(
        [*compiler, *options, HERE / "host.c", build_recorder(), *libraries, "-o", host], check=True
    )
    return host


def of_recorder() -> dict[str, float]:
    """Of each scenario, what an event takes in edbprof and what edbprof calls."""
    with tempfile.TemporaryDirectory(prefix="edbprof-instructions-") as directory:
        told, dumps = callgrind.run([build_host(directory), directory], SCENARIOS)
    events = {name: int(count) for name, count in map(str.split, told.splitlines())}
    # Each is played twice, and the second time is what counts.
    second = {dump.function: dump.instructions for dump in dumps}
    return {
        name: sum(
            count for place, count in second[name].items() if Path(place.file).name != "host.c"
        )
        / events[name]
        for name in SCENARIOS
    }


class HookCost(NamedTuple):
    """Instructions an event of one workload with one tool of benches/overhead."""

    tool: str
    workload: str
    in_all: float
    in_edbprof: float


def of_hooks(python: str, tools: list[str]) -> list[HookCost]:
    told, dumps = callgrind.run(
        [python, HERE / "recorded.py", *tools], [COUNTED], {"PYTHONHASHSEED": "0"}
    )
    lines = told.splitlines()
    assert len(lines) == len(dumps)
    costs = []
    for line, dump in zip(lines, dumps):
        workload, tool, events = line.split("\t")
        ours = sum(
            count for place, count in dump.instructions.items() if "edbprof_native" in place.object
        )
        in_all = sum(dump.instructions.values())
        costs.append(HookCost(tool, workload, in_all / int(events), ours / int(events)))
    return costs


def read_budgets() -> dict[str, float]:
    lines = (line.partition("#")[0].strip() for line in BUDGETS.read_text("ascii").splitlines())
    pairs = (line.rsplit(maxsplit=1) for line in lines if line)
    return {name: float(limit) for name, limit in pairs}


def check(measured: dict[str, float]) -> bool:
    """Prints them beside their budgets. Whether none is exceeded."""
    budgets = read_budgets()
    for name, count in measured.items():
        over = "   OVER" if count > budgets[name] else ""
        print(f"  {name:32}{count:8.1f}{budgets[name]:8.0f}{over}")
    return all(count <= budgets[name] for name, count in measured.items())


def append(measured: dict[str, float], python: str) -> None:
    """Append a row for each count to the file of all commits."""
    commit, date = output("git", "show", "--no-patch", "--format=%h %cs").split()
    if output("git", "status", "--porcelain", "--untracked-files=no"):
        commit += "+"  # With changes that are not committed yet.
    with HISTORY.open("a", encoding="ascii", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        for name, count in measured.items():
            rows.writerow((date, commit, python, name, f"{count:.1f}"))


def output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail where a budget is exceeded")
    parser.add_argument("--python", metavar="FILE", help="a Python that has edbprof_native")
    parser.add_argument("--history", action="store_true", help=f"append to {HISTORY.name}")
    options = parser.parse_args()
    if not options.python:
        print("Instructions an event in the recorder; budget")
        measured = of_recorder()
    else:
        costs = of_hooks(options.python, HOOKS if options.check else [*OTHERS, *HOOKS])
        if not options.check:
            print("Instructions an event: all there are; those of edbprof alone")
            for cost in costs:
                name = f"{cost.tool}, {cost.workload}"
                print(f"  {name:32}{cost.in_all:8.1f}{cost.in_edbprof:8.1f}")
        print("Instructions an event in hook and recorder; budget")
        measured = {
            f"{cost.tool}, {cost.workload}": cost.in_edbprof for cost in costs if cost.tool in HOOKS
        }
    fits = check(measured)
    if options.history:
        python = options.python and output(options.python, "-c", VERSION).strip()
        append(measured, python or "")
    if options.check and not fits:
        sys.exit(f"a budget of {BUDGETS.relative_to(ROOT)} is exceeded")


if __name__ == "__main__":
    main()
