"""Compares the waiting that edbprof reports with waiting that each program measures itself.

Each program runs alone, under a Profile. It reads the monotonic clock and its thread's processor
time around whatever waits: the difference is what its functions should have as waiting, of the
kind that the program is about.

    .venv-3.13/bin/python benches/waiting.py
    .venv-3.13/bin/python benches/waiting.py --rounds 5 sleeping spinning
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

#: Reported waiting may differ by this share, or by so much for each wait.
SHARE = 0.03
NS_A_WAIT = 20_000

COMMON = """
import json, os, subprocess, sys, threading, time
from edbprof_native import Profile

known, waits = 0, 0
mutex = threading.Lock()

def off():
    return time.perf_counter_ns() - time.thread_time_ns()

def add(since, number=1):
    global known, waits
    passed = off() - since
    with mutex:
        known, waits = known + passed, waits + number

def spin(loops):
    # No call in it: a system call would be where the processor is taken away.
    for _ in range(loops):
        pass

def join(target, number):
    threads = [threading.Thread(target=target) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

{program}

profile = Profile(threads=True)
profile.runcall(main)
profile.dump_stats(sys.argv[1])
print(json.dumps([known, waits]))
"""

#: Function and kind of the waiting, and the program, whose main() is recorded with its threads.
PROGRAMS: Dict[str, Tuple[str, str, str]] = {
    "sleeping": (
        "time.sleep",
        "blocked",
        """
def main():
    for _ in range(50):
        since = off()
        time.sleep(0.01)
        add(since)
""",
    ),
    "sleep(0)": (
        "time.sleep",
        "blocked",
        """
def main():
    for _ in range(20_000):
        since = off()
        time.sleep(0)
        add(since)
""",
    ),
    "spinning": (
        "spin",
        "all",
        """
def main():
    since = off()
    spin(30_000_000)
    add(since, 100)
""",
    ),
    "two spinning threads": (
        "spin",
        "all",
        """
def work():
    since = off()
    spin(15_000_000)
    add(since, 100)

def main():
    join(work, 2)
""",
    ),
    "lock, acquire": (
        "acquire",
        "blocked",
        """
def main():
    lock = threading.Lock()
    def hold():
        for _ in range(50):
            with lock:
                time.sleep(0.01)
            time.sleep(0.002)
    holder = threading.Thread(target=hold)
    holder.start()
    while holder.is_alive():
        time.sleep(0.003)
        since = off()
        lock.acquire()
        add(since)
        lock.release()
    holder.join()
""",
    ),
    "lock, with": (
        "take",
        "all",
        """
def take(lock):
    with lock:
        pass

def main():
    lock = threading.Lock()
    def hold():
        for _ in range(50):
            with lock:
                time.sleep(0.01)
            time.sleep(0.002)
    holder = threading.Thread(target=hold)
    holder.start()
    while holder.is_alive():
        time.sleep(0.003)
        since = off()
        take(lock)
        add(since)
    holder.join()
""",
    ),
    "pipe to a child": (
        "posix.read",
        "blocked",
        """
CHILD = "import os, time\\nfor _ in range(50):\\n time.sleep(0.01)\\n os.write(1, b'.')"

def main():
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE)
    descriptor = child.stdout.fileno()
    while True:
        since = off()
        got = os.read(descriptor, 1)
        add(since)
        if not got:
            break
    child.wait()
""",
    ),
    "page cache": (
        "posix.pread",
        "all",
        """
def main():
    descriptor = os.open(sys.executable, os.O_RDONLY)
    for _ in range(20_000):
        since = off()
        os.pread(descriptor, 4096, 0)
        add(since)
""",
    ),
    "64 threads": (
        "time.sleep",
        "blocked",
        """
def work():
    for _ in range(20):
        since = off()
        time.sleep(0.01)
        add(since)

def main():
    join(work, 64)
""",
    ),
    "competitor": (
        "spin",
        "preempted",
        """
def main():
    one = {min(os.sched_getaffinity(0))}
    os.sched_setaffinity(0, one)
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        since = off()
        spin(30_000_000)
        add(since, 100)
    finally:
        other.kill()
        other.wait()
""",
    ),
}


KINDS = ("blocked_ns", "gil_ns", "preempted_ns")


class Result(NamedTuple):
    """Waiting that the program knows of, that edbprof reports by kind, and the number of waits."""

    known: int
    parts: List[int]
    reported: int
    waits: int

    @property
    def error(self) -> int:
        return self.reported - self.known

    @property
    def is_within(self) -> bool:
        return abs(self.error) <= max(SHARE * self.known, NS_A_WAIT * self.waits)


def measure(name: str) -> Result:
    function, kind, program = PROGRAMS[name]
    with tempfile.TemporaryDirectory() as directory:
        recorded = Path(directory, "waiting.prof")
        script = Path(directory, "program.py")
        script.write_text(COMMON.replace("{program}", program))
        command = [sys.executable, str(script), str(recorded)]
        known, waits = json.loads(subprocess.check_output(command))
        command = [sys.executable, "-m", "edbprof", "top", "--json", "--limit=100000"]
        functions = json.loads(subprocess.check_output([*command, str(recorded)]))["functions"]
    parts = [0, 0, 0]
    for row in functions:
        if function in (row["name"], row["name"].split(".")[-1]):
            waiting = row.get("waiting", {})
            parts = [part + waiting.get(kind, 0) for part, kind in zip(parts, KINDS)]
    is_meant = [kind in ("all", of.split("_")[0]) for of in KINDS]
    reported = sum(part for part, is_meant in zip(parts, is_meant) if is_meant)
    return Result(known, parts, reported, waits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", nargs="*", help=", ".join(PROGRAMS))
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print("| program | waits | known, ms | blocked | GIL | preempted | difference | within |")
    print("|---|---|---|---|---|---|---|---|")
    names: List[str] = arguments.programs or list(PROGRAMS)
    failed = 0
    for name in names:
        rounds = [measure(name) for _ in range(arguments.rounds)]
        median = sorted(rounds, key=lambda of: abs(of.error))[len(rounds) // 2]
        failed += not median.is_within
        parts = " | ".join(f"{part / 1e6:.1f}" for part in median.parts)
        print(
            f"| {name} | {median.waits:,} | {median.known / 1e6:.1f} | {parts} "
            f"| {median.error / 1e6:+.1f} ms | {'yes' if median.is_within else '**no**'} |"
        )
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
