"""Decorated coroutines and async generators behave as undecorated ones do.

As in test_decorated_behaviour.py, each scenario is played with both.
"""

from __future__ import annotations

import asyncio
import sys

import pytest
from behaviour import stop_value, swallow
from edbprof_native import profile
from prof_file import files, only_file

# Of generators that ignore being closed; compared where they belong to a scenario.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

# --- coroutines ----------------------------------------------------------------------


class Suspend:
    def __await__(self):
        return (yield "suspended")


async def worker(n, fail=None):
    total = []
    for _ in range(n):
        try:
            total.append(await Suspend())
        except LookupError as error:
            total.append(repr(error))
    if fail:
        raise fail
    return tuple(total)


def drive_worker(f):
    coroutine = f(3)
    return [
        coroutine.send(None),
        coroutine.send("a"),
        coroutine.throw(KeyError("k")),
        stop_value(coroutine, lambda c: c.send("b")),
        swallow(RuntimeError, coroutine.send, None),
    ]


async def cancelled():
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        return "cleaned up"


def cancel(f):
    async def main():
        task = asyncio.ensure_future(f())
        await asyncio.sleep(0)
        task.cancel()
        return await task

    return asyncio.run(main())


COROUTINES = {
    "asyncio": (worker, lambda f: asyncio.run(f(0))),
    "send and throw": (worker, drive_worker),
    "returns a tuple": (worker, lambda f: stop_value(f(0), lambda c: c.send(None))),
    "raises": (worker, lambda f: asyncio.run(f(0, KeyError("x")))),
    "raises StopIteration": (worker, lambda f: f(0, StopIteration(1)).send(None)),
    "send before start": (worker, lambda f: f(1).send(5)),
    "throw before start": (worker, lambda f: f(1).throw(KeyError("early"))),
    "closed before start": (worker, lambda f: f(1).close()),
    "closed": (worker, lambda f: (lambda c: (c.send(None), c.close()))(f(1))),
    "never awaited": (worker, lambda f: f(1) and None),
    "dropped": (worker, lambda f: f(1).send(None)),
    "wrong arguments": (worker, lambda f: f()),
    "awaited twice": (worker, lambda f: asyncio.run(await_twice(f(0)))),
    "cancelled": (cancelled, cancel),
    "kind": (
        worker,
        lambda f: (
            lambda c: (type(c), c.__name__, c.__qualname__, asyncio.iscoroutine(c), c.close())
        )(f(1)),
    ),
}


async def await_twice(coroutine):
    await coroutine
    await coroutine


@pytest.mark.parametrize("function, scenario", COROUTINES.values(), ids=COROUTINES)
def test_coroutines(same, function, scenario):
    same(function, scenario)


def test_never_awaited_is_told_once_with_the_name(same):
    _, told = same(worker, lambda f: f(1) and None)
    assert told == [(RuntimeWarning, "coroutine 'worker' was never awaited")]


# --- async generators ----------------------------------------------------------------


async def stream(n):
    got = []
    try:
        for i in range(n):
            try:
                await asyncio.sleep(0)
                got.append((yield i))
            except LookupError as error:
                got.append(repr(error))
        yield got
    finally:
        await asyncio.sleep(0)
        got.append("finally")


async def failing_stream():
    yield 1
    raise OSError("from inside")


async def stubborn_stream():
    try:
        yield 1
    except GeneratorExit:
        yield 2


async def suppressing_stream():
    try:
        yield 1
    except GeneratorExit:
        return


async def stop_raising_stream(error):
    yield 1
    raise error


async def drive_stream(f):
    s = f(3)
    return [
        await s.__anext__(),
        await s.asend("a"),
        await s.athrow(KeyError("k")),
        await s.asend("b"),
        await swallow_async(StopAsyncIteration, s.asend("c")),
        await swallow_async(StopAsyncIteration, s.__anext__()),
    ]


async def swallow_async(kind, awaitable):
    try:
        return await awaitable
    except kind as error:
        return type(error).__name__


async def first_then(f, *steps):
    s = f
    seen = [await s.__anext__()]
    for step in steps:
        seen.append(await step(s))
    return seen


def run_async(make):
    return lambda f: asyncio.run(make(f))


async def collect(stream_):
    return [value async for value in stream_]


async def loop_over(f):
    seen = []
    async for value in f(3):
        seen.append(value)
        if value == 1:
            break
    return seen


ASYNC_GENERATORS = {
    "to the end": (stream, run_async(lambda f: collect(f(3)))),
    "send and throw": (stream, run_async(drive_stream)),
    "raises": (failing_stream, run_async(lambda f: collect(f()))),
    "aclose": (stream, run_async(lambda f: first_then(f(3), lambda s: s.aclose()))),
    "aclose twice": (
        stream,
        run_async(lambda f: first_then(f(3), lambda s: s.aclose(), lambda s: s.aclose())),
    ),
    "aclose before start": (stream, run_async(lambda f: f(3).aclose())),
    "aclose, ignored": (
        stubborn_stream,
        run_async(lambda f: first_then(f(), lambda s: s.aclose())),
    ),
    "aclose, suppressed": (
        suppressing_stream,
        run_async(lambda f: first_then(f(), lambda s: s.aclose())),
    ),
    "GeneratorExit thrown": (
        stubborn_stream,
        run_async(lambda f: first_then(f(), lambda s: s.athrow(GeneratorExit()))),
    ),
    "GeneratorExit thrown, suppressed": (
        suppressing_stream,
        run_async(lambda f: first_then(f(), lambda s: s.athrow(GeneratorExit()))),
    ),
    "athrow before start": (
        stream,
        run_async(lambda f: f(3).athrow(KeyError("early"))),
    ),
    "athrow after the end": (
        suppressing_stream,
        run_async(
            lambda f: first_then(f(), lambda s: s.aclose(), lambda s: s.athrow(KeyError("late")))
        ),
    ),
    "asend before start": (stream, run_async(lambda f: f(3).asend(5))),
    "raises GeneratorExit": (
        stop_raising_stream,
        run_async(lambda f: first_then(f(GeneratorExit("x")), lambda s: s.__anext__())),
    ),
    "raises StopAsyncIteration": (
        stop_raising_stream,
        run_async(lambda f: collect(f(StopAsyncIteration(1)))),
    ),
    "raises StopIteration": (
        stop_raising_stream,
        run_async(lambda f: collect(f(StopIteration(1)))),
    ),
    "raises CancelledError": (
        stop_raising_stream,
        run_async(
            lambda f: swallow_async(asyncio.CancelledError, collect(f(asyncio.CancelledError())))
        ),
    ),
    "left by break": (stream, run_async(loop_over)),
    "wrong arguments": (stream, lambda f: f()),
    "never started": (stream, lambda f: f(1) and None),
    "kind": (stream, lambda f: (lambda s: (type(s), s.__name__, s.__qualname__))(f(1))),
}


@pytest.mark.parametrize("function, scenario", ASYNC_GENERATORS.values(), ids=ASYNC_GENERATORS)
def test_async_generators(same, function, scenario):
    same(function, scenario)


def test_the_scenarios_are_recorded(tmp_path):
    """What is compared above is compared while recording."""
    decorate = profile(dir=tmp_path)
    asyncio.run(decorate(worker)(0))
    asyncio.run(collect(decorate(stream)(2)))
    decorate.save()
    file = only_file(tmp_path)
    assert [file.calls(name) for name in ("worker", "stream")] == [1] * 2
    assert len(files(tmp_path)) == 1
    assert sys.getprofile() is None


def others():
    pass


def test_only_recorded_while_it_runs(tmp_path):
    """What the event loop and other tasks do meanwhile is nobody's."""
    decorate = profile(dir=tmp_path, save_every_n_calls=0)

    def own():
        pass

    @decorate
    async def task(n):
        for _ in range(n):
            own()
            await asyncio.sleep(0)
        return n

    @decorate
    async def source(n):
        for i in range(n):
            own()
            await asyncio.sleep(0)
            yield i

    async def consumer(n):
        async for _ in source(n):
            others()

    async def other(n):
        for _ in range(n):
            others()
            await asyncio.sleep(0)

    async def main():
        return await asyncio.gather(task(3), other(20), task(4), consumer(5), other(20))

    assert asyncio.run(main()) == [3, None, 4, None, None]
    decorate.save()
    file = only_file(tmp_path)
    assert file.paths()["task",] == 2 and file.paths()["source",] == 1
    assert file.paths()["task", "own"] == 7 and file.paths()["source", "own"] == 5
    assert not {"others", "other", "consumer", "main", "gather", "run_once"} & file.names()
    assert {node.names[0] for node in file.nodes} == {"task", "source"}


def test_a_suspended_generator_records_nothing(tmp_path):
    decorate = profile(dir=tmp_path, save_every_n_calls=0)

    @decorate
    def generator():
        for i in range(3):
            yield i

    for _ in generator():
        others()
    decorate.save()
    file = only_file(tmp_path)
    assert file.paths() == {("generator",): 1}
    assert file.resumes("generator") == 3


def test_two_decorators_on_one_coroutine_function(tmp_path):
    """Each records it; the outer one once recorded no more than its creation."""

    @profile(dir=tmp_path, prefix="a_", save_every_n_calls=0)
    @profile(dir=tmp_path, prefix="b_", save_every_n_calls=0)
    async def task():
        others()
        await asyncio.sleep(0)
        others()

    asyncio.run(task())
    for prefix in ("a_", "b_"):
        profile(dir=tmp_path, prefix=prefix).save()
        file = only_file(tmp_path, prefix + "*")
        assert file.paths()["task", "others"] == 2
        assert file.calls("task") == 1
