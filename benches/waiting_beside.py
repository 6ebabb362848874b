"""Compares what other profilers say about waiting with what each program measures itself.

The programs are those of waiting.py. yappi and cProfile have one clock at a time, so each program
runs twice, and what the wall clock has more than the processor's counts as waiting. py-spy counts
samples of the function, or of its caller for functions of C, in which the thread was idle; and
with --gil those in which it did not hold the lock. Tachyon counts samples in its modes wall and cpu.

    pip install yappi py-spy
    python benches/waiting_beside.py
    python benches/waiting_beside.py sleeping spinning
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

from waiting import COMMON, PROGRAMS, measure

#: Samples of py-spy in a second.
RATE = 200
#: Callers of the functions of C, whose time py-spy has there.
CALLERS = {"time.sleep": "work", "acquire": "main", "posix.read": "main", "posix.pread": "main"}

#: The plain name of a function, also of `<method 'acquire' of '_thread.lock' objects>`.
PLAIN_NAME = """
import re

def plain(name):
    method = re.search(r"method '(\\w+)'", name)
    return method[1] if method else name.rstrip(">").split()[-1].split(".")[-1]
"""

YAPPI = (
    PLAIN_NAME
    + """
import yappi
yappi.set_clock_type(sys.argv[2])
yappi.start(builtins=True)
main()
yappi.stop()
own = {}
for stat in yappi.get_func_stats():
    name = plain(stat.name)
    own[name] = own.get(name, 0) + stat.tsub
print(json.dumps([known, waits, own]))
"""
)

CPROFILE = (
    PLAIN_NAME
    + """
import cProfile, pstats
clocks = {"wall": (), "cpu": (time.thread_time,)}
profile = cProfile.Profile(*clocks[sys.argv[2]])
profile.runcall(main)
own = {}
for (file, line, name), (_, _, self_time, _, _) in pstats.Stats(profile).stats.items():
    name = plain(name)
    own[name] = own.get(name, 0) + self_time
print(json.dumps([known, waits, own]))
"""
)

PLAIN = "\nmain()\nprint(json.dumps([known, waits]))\n"


def program(name: str, end: str) -> str:
    text = COMMON.replace("from edbprof_native import Profile\n", "")
    text = text[: text.index("profile = Profile(")].replace("{program}", PROGRAMS[name][2])
    return text + end


def by_two_clocks(name: str, end: str) -> Tuple[float, Optional[float]]:
    """Known waiting, and by the two clocks, in ms; None if the function is not there."""
    own: Dict[str, Optional[float]] = {}
    known = 0
    for clock in ("wall", "cpu"):
        with tempfile.TemporaryDirectory() as directory:
            script = Path(directory, "program.py")
            script.write_text(program(name, end))
            command = [sys.executable, str(script), "unused", clock]
            last = subprocess.check_output(command, encoding="utf-8").splitlines()[-1]
        found, _, times = json.loads(last)
        known = found if clock == "wall" else known
        own[clock] = times.get(PROGRAMS[name][0].split(".")[-1])
    wall, cpu = own["wall"], own["cpu"]
    waiting = None if wall is None else 1e3 * (wall - (cpu or 0))
    return known / 1e6, waiting


#: Takes a program, a directory and a mode. Gives the known milliseconds of waiting, and the samples
#: of each innermost function.
Samples = Callable[[Path, str, str], Tuple[float, Dict[str, int]]]


def counted(
    out: str, stacks: Path, function_of: Callable[[str], str]
) -> Tuple[float, Dict[str, int]]:
    """Reads what a program has printed, and the folded stacks of a sampler."""
    known = [line for line in out.splitlines() if line.startswith("[")]
    counts: Dict[str, int] = {}
    for line in stacks.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        leaf = function_of(stack.split(";")[-1])
        counts[leaf] = counts.get(leaf, 0) + int(count)
    return json.loads(known[-1])[0] / 1e6, counts


def pyspy_samples(script: Path, directory: str, option: str) -> Tuple[float, Dict[str, int]]:
    raw = Path(directory, "raw.txt")
    command = [
        str(Path(sys.executable).with_name("py-spy")),
        "record",
        "--format=raw",
        f"--rate={RATE}",
        "--output",
        str(raw),
        option,
    ]
    out = subprocess.run(
        [*command, "--", sys.executable, str(script), "unused"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        check=False,
    ).stdout
    return counted(out, raw, lambda frame: frame.partition(" ")[0])


def caller(name: str) -> str:
    """The function that samplers have instead of a function of C."""
    function = CALLERS.get(PROGRAMS[name][0], PROGRAMS[name][0])
    is_there = function != "work" or "def work" in PROGRAMS[name][2]
    return function if is_there else "main"


def by_samples(
    name: str, samples: Samples, modes: Tuple[str, str], rate: int
) -> Tuple[float, Optional[float]]:
    """The waiting: samples of the first mode that are not among those of the second."""
    function = caller(name)
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory, "program.py")
        script.write_text(program(name, PLAIN))
        known, everything = samples(script, directory, modes[0])
        _, running = samples(script, directory, modes[1])
    waiting = everything.get(function, 0) - running.get(function, 0)
    return known, waiting * 1e3 / rate


#: Tachyon is in the standard library from here on.
TACHYON_PYTHON = "python3.15"
TACHYON_RATE = 1000


def tachyon_samples(script: Path, directory: str, mode: str) -> Tuple[float, Dict[str, int]]:
    collapsed = Path(directory, "collapsed.txt")
    command = [TACHYON_PYTHON, "-m", "profiling.sampling", "run", "-a", f"-r{TACHYON_RATE}"]
    command += ["--mode", mode, "--collapsed", "-o", str(collapsed), str(script), "unused"]
    out = subprocess.check_output(command, encoding="utf-8", stderr=subprocess.DEVNULL)
    # Frames are such as `program.py:work:5` or `<GC>`.
    return counted(out, collapsed, lambda frame: frame.rpartition(":")[0].rpartition(":")[2])


def by_edbprof(name: str) -> Tuple[float, Optional[float]]:
    result = measure(name)
    return result.known / 1e6, result.reported / 1e6


TOOLS: Dict[str, Callable[[str], Tuple[float, Optional[float]]]] = {
    "edbprof": by_edbprof,
    "yappi": lambda name: by_two_clocks(name, YAPPI),
    "cProfile": lambda name: by_two_clocks(name, CPROFILE),
    "py-spy --gil": lambda name: by_samples(name, pyspy_samples, ("--idle", "--gil"), RATE),
    "Tachyon": lambda name: by_samples(name, tachyon_samples, ("wall", "cpu"), TACHYON_RATE),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", nargs="*", help=", ".join(PROGRAMS))
    parser.add_argument("--tools", default=",".join(TOOLS))
    arguments = parser.parse_args()
    names: List[str] = arguments.programs or list(PROGRAMS)
    tools = arguments.tools.split(",")
    print("| program | " + " | ".join(tools) + " |")
    print("|---|" + "---|" * len(tools))
    for name in names:
        cells = []
        for tool in tools:
            known, found = TOOLS[tool](name)
            cells.append("-" if found is None else f"{found:.1f} of {known:.1f}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
