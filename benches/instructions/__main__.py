"""Instructions an event, counted by callgrind: the same number each time.

    python benches/instructions                 # the recorder alone
    python benches/instructions --check         # and compare with budgets.txt
    python benches/instructions --python FILE   # both hooks, in that Python, too

Needs valgrind, cargo and a C compiler, for --python what benches/overhead needs. Counts
the build that goes into the Python extension.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import callgrind

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUDGETS = HERE / "budgets.txt"
SCENARIOS = ["loop", "recursion", "many_callees", "random_walk", "new_contexts"]
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


def of_hooks(python: str) -> list[tuple[str, str, float, float]]:
    """Workload, tool, instructions an event: all that recording adds; in edbprof alone."""
    told, dumps = callgrind.run(
        [python, HERE / "recorded.py"], [COUNTED], {"PYTHONHASHSEED": "0"}
    )
    rows = []
    plain: Counter[callgrind.Place] = Counter()
    lines = told.splitlines()
    assert len(lines) == len(dumps)
    for line, dump in zip(lines, dumps):
        workload, tool, events = line.split("\t")
        if tool == "none":
            plain = dump.instructions
            continue
        ours = sum(
            count for place, count in dump.instructions.items() if "edbprof_native" in place.object
        )
        added = sum(dump.instructions.values()) - sum(plain.values())
        rows.append((workload, tool, added / int(events), ours / int(events)))
    return rows


def budgets() -> dict[str, float]:
    lines = (line.partition("#")[0].split() for line in BUDGETS.read_text("ascii").splitlines())
    return {name: float(limit) for name, limit in filter(None, lines)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail where a budget is exceeded")
    parser.add_argument("--python", action="append", default=[], metavar="FILE")
    options = parser.parse_args()
    limits = budgets()
    measured = of_recorder()
    print("instructions an event in the recorder; budget")
    for name, count in measured.items():
        print(f"  {name:16}{count:8.2f}{limits[name]:8.1f}")
    for python in options.python:
        print(f"{python}: instructions an event: all that is added; in edbprof alone")
        for workload, tool, added, ours in of_hooks(python):
            print(f"  {workload:12}{tool:20}{added:8.1f}{ours:8.1f}")
    exceeded = [name for name in SCENARIOS if measured[name] > limits[name]]
    if options.check and exceeded:
        sys.exit(f"over the budget in {BUDGETS.relative_to(ROOT)}: {', '.join(exceeded)}")


if __name__ == "__main__":
    main()
