"""Measure how long a span takes, from each language, while it is recorded and while it is not.

Builds the extensions in examples/ with the Python that runs this. Each row is the fastest of
several rounds, in nanoseconds for a span without what is in it.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from edbprof_native import Profile, span

ROOT = pathlib.Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
STEPS = 1_000_000


def load(name, directory):
    """The module `solver` of an example, in a process of its own for each: names are the same."""
    if name == "pyo3":
        target = ROOT / "build" / "examples"
        cargo = ["cargo", "build", "--quiet", "--locked", "--release", f"--target-dir={target}"]
        subprocess.run(cargo, cwd=EXAMPLES / name, check=True)
        shutil.copy(target / "release" / "libsolver.so", directory / "solver.so")
    else:
        shutil.copytree(EXAMPLES / name, directory, dirs_exist_ok=True)
        command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
        subprocess.run(command, cwd=directory, check=True)
    sys.path.insert(0, str(directory))
    import solver

    return solver.solve


def in_python(steps):
    one = span("step")
    for _ in range(steps):
        with one:
            pass


def empty(steps):
    for _ in range(steps):
        pass


def function():
    pass


def plain(steps):
    for _ in range(steps):
        function()


def decorated(steps, within=span("step")(function)):
    for _ in range(steps):
        within()


# Each with the same loop without spans.
IN_PYTHON = {"python": (in_python, empty), "decorated": (decorated, plain)}


def fastest(solve, rounds):
    def once():
        start = time.perf_counter_ns()
        solve(STEPS)
        return time.perf_counter_ns() - start

    return min(once() for _ in range(rounds)) / STEPS


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", help="one example, for this process")
    options = parser.parse_args()
    if options.only is None:
        print(f"{'span of':12} {'not recorded':>14} {'recorded':>10}   ns")
        for name in ("cpython", "cython", "pybind11", "pyo3", *IN_PYTHON):
            command = [sys.executable, __file__, f"--rounds={options.rounds}", f"--only={name}"]
            subprocess.run(command, check=True)
        return
    with tempfile.TemporaryDirectory() as directory:
        if options.only in IN_PYTHON:
            solve, without = IN_PYTHON[options.only]
        else:
            solve, without = load(options.only, pathlib.Path(directory)), None

        def added():
            base = 0 if without is None else fastest(without, options.rounds)
            return fastest(solve, options.rounds) - base

        idle = added()
        with Profile(builtins=False):
            recorded = added()
    print(f"{options.only:12} {idle:14.1f} {recorded:10.1f}", flush=True)


if __name__ == "__main__":
    main()
