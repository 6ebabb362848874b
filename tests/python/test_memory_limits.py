"""A program that fits its limit of memory fits with at most 16 MiB more under `edbprof run`."""

from __future__ import annotations

import json
import os
import pstats
import subprocess
import sys
from pathlib import Path

import pytest
from edbprof_native._program import find

if not sys.platform.startswith("linux"):
    pytest.skip("Linux tells a process's address space", allow_module_level=True)

MORE = 16 << 10  # KiB

#: Ever new paths, more than a recording with limited memory has nodes for.
PROGRAM = """
import random, re
random.seed(1)
calls = 0

def a(depth): step(depth)
def b(depth): step(depth)
def c(depth): step(depth)
functions = [a, b, c]

def step(depth):
    global calls
    calls += 1
    if depth:
        random.choice(functions)(depth - 1)

for _ in range({paths}):
    step(12)
{then}
peak = re.search(r"VmPeak:\\s+(\\d+)", open("/proc/self/status").read())[1]
print(peak, calls)
"""


def run(command, cwd) -> "list[int]":
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=cwd,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


def profiled(tmp_path: Path, *command: str) -> "list[int]":
    summary = f"--summary-json={tmp_path}/summary.json"
    return run([find(), "run", f"--out={tmp_path}/x.prof", summary, *command], tmp_path)


def recorded(tmp_path: Path) -> int:
    """Calls of `step`, those that had no room in the tree included."""
    rows = pstats.Stats(str(tmp_path / "x.prof")).stats
    return sum(row[1] for (_, _, name), row in rows.items() if name == "step")


def check_all_is_there(tmp_path: Path, calls: int) -> None:
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["dropped_calls"] == 0
    assert recorded(tmp_path) == calls
    assert (summary["killed"], summary["failed"]) == (0, 0)


@pytest.mark.parametrize("then", ["", "held = bytearray(100 << 20)"], ids=["small", "large"])
@pytest.mark.parametrize("paths", [10, 20_000])
def test_address_space(tmp_path, paths, then):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(paths=paths, then=then))
    peak, calls = run([sys.executable, str(program)], tmp_path)
    limited = f'ulimit -v {peak + MORE}; exec "$0" "$1"'
    command = ("bash", "-c", limited, sys.executable, str(program))
    assert profiled(tmp_path, *command)[1] == calls
    check_all_is_there(tmp_path, calls)


def test_a_limit_that_the_program_sets_itself(tmp_path):
    """After its start, when recording has begun."""
    program = tmp_path / "program.py"
    text = PROGRAM.format(paths=1000, then="held = bytearray(100 << 20)")
    program.write_text(text)
    peak, _ = run([sys.executable, str(program)], tmp_path)
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({peak + MORE} << 10,) * 2)\n"
    program.write_text(limit + text)
    _, calls = profiled(tmp_path, sys.executable, str(program))
    check_all_is_there(tmp_path, calls)


def test_no_memory_at_all_in_the_middle(tmp_path):
    """Then calls are dropped, and the program goes on."""
    program = tmp_path / "program.py"
    then = """
import resource
limits = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (1, limits[1]))
for _ in range(3000):
    step(12)
resource.setrlimit(resource.RLIMIT_AS, limits)
"""
    program.write_text(PROGRAM.format(paths=10, then=then))
    _, calls = profiled(tmp_path, sys.executable, str(program))
    summary = json.loads((tmp_path / "summary.json").read_text())
    found = recorded(tmp_path)
    assert found <= calls <= found + summary["dropped_calls"]


@pytest.fixture
def control_group():
    """A directory of a control group of version 1."""
    group = Path(f"/sys/fs/cgroup/memory/edbprof-test-{os.getpid()}")
    try:
        group.mkdir()
    except OSError:
        pytest.skip("control groups of memory can't be made here")
    yield group
    group.rmdir()


@pytest.mark.parametrize("place", ["/tmp", "/dev/shm"])
def test_control_group(tmp_path, monkeypatch, control_group, place):
    """In a tmpfs the pages of the live file are the group's, until somebody removes it."""
    monkeypatch.setenv("TMPDIR", place)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(paths=20_000, then=""))
    join = f'echo $$ > {control_group}/tasks; exec "$0" "$1"'
    command = ("bash", "-c", join, sys.executable, str(program))
    run(command, tmp_path)
    peak = int((control_group / "memory.max_usage_in_bytes").read_text())
    (control_group / "memory.limit_in_bytes").write_text(str(peak + (MORE << 10)))
    _, calls = profiled(tmp_path, *command)
    check_all_is_there(tmp_path, calls)
