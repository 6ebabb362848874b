"""Profilers, tracers and debuggers of others, around our recording, in it, and across
its end: they hear all that is theirs, and ours all that is its own.
"""

from __future__ import annotations

import sys

import pytest

MONITORING = sys.version_info >= (3, 12)
HOOKS = ["setprofile", "monitoring"] if MONITORING else ["setprofile"]

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
    if tool in LINES:
        theirs = 3
    assert told.out.splitlines() == [f"{theirs} {ours}"], told
    # Other lines are of the tools.
    assert not [line for line in told.err.splitlines() if line.startswith("edbprof")]


def test_in_every_thread(run):
    """yappi sets and removes the profile functions of all threads at once."""
    pytest.importorskip("yappi")
    run(
        """
        import sys, threading, yappi
        from edbprof_native import Profile
        from prof_file import ProfFile

        def before(): pass
        def during(): pass
        def after(): pass

        def in_thread():
            before()
            turns[0].wait()
            during()
            turns[1].wait()
            turns[2].wait()
            after()

        turns = [threading.Barrier(2) for _ in range(3)]
        recorded = Profile(threads=True)
        with recorded:
            thread = threading.Thread(target=in_thread)
            thread.start()
            yappi.start()
            turns[0].wait()
            turns[1].wait()
            yappi.stop()
            turns[2].wait()
            thread.join()
        assert sys.getprofile() is None
        recorded.save("x.prof")
        calls = [ProfFile("x.prof").calls(name) for name in ("before", "during", "after")]
        assert calls == [1, 1, 1], calls
        assert {s.name: s.ncall for s in yappi.get_func_stats()}["during"] == 1
        """
    )
