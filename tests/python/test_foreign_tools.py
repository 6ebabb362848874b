"""Profilers, tracers and debuggers of others, around our recording, in it, and across
its end: they hear all that is theirs, and ours says so where it can't hear everything.
"""

from __future__ import annotations

import sys

import pytest

MONITORING = sys.version_info >= (3, 12)
HOOKS = ["setprofile", "monitoring"] if MONITORING else ["setprofile"]

# Up to 3.11 there is one profile function a thread, and who sets it later has it. From
# 3.12 on cProfile and VizTracer have places of their own in sys.monitoring.
TAKE_THE_PROFILE_FUNCTION = {"yappi"} if MONITORING else {"yappi", "viztracer"}
LINES = {"coverage", "coverage by sys.monitoring"}

tools = pytest.mark.parametrize(
    "tool",
    [
        "yappi",
        "viztracer",
        "cProfile",
        "settrace",
        "coverage",
        pytest.param(
            "coverage by sys.monitoring",
            marks=pytest.mark.skipif(not MONITORING, reason="sys.monitoring is new in 3.12"),
        ),
    ],
)


@pytest.mark.parametrize("hook", HOOKS)
@tools
@pytest.mark.parametrize(
    "where, theirs, ours", [("around", 7, 2), ("inside", 2, 7), ("across", 6, 3)]
)
def test_both_count(run, hook, tool, where, theirs, ours):
    if tool not in ("cProfile", "settrace"):
        pytest.importorskip(tool.split()[0])
    told = run("foreign_tool.py", hook, tool, where, err=None)
    robbed = hook == "setprofile" and tool in TAKE_THE_PROFILE_FUNCTION and where != "around"
    if tool in LINES:
        theirs = 3
    if robbed:
        ours = 1  # What was called before.
    assert told.out.splitlines() == [f"{theirs} {ours}"], told
    # Other lines are of the tools.
    ours = [line for line in told.err.splitlines() if line.startswith("edbprof")]
    assert len(ours) == robbed
    assert all("another profiler was switched on" in line for line in ours)
