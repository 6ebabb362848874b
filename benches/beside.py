"""What samplers that look at a process from outside slow it down.

    python benches/beside.py [--rounds 9]

A program that renders a document by docutils says how long that took: alone, under py-spy
(benches/requirements.txt) and, from Python 3.15 on, under profiling.sampling, by turns.
Wall time, since such samplers stop the process: it takes a quiet machine and two processors.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

PROGRAM = """
import sys, time
sys.path.insert(0, {benches!r})
from workloads import docutils
render = docutils()
render()
begin = time.perf_counter()
for _ in range(5):
    render()
print("seconds", time.perf_counter() - begin)
"""


def tools(directory: pathlib.Path) -> dict[str, list[str]]:
    """By name, what stands before the program on the command line."""
    out = str(directory / "out")
    found = {"none": [sys.executable]}
    scripts = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
    py_spy = shutil.which("py-spy", path=scripts)
    if py_spy:
        found["py-spy"] = [py_spy, "record", "--format=raw", "-o", out, "--", sys.executable]
    else:
        print("py-spy is left out: it is not installed")
    if sys.version_info >= (3, 15):
        sampling = [sys.executable, "-m", "profiling.sampling", "run"]
        found["profiling.sampling"] = [*sampling, "--collapsed", "-o", out]
    return found


def seconds(command: list[str]) -> float:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    [said] = [line for line in done.stdout.splitlines() if line.startswith("seconds")]
    return float(said.split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    version = sys.version.split()[0]
    print(f"Python {version}, docutils: slowdown, medians of {options.rounds} rounds")
    with tempfile.TemporaryDirectory(prefix="edbprof-bench-") as name:
        directory = pathlib.Path(name)
        program = directory / "program.py"
        benches = pathlib.Path(__file__).with_name("overhead")
        program.write_text(PROGRAM.format(benches=str(benches)), encoding="utf-8")
        commands = tools(directory)
        rounds = [
            {tool: seconds([*command, str(program)]) for tool, command in commands.items()}
            for _ in range(options.rounds)
        ]
    for tool in commands:
        slowdown = statistics.median(took[tool] / took["none"] for took in rounds)
        print(f"  {tool:20}{slowdown:7.2f}")


if __name__ == "__main__":
    main()
