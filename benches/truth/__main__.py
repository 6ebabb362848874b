"""How far reported shares of time are from the true ones.

    python benches/truth [--programs reported|tuning] [--processes 5] [--json FILE]

A program is a module of phases, functions that take a number of rounds. Each phase's share
is known: what it takes of the time of all when nothing is recorded, timed in the same
process in turns with the profiled runs. The error of a profiler is half the sum of the
differences between true and reported shares: the part of the time that it puts into the
wrong phase. Every figure is a median over fresh processes.

How compensation measures and uses its constants was chosen with the programs of `tuning`;
those of `reported` have told nine times how far that was from the aim.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# What one process runs, and which figures come of it.
TOOLS = {
    "edbprof": ["edbprof, raw", "edbprof --compensate"],
    "cProfile": ["cProfile"],
    "yappi": ["yappi"],
}


def shares(times: dict[str, float]) -> dict[str, float]:
    whole = sum(times.values())
    return {phase: time / whole for phase, time in times.items()}


def error(true: dict[str, float], reported: dict[str, float]) -> float:
    true, reported = shares(true), shares(reported)
    return sum(abs(true[phase] - reported[phase]) for phase in true) / 2


def one_process(program: Path, tool: str) -> dict[str, float] | None:
    """Each figure's error; None where the tool is not installed."""
    done = subprocess.run(
        [sys.executable, str(HERE / "one_process.py"), str(program), tool],
        stdout=subprocess.PIPE,
        check=True,
    )
    found = json.loads(done.stdout)
    if "missing" in found:
        return None
    return {
        figure: error(found["true"], reported)
        for figure, reported in zip(TOOLS[tool], found["reported"])
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", choices=["reported", "tuning"], default="reported")
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    programs = sorted((HERE / options.programs).glob("*.py"))
    errors: dict[str, dict[str, list[float]]] = {}
    # Programs and tools in turns: a disturbance of the machine hits all alike.
    for _ in range(options.processes):
        for program in programs:
            for tool in TOOLS:
                for figure, value in (one_process(program, tool) or {}).items():
                    errors.setdefault(figure, {}).setdefault(program.stem, []).append(value)
    medians = {
        figure: {program: statistics.median(values) for program, values in of.items()}
        for figure, of in errors.items()
    }
    print(
        f"Python {sys.version.split()[0]}: error of phases' shares, median of "
        f"{options.processes} processes"
    )
    names = [program.stem for program in programs]
    print(
        f"{'':24}" + "".join(f"{name:>12}" for name in names) + f"{'median':>12}{'/ cProfile':>12}"
    )
    whole = {figure: statistics.median(of.values()) for figure, of in medians.items()}
    for figure, of in medians.items():
        row = "".join(f"{of[name]:12.3f}" for name in names)
        print(f"{figure:24}{row}{whole[figure]:12.3f}{whole[figure] / whole['cProfile']:12.2f}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"python": sys.version, "medians": medians, "errors": errors}, file, indent=1)


if __name__ == "__main__":
    main()
