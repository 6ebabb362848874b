"""Every way in which Python calls something, each as a function without arguments.

`CONSTRUCTS` has them by name. Exceptions that leave one are part of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import operator
import sys
import types
from typing import Any, Callable

CONSTRUCTS: dict[str, Callable[[], Any]] = {}


def construct(function: Callable[[], Any]) -> Callable[[], Any]:
    CONSTRUCTS[function.__name__] = function
    return function


def plain(a=1, *rest, b=2, **more):
    return a


def failing(*_):
    raise KeyError("expected")


def counting(n):
    received = None
    for i in range(n):
        try:
            received = yield received or i
        except ValueError:
            received = len("caught")
    return n


class Base:
    __slots__ = ("slot", "__dict__")

    def __init__(self, value=0):
        self.slot = value

    @property
    def doubled(self):
        return self.slot * 2

    @doubled.setter
    def doubled(self, value):
        self.slot = int(value) // 2

    @classmethod
    def made(cls):
        return cls(len("made"))

    @staticmethod
    def fixed():
        return abs(-1)

    def method(self, *arguments, **keywords):
        return plain(*arguments, **keywords)

    def __call__(self, *arguments):
        return self.method(*arguments)

    def __len__(self):
        return 3

    def __getitem__(self, index):
        if index > 2:
            raise IndexError(index)
        return plain(index)

    def __eq__(self, other):
        return plain(True)

    def __lt__(self, other):
        return self.slot < other.slot

    def __hash__(self):
        return hash(self.slot)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        return kind is not None and issubclass(kind, KeyError)

    def __getattr__(self, name):
        raise AttributeError(name)

    def __del__(self):
        plain()


class Derived(Base):
    def __init__(self, value=0):
        super().__init__(value)
        super(Derived, self).__init__(value)

    def method(self, *arguments, **keywords):
        return super().method(*arguments, **keywords)

    @classmethod
    def made(cls):
        return super().made()


class Listed(list):
    def append(self, value):
        super().append(value)
        list.append(self, value)


class Described:
    def __get__(self, instance, owner):
        return plain(instance)

    def __set_name__(self, owner, name):
        plain(name)


@construct
def functions():
    for _ in range(20):
        plain(1)
    plain(a=1)
    plain(1, 2, 3, b=4, c=5)
    plain(*(1, 2), **{"b": 3})


@construct
def recursion():
    def down(n):
        return n and down(n - 1) + len("x")

    return down(30)


@construct
def mutual_recursion():
    def even(n):
        return n == 0 or odd(n - 1)

    def odd(n):
        return n != 0 and even(n - 1)

    return even(12)


@construct
def builtins_called():
    for value in ((), [], "", {}, b""):
        len(value)
    sorted([3, 1, 2])
    max(1, 2)
    isinstance(1, int)
    print("", end="", file=types.SimpleNamespace(write=len))


@construct
def builtins_with_keywords():
    sorted([3, 1, 2], key=abs, reverse=True)
    max([1, 2], key=operator.neg)
    sorted(*([3, 1],), **{"key": plain})
    int("7", base=8)


@construct
def builtins_unpacked():
    len(*[()])
    print(*[], **{"end": ""})
    [].append(*[1])
    list.append(*[[], 1])
    max(*[1, 2, 3])


@construct
def builtins_that_call_back():
    list(map(plain, range(3)))
    list(filter(plain, range(3)))
    sorted(range(3), key=lambda value: -value)
    functools.reduce(lambda a, b: a + b, range(4))
    list(itertools.starmap(plain, [(1, 2), (3, 4)]))
    list(map(str.upper, "abc"))
    list(map(len, ["a", "b"]))


@construct
def methods():
    thing = Base(1)
    thing.method(1, b=2)
    Base.method(thing)
    bound = thing.method
    for _ in range(10):
        bound(1)
    thing(1)
    Derived(2).method(3)


@construct
def builtin_methods():
    values = []
    for i in range(10):
        values.append(i)
    append = values.append
    append(1)
    append(2)
    "a,b".split(",")
    ", ".join(["a"])
    {}.get(1)
    {}.setdefault(1, 2)
    b"".hex()


@construct
def method_descriptors_unbound():
    values = []
    list.append(values, 1)
    str.upper("a")
    str.split("a b", " ")
    dict.get({}, 1)
    upper = str.upper
    for _ in range(5):
        upper("b")
    str.join(*[", ", ["a"]])


@construct
def method_descriptor_of_another_type():
    with contextlib.suppress(TypeError):
        str.upper(5)
    try:
        list.append()
    except TypeError:
        plain()
    plain()


@construct
def class_methods_of_builtins():
    dict.fromkeys("ab")
    int.from_bytes(b"a", "big")
    bytes.fromhex("00")
    str.maketrans({})
    {}.fromkeys("ab")
    object.__new__(Base)
    object.__reduce_ex__


@construct
def slot_wrappers():
    (1).__add__(2)
    int.__add__(1, 2)
    [].__len__()
    "a".__eq__("b")
    type.__call__(int, 3)


@construct
def types_called():
    int("3")
    list("ab")
    type("Made", (Base,), {})()
    Base(1)
    Derived()
    Exception("x")
    functools.partial(plain, 1)
    staticmethod(plain)


@construct
def special_methods():
    thing, other = Base(1), Base(2)
    len(thing)
    thing[0]
    list(thing)
    thing == other
    sorted([other, thing])
    {thing: 1}
    bool(thing)
    getattr(thing, "missing", None)
    hasattr(thing, "missing")
    1 in thing


@construct
def properties():
    thing = Derived(3)
    thing.doubled = thing.doubled + 1
    thing.slot
    getattr(thing, "doubled")
    operator.attrgetter("doubled")(thing)


@construct
def supers():
    Derived.made()
    Derived.fixed()
    Derived().method()
    values = Listed()
    values.append(1)
    return super(Listed, values).pop()


@construct
def class_bodies():
    class Meta(type):
        def __new__(cls, name, bases, space, **keywords):
            return super().__new__(cls, name, bases, space)

        def __prepare__(name, bases=(), **keywords):
            return {}

        def __init__(cls, name, bases, space, **keywords):
            plain(name)

    class Made(Base, metaclass=Meta, keyword=1):
        attribute = plain(1)
        described = Described()
        numbers = [plain(i) for i in range(2)]

        def __init_subclass__(cls, **keywords):
            plain()

    class Below(Made):
        pass

    Below().described


@construct
def decorators():
    def outer(function):
        @functools.wraps(function)
        def inner(*arguments):
            return function(*arguments)

        return inner

    @outer
    @functools.lru_cache(None)
    def cached(n):
        return n and cached(n - 1)

    cached(5)
    cached(5)


@construct
def partials():
    partial = functools.partial(plain, 1, b=2)
    partial()
    partial(3, c=4)
    functools.partial(len, "abc")()
    functools.partial(functools.partial(sorted, key=plain), [2, 1])()
    list(map(functools.partial(plain, 1), range(2)))

    class Holder:
        method = functools.partialmethod(plain, 5)

    Holder().method()


@construct
def dispatched():
    @functools.singledispatch
    def generic(value):
        return plain()

    @generic.register(int)
    def _(value):
        return plain(value)

    for value in (1, "a", 2, None):
        generic(value)


@construct
def closures_and_lambdas():
    def adder(n):
        return lambda m: plain(n + m)

    for add in [adder(i) for i in range(3)]:
        add(1)
    (lambda: (lambda: len("x"))())()


@construct
def comprehensions():
    [plain(i) for i in range(3)]
    {plain(i) for i in range(3)}
    {i: len("a") for i in range(3)}
    [[abs(j) for j in range(i)] for i in range(3)]
    sum(plain(i) for i in range(3))
    list(j for i in range(2) for j in (plain(k) for k in range(i)))
    any(plain(i) for i in range(5))


@construct
def generators():
    list(counting(3))
    for value in counting(4):
        if value == 2:
            break
    first, *rest = counting(3)
    tuple(zip(counting(2), counting(3)))
    "".join(str(i) for i in counting(2))
    next(counting(0), None)


@construct
def generators_sent_to():
    generator = counting(4)
    generator.send(None)
    generator.send(10)
    next(generator)
    generator.__next__()
    with contextlib.suppress(StopIteration):
        while True:
            generator.send(len("x"))


@construct
def generators_thrown_into():
    generator = counting(4)
    next(generator)
    generator.throw(ValueError("caught"))
    with contextlib.suppress(KeyError):
        generator.throw(KeyError("not caught"))
    with contextlib.suppress(StopIteration):
        next(generator)
    with contextlib.suppress(ValueError):
        counting(3).throw(ValueError("not started"))
    finished = counting(0)
    list(finished)
    with contextlib.suppress(ValueError):
        finished.throw(ValueError("over"))


@construct
def generators_closed():
    def careful():
        try:
            yield 1
            yield 2
        finally:
            plain()

    def stubborn():
        try:
            yield 1
        except GeneratorExit:
            yield 2

    counting(3).close()
    started = counting(3)
    next(started)
    started.close()
    tidy = careful()
    next(tidy)
    tidy.close()
    tidy.close()
    dropped = careful()
    next(dropped)
    del dropped
    refusing = stubborn()
    next(refusing)
    with contextlib.suppress(RuntimeError):
        refusing.close()


@construct
def generators_delegating():
    def middle(n):
        return (yield from counting(n))

    def outer(n):
        result = yield from middle(n)
        yield from [result]
        yield from map(plain, range(2))

    list(outer(3))
    generator = outer(3)
    next(generator)
    generator.throw(ValueError("reaches the innermost"))
    next(generator)
    with contextlib.suppress(KeyError):
        generator.throw(KeyError("goes through all"))
    closed = outer(3)
    next(closed)
    closed.close()


@construct
def generators_that_fail():
    def fails():
        yield 1
        failing()

    with contextlib.suppress(KeyError):
        list(fails())
    with contextlib.suppress(RuntimeError):
        for _ in (next(iter(())) for _ in range(2)):
            pass


@construct
def exceptions():
    def through(n):
        if n == 0:
            failing()
        through(n - 1)

    try:
        through(5)
    except KeyError:
        plain()
    try:
        try:
            failing()
        finally:
            len("finally")
    except KeyError as error:
        str(error)
    with contextlib.suppress(ZeroDivisionError):
        1 / 0


@construct
def exceptions_from_builtins():
    for wrong in (
        lambda: len(5),
        lambda: int("x"),
        lambda: [].pop(),
        lambda: {}.pop("a"),
        lambda: list.index([], 1),
        lambda: sorted([1, "a"]),
        lambda: list(map(failing, [1])),
        lambda: next(iter([])),
        lambda: len(*[1]),
        lambda: sorted([1], key=failing),
        lambda: plain(1, a=2),
        lambda: failing(),
        lambda: undefined,  # noqa: F821
    ):
        try:
            wrong()
        except Exception:
            plain()


@construct
def an_exception_that_leaves():
    list(counting(2))
    sorted([1], key=failing)


@construct
def context_managers():
    @contextlib.contextmanager
    def managed():
        try:
            yield plain(1)
        finally:
            plain(2)

    with Base() as thing, managed():
        thing.method()
    with Base():
        failing()
    with contextlib.suppress(KeyError), managed():
        failing()
    with contextlib.ExitStack() as stack:
        stack.enter_context(managed())
        stack.callback(plain)


class Awaitable:
    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return plain(1)


async def waiting(n):
    for _ in range(n):
        await asyncio.sleep(0)
    return n


async def streaming(n):
    for i in range(n):
        await asyncio.sleep(0)
        try:
            yield i
        except ValueError:
            plain()


def step_through(coroutine):
    """An event loop of one's own: the real one does different things each time."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


@construct
def coroutines():
    async def main():
        await waiting(2)
        await Awaitable()
        return [await waiting(i) for i in range(2)]

    step_through(main())


@construct
def coroutines_thrown_into_and_closed():
    coroutine = waiting(3)
    coroutine.send(None)
    with contextlib.suppress(KeyError):
        coroutine.throw(KeyError("x"))
    coroutine = waiting(3)
    coroutine.send(None)
    coroutine.close()
    waiting(1).close()


@construct
def async_generators():
    async def main():
        async for i in streaming(3):
            plain(i)
        stream = streaming(3)
        await stream.__anext__()
        await stream.athrow(ValueError("caught"))
        await stream.aclose()
        return [i async for i in streaming(2) if await waiting(1)]

    step_through(main())


@construct
def async_context_managers():
    @contextlib.asynccontextmanager
    async def managed():
        await asyncio.sleep(0)
        yield plain()
        await asyncio.sleep(0)

    async def main():
        async with managed(), managed():
            await waiting(1)
        try:
            async with managed():
                failing()
        except KeyError:
            plain()

    step_through(main())


@construct
def old_coroutines():
    @types.coroutine
    def old(n):
        yield from counting(n)
        return n

    async def main():
        return await old(2)

    step_through(main())


@construct
def code_run_by_name():
    exec("plain(1)\nlen('x')", globals())
    eval("plain(len('x'))", globals())
    compile("1", "made-up", "exec")
    types.FunctionType(plain.__code__, globals())()


@construct
def imported():
    import importlib

    importlib.import_module("operator")
    __import__("functools")
    from operator import itemgetter

    itemgetter(0)("ab")


@construct
def callables_of_many_kinds():
    calls = [
        plain, len, str, Base(), Base().method, "a".upper, str.upper, functools.partial(plain, 1),
        operator.itemgetter(0), (1).__add__, int.__add__, dict.fromkeys, lambda *_: None,
        Base.made, Base.fixed, [].append, failing,
    ]  # fmt: skip
    for _ in range(3):
        for call in calls:
            try:
                call("a")
            except Exception:
                pass


@construct
def patterns():
    class Point:
        __match_args__ = ("x",)
        x = property(plain)

    for value in (Point(), [1, 2], {"a": 1}):
        try:
            dict(value)
        except (TypeError, ValueError):
            repr(type(value))


@construct
def finalizers():
    thing = Base()
    del thing
    for i in range(3):
        Derived(i)


@construct
def frames_and_tracing():
    sys._getframe()
    sys.getprofile()
    locals()
    f"{plain(1)!r:>{len('x')}} {Base(1).doubled}"
    assert plain(1), failing()
