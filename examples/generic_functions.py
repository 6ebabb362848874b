"""Three callers of one generic function, under cProfile and under edbprof.

    python examples/generic_functions.py DIRECTORY

writes before.prof (cProfile's) and after.prof (edbprof's) to that directory;
docs/guide/generic-functions.md shows the flame graph of each. The clock is made up, so that the
figures are the same each time: milliseconds that the functions claim to take.
"""

from __future__ import annotations

import cProfile
import functools
import sys
from pathlib import Path

from edbprof_native import Profile, tracing_singledispatch

milliseconds = 0


def clock() -> int:
    return milliseconds


@functools.singledispatch
def S(value: object) -> None:
    raise TypeError(f"no S of {type(value).__name__}")


@S.register(int)
def F1(value: int) -> None:
    global milliseconds
    milliseconds += 10


@S.register(str)
def F2(value: str) -> None:
    global milliseconds
    milliseconds += 20


@S.register(list)
def F3(value: list[int]) -> None:
    global milliseconds
    milliseconds += 50


def A() -> None:
    for number in range(3):
        S(number)


def B() -> None:
    S(1)
    S("some")
    S("text")


def C() -> None:
    S("text")
    S([1, 2])


def main() -> None:
    A()
    B()
    C()


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    before = cProfile.Profile(clock, 0.001)
    before.runcall(main)
    before.dump_stats(directory / "before.prof")

    tracing_singledispatch.patch_functools()
    with Profile(clock, 0.001) as after:
        main()
    after.save(directory / "after.prof")
