"""A decorated function beside cProfile's enable and disable around each call."""

from __future__ import annotations

import atexit
import os
import shutil
import statistics
import tempfile
from typing import Callable

DIRECTORY = tempfile.mkdtemp(prefix="edbprof-bench-")
atexit.register(shutil.rmtree, DIRECTORY)  # Runs after edbprof's own, which saves.

from cProfile import Profile  # noqa: E402  see above

from edbprof_native import profile  # noqa: E402  see above
from tools import go_idle  # noqa: E402  see above

ROUNDS = 3


def two_lines(a: int) -> int:
    b = a + 1
    return b


def measure_decorated(calls: int, clock: Callable[[], int]) -> dict[str, float]:
    """With the decorator's defaults, so each call that has returned is in the live file."""
    decorated = profile(dir=DIRECTORY)(two_lines)
    theirs = Profile()

    def plain() -> None:
        for i in range(calls):
            two_lines(i)

    def ours() -> None:
        for i in range(calls):
            decorated(i)

    def cprofile() -> None:
        for i in range(calls):
            theirs.enable()
            two_lines(i)
            theirs.disable()

    ours()
    assert [name for name in os.listdir(DIRECTORY) if name.endswith(".live")]
    times: dict[str, list[float]] = {"plain": [], "ours": [], "cprofile": []}
    for _ in range(ROUNDS):
        for function in (plain, ours, cprofile):
            go_idle()
            begin = clock()
            function()
            times[function.__name__].append((clock() - begin) / calls / 1e3)
    go_idle()
    medians = {name: statistics.median(values) for name, values in times.items()}
    us, theirs_us = (medians[name] - medians["plain"] for name in ("ours", "cprofile"))
    return {"us": us, "cProfile_us": theirs_us, "of_cprofile": us / theirs_us}
