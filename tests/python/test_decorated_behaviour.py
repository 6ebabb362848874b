"""A decorated function behaves as the function does.

Each scenario is played with both, and all that can be seen of it must be the same:
results, exceptions, what StopIteration carries, the warnings.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import types
import warnings

import pytest
from edbprof_native import profile
from prof_file import files, only_file


def observe(action):
    """What comes of a call, so that it can be compared."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            outcome = ("returned", action())
        except BaseException as error:
            outcome = ("raised", type(error), error.args, chain(error))
        gc.collect()
    return outcome, [(w.category, str(w.message)) for w in caught]


def chain(error):
    """The exceptions behind one, by cause and context."""
    links = []
    while error is not None:
        links.append((type(error), str(error), error.__suppress_context__))
        error = error.__cause__ or error.__context__
    return links


@pytest.fixture
def same(tmp_path):
    """Plays a scenario with the function and with the decorated one."""

    def same(function, scenario):
        expected = observe(lambda: scenario(function))
        once = profile(dir=tmp_path)(function)
        assert observe(lambda: scenario(once)) == expected
        twice = profile(dir=tmp_path, prefix="another_")(once)
        assert observe(lambda: scenario(twice)) == expected
        return expected

    return same


# --- plain functions ----------------------------------------------------------------


def plain(a, b=2, *rest, c, d=4, **more):
    """Doc."""
    return a, b, rest, c, d, more


CALLS = {
    "all kinds of arguments": lambda f: f(1, 3, 5, c=6, e=7),
    "by keyword": lambda f: f(c=1, a=2),
    "unpacked": lambda f: f(*[1, 2, 3], **{"c": 1, "x y": 2}),
    "missing keyword-only": lambda f: f(1),
    "missing all": lambda f: f(),
    "twice": lambda f: f(1, a=1, c=1),
    "not a str": lambda f: f(1, **{1: 2}),
}


@pytest.mark.parametrize("scenario", CALLS.values(), ids=CALLS)
def test_arguments(same, scenario):
    same(plain, scenario)


def test_exception_is_the_same_with_its_traceback(tmp_path):
    """No frame of the profiler's stands in the traceback."""

    def failing():
        raise KeyError("x") from ValueError("y")

    error = KeyError("made outside")

    def passing():
        raise error

    def frames_of(function, expected):
        try:
            function()
        except KeyError as caught:
            assert expected is None or caught is expected
            walk = caught.__traceback__
            names = []
            while walk:
                names.append((walk.tb_frame.f_code.co_name, walk.tb_lineno))
                walk = walk.tb_next
            caught.__traceback__ = None
            return names, chain(caught)

    for function, expected in ((failing, None), (passing, error)):
        decorated = profile(dir=tmp_path)(function)
        assert frames_of(decorated, expected) == frames_of(function, expected)


def test_the_result_is_the_very_object(tmp_path):
    result = object()
    assert profile(dir=tmp_path)(lambda: result)() is result


def test_recursion_error(same):
    def forever(n):
        return call(n + 1)

    def scenario(function):
        nonlocal call
        call = function
        function(0)

    call = None
    outcome, _ = same(forever, lambda f: swallow(RecursionError, scenario, f))
    assert outcome == ("returned", "RecursionError")


def swallow(kind, function, *arguments):
    try:
        return function(*arguments)
    except kind as error:
        return type(error).__name__


# --- generators ----------------------------------------------------------------------


def echo(n):
    got = []
    try:
        for i in range(n):
            try:
                got.append((yield i))
            except LookupError as error:
                got.append(repr(error))
    finally:
        got.append("finally")
    return got


def stubborn():
    try:
        yield 1
    except GeneratorExit:
        yield 2


def returning_on_close():
    try:
        yield 1
    except GeneratorExit:
        return "closed"


def failing_on_close():
    try:
        yield 1
    finally:
        raise OSError("on close")


def raising_stop_iteration():
    yield 1
    raise StopIteration("explicit")


def stop_value(generator, step):
    try:
        return step(generator)
    except StopIteration as stop:
        return "stop", stop.value, stop.args


def all_of(generator):
    seen = []
    while True:
        try:
            seen.append(next(generator))
        except StopIteration as stop:
            return seen, stop.value


def drive_echo(f):
    generator = f(4)
    return [
        next(generator),
        generator.send("a"),
        generator.throw(KeyError("k")),
        generator.throw(IndexError("i")),
        stop_value(generator, lambda g: g.send("last")),
        stop_value(generator, next),
        stop_value(generator, lambda g: g.send(5)),
    ]


def delegate(f):
    def outer():
        result = yield from f(2)
        yield result

    return list(outer())


GENERATORS = {
    "to the end": (echo, lambda f: all_of(f(3))),
    "send and throw": (echo, drive_echo),
    "empty": (echo, lambda f: all_of(f(0))),
    "send before start": (echo, lambda f: f(1).send(5)),
    "throw before start": (echo, lambda f: f(1).throw(KeyError("early"))),
    "throw a class": (echo, lambda f: (lambda g: (next(g), g.throw(ValueError)))(f(1))),
    "throw nonsense": (echo, lambda f: (lambda g: (next(g), g.throw(5)))(f(1))),
    "close before start": (echo, lambda f: f(1).close()),
    "close": (echo, lambda f: (lambda g: (next(g), g.close(), g.close()))(f(2))),
    "close, then next": (echo, lambda f: (lambda g: (next(g), g.close(), all_of(g)))(f(2))),
    "close, which fails": (failing_on_close, lambda f: (lambda g: (next(g), g.close()))(f())),
    "close, which returns": (returning_on_close, lambda f: (lambda g: (next(g), g.close()))(f())),
    "close, ignored": (stubborn, lambda f: (lambda g: (next(g), g.close()))(f())),
    "GeneratorExit thrown": (stubborn, lambda f: (lambda g: (next(g), g.throw(GeneratorExit)))(f())),
    "dropped": (echo, lambda f: next(f(2))),
    "StopIteration inside": (raising_stop_iteration, lambda f: list(f())),
    "yield from": (echo, delegate),
    "wrong arguments": (echo, lambda f: f()),
    "iteration by C": (echo, lambda f: (list(f(3)), sum(f(3)), sorted(f(3)))),
    "throw after the end": (echo, lambda f: (lambda g: (list(g), g.throw(KeyError("late"))))(f(1))),
    "state": (
        echo,
        lambda f: (lambda g: (inspect.getgeneratorstate(g), next(g), inspect.getgeneratorstate(g)))(
            f(1)
        ),
    ),
    "kind": (
        echo,
        lambda f: (lambda g: (type(g), inspect.isawaitable(g), g.__name__, g.__qualname__))(f(1)),
    ),
}


@pytest.mark.parametrize("function, scenario", GENERATORS.values(), ids=GENERATORS)
def test_generators(same, function, scenario):
    same(function, scenario)


def test_iterable_coroutines_stay_awaitable(same):
    @types.coroutine
    def switch():
        return (yield "switched")

    async def main(f):
        return await f()

    def scenario(f):
        coroutine = main(f)
        return [
            inspect.isawaitable(f()),
            coroutine.send(None),
            stop_value(coroutine, lambda c: c.send("x")),
        ]

    outcome, _ = same(switch, scenario)
    assert outcome == ("returned", [True, "switched", ("stop", "x", ("x",))])


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
        run_async(lambda f: first_then(f(), lambda s: s.aclose(), lambda s: s.athrow(KeyError("late")))),
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
        run_async(lambda f: swallow_async(asyncio.CancelledError, collect(f(asyncio.CancelledError())))),
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
    list(decorate(echo)(3))
    asyncio.run(decorate(worker)(0))
    asyncio.run(collect(decorate(stream)(2)))
    decorate(plain)(1, c=2)
    decorate.save()
    file = only_file(tmp_path)
    assert [file.calls(name) for name in ("echo", "worker", "stream", "plain")] == [1] * 4
    assert len(files(tmp_path)) == 1
    assert sys.getprofile() is None
