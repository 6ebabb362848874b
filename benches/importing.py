"""What importing edbprof_native costs, beside an empty module and cProfile, and what
`edbprof run` adds to the start of a Python process.

    python benches/importing.py [--rounds 20]

CPU time of each, in a process of its own and by turns, files cached; medians.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

IMPORTS = [
    "import empty_module",
    "import edbprof_native",
    "from edbprof_native import profile",
    "import cProfile",
]
STARTS = ["python -c pass", "the same, recorded"]
PROGRAM = """
import sys, time
modules = len(sys.modules)
begin = time.process_time_ns()
{statement}
print(time.process_time_ns() - begin, len(sys.modules) - modules)
"""
#: As `edbprof run` sets it.
SETTING = "threads=1\nbuiltins=1\nchildren=1\nclock=wall\nhook=auto\ndirectory="


def take(program: str, environment: dict[str, str]) -> tuple[float, str]:
    """Milliseconds of CPU time that a process takes from its start to its end, and what it
    prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = subprocess.run(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, check=True
    ).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds * 1e3, told.decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    times: dict[str, list[float]] = {what: [] for what in IMPORTS + STARTS}
    new_modules = {}
    with tempfile.TemporaryDirectory(prefix="edbprof-bench-") as directory:
        Path(directory, "empty_module.py").touch()
        path = os.pathsep.join(filter(None, [directory, os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": ""}
        recorded = {**environment, "EDBPROF_RUN": SETTING + directory}
        for turn in range(options.rounds + 1):
            taken: dict[str, float] = {}
            for statement in IMPORTS:
                _, told = take(PROGRAM.format(statement=statement), environment)
                took, new_modules[statement] = map(int, told.split())
                taken[statement] = took / 1e6
            for start, its_environment in zip(STARTS, (environment, recorded)):
                taken[start], _ = take("pass", its_environment)
            for what, ms in taken.items():
                if turn > 0:  # The first one compiles.
                    times[what].append(ms)
    print(f"Python {sys.version.split()[0]}, {options.rounds} processes each")
    for what in IMPORTS:
        ms = statistics.median(times[what])
        print(f"  {what:36}{ms:8.3f} ms, {new_modules[what]:3} modules")
    for what in STARTS:
        print(f"  {what:36}{statistics.median(times[what]):8.3f} ms")


if __name__ == "__main__":
    main()
