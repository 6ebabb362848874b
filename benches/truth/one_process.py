"""Runs the phases of one program, with and without a profiler: see __main__.py.

    python one_process.py PROGRAM TOOL

Prints the phases' true times and those that the tool reports, as JSON.
"""

from __future__ import annotations

import importlib.util
import json
import marshal
import os
import statistics
import subprocess
import sys
import tempfile
import time
from types import ModuleType
from typing import Callable, Dict, List

PHASE_SECONDS = 0.02
TURNS = 5

Times = Dict[str, float]
Phase = Callable[[int], object]


def load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("program", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rounds_for(phase: Phase) -> int:
    """So many that the phase takes its time."""
    rounds = 1
    while True:
        took = min(timed(phase, rounds) for _ in range(3))
        if took > PHASE_SECONDS / 8:
            return max(1, round(rounds * PHASE_SECONDS / took))
        rounds *= 2


def timed(phase: Phase, rounds: int) -> float:
    begin = time.perf_counter()
    phase(rounds)
    took = time.perf_counter() - begin
    # Who leaves the processor now and then is not made to leave it in between.
    time.sleep(took / 8)
    return took


def go_idle() -> None:
    """Has edbprof's hook 'monitoring' switch events off."""
    for _ in range(40000):
        abs(0)


class Edbprof:
    def __init__(self) -> None:
        from edbprof_native import Profile

        self.profile = Profile()
        self.start, self.stop = self.profile.enable, self.profile.disable

    def reported(self, phases: List[Phase]) -> List[Times]:
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "recorded.prof")
            self.profile.save(path)
            merged = os.path.join(directory, "merged.prof")
            command = [sys.executable, "-m", "edbprof_native", "--quiet", "--format=prof"]
            command += ["--out", merged, "--compensate", path]
            subprocess.run(command, check=True)
            return [times_by_code(rows(file), phases) for file in (path, merged)]


class CProfile:
    def __init__(self) -> None:
        import cProfile

        self.profile = cProfile.Profile()
        self.start, self.stop = self.profile.enable, self.profile.disable

    def reported(self, phases: List[Phase]) -> List[Times]:
        self.profile.create_stats()
        return [times_by_code(self.profile.stats, phases)]


class Yappi:
    def __init__(self) -> None:
        import yappi

        yappi.set_clock_type("wall")
        self.yappi = yappi
        self.stop = yappi.stop

    def start(self) -> None:
        self.yappi.start(builtins=True)

    def reported(self, phases: List[Phase]) -> List[Times]:
        stats = self.yappi.get_func_stats()
        code = {phase.__name__: phase.__code__ for phase in phases}
        return [
            {
                name: sum(
                    stat.ttot
                    for stat in stats
                    if (stat.module, stat.lineno) == (code.co_filename, code.co_firstlineno)
                )
                for name, code in code.items()
            }
        ]


TOOLS = {"edbprof": Edbprof, "cProfile": CProfile, "yappi": Yappi}


def rows(path: str) -> dict:
    with open(path, "rb") as file:
        return marshal.load(file)


def times_by_code(stats: dict, phases: List[Phase]) -> Times:
    """The inclusive times of the phases in a pstats dictionary."""
    times = {}
    for phase in phases:
        code = phase.__code__
        times[phase.__name__] = stats[code.co_filename, code.co_firstlineno, code.co_name][3]
    return times


def main() -> None:
    path, name = sys.argv[1:]
    phases = load(path).PHASES
    try:
        tool = TOOLS[name]()
    except ImportError:
        print(json.dumps({"missing": name}))
        return
    rounds = {phase: rounds_for(phase) for phase in phases}
    true: Dict[str, List[float]] = {phase.__name__: [] for phase in phases}
    for _ in range(TURNS):
        go_idle()
        for phase in phases:
            true[phase.__name__].append(timed(phase, rounds[phase]))
        for phase in phases:
            tool.start()
            phase(rounds[phase])
            tool.stop()
            time.sleep(PHASE_SECONDS / 4)
    medians = {phase: statistics.median(times) for phase, times in true.items()}
    print(json.dumps({"true": medians, "reported": tool.reported(phases)}))


if __name__ == "__main__":
    main()
