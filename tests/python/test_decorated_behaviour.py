"""A decorated function behaves as the function does.

Each scenario is played with both, and all that can be seen of it must be the same:
results, exceptions, what StopIteration carries, the warnings.
"""

from __future__ import annotations

import inspect
import types

import pytest
from behaviour import chain, stop_value, swallow
from edbprof_native import profile

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
    assert outcome[:2] == ("returned", "RecursionError")


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
    "GeneratorExit thrown": (
        stubborn,
        lambda f: (lambda g: (next(g), g.throw(GeneratorExit)))(f()),
    ),
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
    assert outcome[:2] == ("returned", [True, "switched", ("stop", "x", ("x",))])


# --- what classes and documentation make of functions --------------------------------


@pytest.mark.parametrize("with_classmethod", [False, True])
def test_functions_that_classes_make_class_methods(with_classmethod, tmp_path):
    """type.__new__ knows these by their names, if they are plain functions."""
    seen = []
    around = classmethod if with_classmethod else lambda function: function

    class Base:
        @around
        @profile(dir=tmp_path)
        def __init_subclass__(cls, **options):
            seen.append((cls.__name__, options))
            super().__init_subclass__()

        @around
        @profile(dir=tmp_path)
        def __class_getitem__(cls, item):
            return cls, item

        @profile(dir=tmp_path)
        def __new__(cls, value):
            made = super().__new__(cls)
            made.value = value
            return made

    class Derived(Base, key=1):
        pass

    assert seen == [("Derived", {"key": 1})]
    assert Derived[int] == (Derived, int) and Base["x"] == (Base, "x")
    assert Derived(3).value == 3 and Base.__new__(Derived, 4).value == 4
    assert isinstance(Base.__init_subclass__, types.MethodType)


def test_what_looks_in_the_type_for_documentation_finds_the_functions_own(tmp_path):
    import pydoc

    def documented(first, second=2):
        """One line.

        >>> 1 + 1
        2
        """

    decorated = profile(dir=tmp_path)(documented)
    assert object.__getattribute__(decorated, "__doc__") == documented.__doc__
    assert pydoc.render_doc(decorated) == pydoc.render_doc(documented)

    def undocumented():
        pass

    assert pydoc.getdoc(profile(dir=tmp_path)(undocumented)) == pydoc.getdoc(undocumented)
