"""How fast many files are aggregated, and in how much memory.

    python benches/aggregate --edbprof PROGRAM [--plain 1000] [--functions 5000] [--small 20000]
                             [--giant 370000] [--unlike 1082] [--trees 200] [--nodes 250000]
                             [--rounds 3] [--json FILE]

A set of 0 files is left out. The giant file has that many functions; the unlike files have
functions of their own, a tenth each. All results are written. The plain sets are also read by
pstats.Stats(*files), which then writes two results: dump_stats and print_stats. Sets are kept, in
build/bench.
"""

from __future__ import annotations

import argparse
import functools
import json
import multiprocessing
import os
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Callable

import plain
from program import Program
from trees import Tree

SETS = Path("build/bench/aggregate")

PSTATS = """
import pstats, sys
results, *files = sys.argv[1:]
files = open(files[0]).read().splitlines()
with open(results + '.pstats', 'w') as table:
    stats = pstats.Stats(*files, stream=table)
    stats.dump_stats(results + '.prof')
    stats.sort_stats('cumulative').print_stats()
"""

# Runs a program and says what it took. What a process had before it became that program
# counts for its most memory: here that is a bare Python's, some 8 MB, and not this one's.
BETWEEN = """
import os, sys, time
begin = time.perf_counter()
stdout_to_stderr = [(os.POSIX_SPAWN_DUP2, 2, 1)]
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=stdout_to_stderr)
_, status, usage = os.wait4(pid, 0)
print(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status) != 0)
"""

# Wall time, and processors' time, which other work on the machine changes less.
UNITS = ("s", "cpu_s")

# Functions of each of the small files, a script of some moments.
SMALL_FUNCTIONS = 60

# Functions of each of the files that have some of their own, and their share everywhere.
UNLIKE_FUNCTIONS = 3000
EVERYWHERE = 0.9
# Exponent with which a function of the giant file has two callers, on average.
GIANT_CALLERS = 1.8


def made(name: str, count: int, write: Callable[[], Callable[[Path, int], None]]) -> Path:
    """The directory with the set of that name, made where it is not there yet."""
    directory = SETS / name
    complete = directory / "complete"
    if not complete.exists():
        print(f"making {directory} ...", flush=True)
        directory.mkdir(parents=True, exist_ok=True)
        files = [(directory / f"edbprof_{number}.prof", number) for number in range(count)]
        with multiprocessing.get_context("fork").Pool() as pool:
            pool.starmap(write(), files, chunksize=4)
        complete.touch()
    return directory


def run(command: list[str]) -> tuple[float, float, float]:
    """Seconds that it took, of processors' time too, and the most memory it had, MB."""
    between = subprocess.run(
        [sys.executable, "-I", "-S", "-c", BETWEEN, *command], stdout=subprocess.PIPE
    )
    if between.returncode:
        sys.exit(f"{command[:3]} failed: {between.returncode}")
    took, cpu, memory = map(float, between.stdout.split())
    return took, cpu, memory / 1024


def measure(directory: Path, options: argparse.Namespace, with_pstats: bool) -> dict:
    """Both by turns; of edbprof the median."""
    size = sum(path.stat().st_size for path in directory.iterdir())
    out = SETS / "out"
    ours = [options.edbprof, "--quiet", "--out", f"{out}_edbprof.prof"]
    runs = [run([*ours, str(directory)])]
    found = {"MB": size / 1e6}
    if with_pstats:
        # 20,000 paths are more than a command line holds.
        files = SETS / "files.txt"
        files.write_text("\n".join(map(str, sorted(directory.glob("*.prof")))))
        took, cpu, memory = run([sys.executable, "-c", PSTATS, f"{out}_pstats", str(files)])
        found.update({"pstats_s": took, "pstats_cpu_s": cpu, "pstats_MB": memory})
    runs += [run([*ours, str(directory)]) for _ in range(options.rounds - 1)]
    found["edbprof_s"] = median(took for took, _, _ in runs)
    found["edbprof_cpu_s"] = median(cpu for _, cpu, _ in runs)
    found["edbprof_MB"] = max(memory for _, _, memory in runs)
    return found


def describe(tool: str, found: dict) -> str:
    took, cpu, memory = (found[f"{tool}_{unit}"] for unit in (*UNITS, "MB"))
    return f"{tool} {took:.2f} s ({cpu:.2f} s of processors), {memory:,.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edbprof", required=True, help="the program")
    parser.add_argument("--plain", type=int, default=1000, help="plain files")
    parser.add_argument("--functions", type=int, default=5000, help="functions of each")
    parser.add_argument("--small", type=int, default=20_000, help="small plain files")
    parser.add_argument("--giant", type=int, default=370_000, help="functions of one large file")
    parser.add_argument("--unlike", type=int, default=1082, help="plain files that differ")
    parser.add_argument("--trees", type=int, default=200, help="files with trees")
    parser.add_argument("--nodes", type=int, default=250_000, help="nodes of each")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()

    def plain_set(functions: int) -> Callable[[Path, int], None]:
        return functools.partial(plain.write, Program(functions * 2, functions))

    def giant() -> Callable[[Path, int], None]:
        program = Program(options.giant, options.giant, fewness=GIANT_CALLERS)
        return functools.partial(plain.write, program)

    def unlike() -> Callable[[Path, int], None]:
        everywhere = int(UNLIKE_FUNCTIONS * EVERYWHERE)
        own = options.unlike * (UNLIKE_FUNCTIONS - everywhere)
        program = Program(everywhere + own, UNLIKE_FUNCTIONS, EVERYWHERE)
        return functools.partial(plain.write, program)

    def tree_set() -> Callable[[Path, int], None]:
        tree = Tree(Program(6000, 6000), options.nodes)
        return functools.partial(tree.write, nodes=options.nodes)

    sets = {
        f"plain-{options.plain}x{options.functions}": (
            options.plain,
            lambda: plain_set(options.functions),
        ),
        f"plain-{options.small}x{SMALL_FUNCTIONS}": (
            options.small,
            lambda: plain_set(SMALL_FUNCTIONS),
        ),
        f"plain-giant-{options.giant}": (min(options.giant, 1), giant),
        f"plain-unlike-{options.unlike}": (options.unlike, unlike),
        f"trees-{options.trees}x{options.nodes}": (options.trees, tree_set),
    }
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors")
    results = {}
    for name, (count, write) in sets.items():
        if not count:
            continue
        directory = made(name, count, write)
        with_pstats = name.startswith("plain")
        found = results[name] = measure(directory, options, with_pstats)
        line = describe("edbprof", found)
        if with_pstats:
            times = {unit: found[f"pstats_{unit}"] / found[f"edbprof_{unit}"] for unit in UNITS}
            line += f"; {describe('pstats', found)}: {times['s']:.1f} times the time"
            line += f", {times['cpu_s']:.1f} times that of processors"
        line = f"{name} ({found['MB']:,.0f} MB): {line}"
        print(line, flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
