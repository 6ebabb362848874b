"""Generators and coroutines of Cython, whose frames are made for the event alone.

Up to 3.12 nothing tells a start from a resumption, so each step counts as a call, as in cProfile.
"""

from __future__ import annotations

import cProfile
import gc
import sys
import threading
from pathlib import Path

import pytest
from edbprof_native import Profile
from extensions import build, load

pytest.importorskip("Cython")

SOURCE = Path(__file__).with_name("cython_ext")
#: Cython 3.1 gives sys.monitoring's events, which tell starts, from 3.13 on.
HAS_STARTS = sys.version_info >= (3, 13)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The built extension."""
    return load("generators", build("cython_ext", tmp_path_factory.mktemp("cython_ext")))


def drive(coroutine):
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        pass


def swallow(function):
    with pytest.raises(ValueError, match="x"):
        function()


class Suspends:
    def __await__(self):
        yield 1
        return 5


async def consume(made):
    return [each async for each in made.agen(4)]


def in_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def goes_on_in_a_thread(made):
    generator = made.gen(3)
    next(generator)
    in_thread(lambda: list(generator))


def is_closed_in_a_thread(made):
    generator = made.gen(3)
    next(generator)
    in_thread(generator.close)


def is_collected(made):
    generator = made.gen(3)
    next(generator)
    del generator
    gc.collect()


def catches(made):
    generator = made.catching()
    next(generator)
    generator.throw(KeyError())


#: Calls: those of the first function named, by its starts and by its steps.
CASES = {
    "gen": (lambda made: [list(made.gen(3)) for _ in range(10)], 10, 40),
    "raising": (lambda made: [swallow(lambda: list(made.raising(2))) for _ in "abcd"], 4, 12),
    "nones": (lambda made: list(made.nones(3)), 1, 4),
    "delegating": (lambda made: list(made.delegating(3)), 1, 2),
    "genexpr": (lambda made: made.genexp(4), 1, 5),
    "co": (lambda made: drive(made.co(Suspends())), 1, 2),
    "raising_co": (lambda made: swallow(lambda: drive(made.raising_co())), 1, 1),
    "agen": (lambda made: drive(consume(made)), 1, 5),
}


def counts(profiler):
    """The Cython functions' calls, and who called them how often."""
    profiler.create_stats()
    return {
        label[2]: (row[1], {caller[2]: calls[0] for caller, calls in row[4].items()})
        for label, row in profiler.stats.items()
        if "pyx" in label[0]
    }


def recorded(function, made):
    hook = "auto" if HAS_STARTS else "setprofile"
    profiler = Profile(hook=hook)
    profiler.runcall(function, made)
    return counts(profiler)


@pytest.mark.parametrize("name", CASES)
def test_calls(made, name):
    function, starts, steps = CASES[name]
    assert recorded(function, made)[name][0] == (starts if HAS_STARTS else steps)


OTHERS = [goes_on_in_a_thread, is_closed_in_a_thread, is_collected, catches]


def name_of(function):
    """Its own name, because the repr differs between the workers of pytest-xdist."""
    return function.__name__


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="cProfile sees other events")
@pytest.mark.parametrize(
    "function",
    [*(case[0] for case in CASES.values()), *OTHERS],
    ids=[*CASES, *map(name_of, OTHERS)],
)
def test_as_cprofile(made, function):
    profiler = cProfile.Profile()
    profiler.runcall(function, made)
    assert recorded(function, made) == counts(profiler)


@pytest.mark.parametrize("function", OTHERS, ids=name_of)
def test_no_step_fails_or_is_a_call_too_many(made, function):
    """From 3.13 on, where Cython reports that a step raises while the exception is pending."""
    (calls,) = (row[0] for name, row in recorded(function, made).items() if name != "leaf")
    assert calls == 1 or not HAS_STARTS
