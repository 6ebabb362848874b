"""What importing edbprof_native costs, beside an empty module and cProfile.

    python benches/importing.py [--rounds 20]

CPU time of each import, in a process of its own and by turns, files cached; medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

MODULES = ["empty_module", "edbprof_native", "cProfile"]
PROGRAM = """
import sys, time
modules = len(sys.modules)
begin = time.process_time_ns()
import {module}
print(time.process_time_ns() - begin, len(sys.modules) - modules)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    times: dict[str, list[int]] = {module: [] for module in MODULES}
    new_modules = {}
    with tempfile.TemporaryDirectory(prefix="edbprof-bench-") as directory:
        Path(directory, "empty_module.py").touch()
        path = os.pathsep.join(filter(None, [directory, os.environ.get("PYTHONPATH")]))
        for turn in range(options.rounds + 1):
            for module in MODULES:
                told = subprocess.run(
                    [sys.executable, "-c", PROGRAM.format(module=module)],
                    env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": ""},
                    stdout=subprocess.PIPE,
                    check=True,
                ).stdout
                took, new_modules[module] = map(int, told.split())
                if turn > 0:  # The first one compiles.
                    times[module].append(took)
    print(f"Python {sys.version.split()[0]}, {options.rounds} processes each")
    for module in MODULES:
        ms = statistics.median(times[module]) / 1e6
        print(f"  import {module:16}{ms:8.3f} ms, {new_modules[module]:3} modules")


if __name__ == "__main__":
    main()
