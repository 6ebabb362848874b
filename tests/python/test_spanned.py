"""Functions that `span` decorates: what they record, and that nothing else tells them apart."""

from __future__ import annotations

import abc
import asyncio
import functools
import inspect
import pickle
import subprocess
import sys
import weakref

import pytest
from edbprof_native import Profile, profile, span
from prof_file import ProfFile, find


def body():
    pass


@span("part")
def decorated(a: int, *, b: str = "x") -> bool:
    """Of the module."""
    body()
    return bool(a)


class Class:
    made = 0

    def __new__(cls, *arguments):
        return super().__new__(cls)

    @span("part")
    def method(self, x):
        body()
        return self, x

    @span("part")
    @classmethod
    def of_class(cls, x):
        return cls, x

    @staticmethod
    @span("part")
    def static(x):
        return x

    @property
    @span("part")
    def attribute(self):
        return "attribute"


def test_it_is_the_function_to_whoever_looks():
    assert inspect.isfunction(decorated) and inspect.signature(decorated).return_annotation
    assert (decorated.__name__, decorated.__doc__) == ("decorated", "Of the module.")
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    assert decorated.__wrapped__.__code__ is decorated.__code__
    assert weakref.ref(decorated)() is decorated
    assert repr(decorated) == repr(decorated.__wrapped__)


def test_methods_of_each_kind(record):
    one = Class()
    assert one.method(1) == (one, 1) and Class.method(one, 2) == (one, 2)
    assert one.of_class(3) == Class.of_class(3) == (Class, 3)
    assert one.static(4) == Class.static(4) == 4
    assert one.attribute == "attribute"
    paths = record(lambda: one.method(1), builtins=False).paths()
    assert paths["<lambda>", "part", "method", "body"] == 1


def test_names_that_classes_treat_specially():
    subclasses = []

    class Base(abc.ABC):
        @profile()
        @span("part")
        def __init_subclass__(cls, **options):
            subclasses.append((cls.__name__, options))

        @span("part")
        def __class_getitem__(cls, item):
            return cls, item

        @span("outer")
        @span("part")
        def __new__(cls, value):
            made = super().__new__(cls)
            made.value = value
            return made

        @span("part")
        @abc.abstractmethod
        def missing(self):
            pass

    with pytest.raises(TypeError, match="abstract"):
        Base(1)

    class Derived(Base, key=1):
        def missing(self):
            pass

    assert subclasses == [("Derived", {"key": 1})]
    assert Derived[int] == (Derived, int)
    assert Derived(3).value == 3


def test_exceptions_pass(record):
    @span("part")
    def failing():
        raise KeyError("on purpose")

    def program():
        with pytest.raises(KeyError, match="on purpose"):
            failing()
        body()

    paths = record(program, builtins=False).paths()
    assert paths["program", "part", "failing"] == 1
    assert paths["program", "body"] == 1


def test_builtins_are_calls_within_the_span(record):
    length = span("part")(len)
    assert length("abc") == 3
    paths = record(lambda: length("abc")).paths()
    assert paths["<lambda>", "part", "<built-in method builtins.len>"] == 1
    assert len(paths) == 3


def test_recursion(record):
    @span("part")
    def countdown(n):
        return countdown(n - 1) if n else 0

    paths = record(lambda: countdown(2)).paths()
    assert paths[("<lambda>",)] == 1
    assert paths[("<lambda>",) + 3 * ("part", "countdown")] == 1
    assert len(paths) == 7


def test_a_function_that_drops_the_last_reference_to_itself():
    functions = {}

    @span("part")
    def last():
        del functions["last"]
        return body()

    functions["last"] = last
    del last
    with Profile():
        assert functions["last"]() is None


def test_recording_that_begins_and_ends_within(tmp_path):
    recorded = Profile(builtins=False)

    @span("first")
    def begins():
        recorded.enable()
        body()

    @span("second")
    def ends():
        recorded.disable()
        body()

    begins()
    ends()
    recorded.save(tmp_path / "x.prof")
    file = ProfFile(tmp_path / "x.prof")
    assert (file.calls("first"), file.calls("second"), file.calls("body")) == (0, 1, 1)


async def coroutine():
    await asyncio.sleep(0)
    body()


@span("part")
async def spanned_coroutine():
    await coroutine()


def test_coroutines(record):
    assert inspect.iscoroutinefunction(spanned_coroutine)
    paths = record(lambda: asyncio.run(spanned_coroutine())).paths()
    (path,) = (path for path in paths if path[-1] == "body")
    assert path[-4:] == ("part", "spanned_coroutine", "coroutine", "body")
    waiting = spanned_coroutine()
    assert (waiting.__name__, waiting.__qualname__) == 2 * ("spanned_coroutine",)
    waiting.close()


def test_coroutines_behind_methods_partial_objects_and_other_decorators(record):
    class Holder:
        async def method(self):
            await coroutine()

    for function in (
        Holder().method,
        functools.partial(coroutine),
        functools.partial(Holder().method),
        profile(prefix="spanned_", save_every_n_calls=0)(coroutine),
    ):
        part = span("part")(function)
        path = [path for path in record(lambda: asyncio.run(part())).paths() if path[-1] == "body"]
        assert "part" in path[0]


def test_profile_records_a_coroutine_that_a_span_decorates(tmp_path):
    decorate = profile(dir=tmp_path, save_every_n_calls=0)
    asyncio.run(decorate(spanned_coroutine)())
    decorate.save()
    (path,) = tmp_path.glob("*.prof")
    assert find(ProfFile(path), "part", "spanned_coroutine", "coroutine", "body").calls == 1


@pytest.mark.skipif(sys.version_info < (3, 12), reason="markcoroutinefunction is new in 3.12")
def test_functions_that_are_marked_as_coroutine_functions(record):
    @inspect.markcoroutinefunction
    def marked():
        return coroutine()

    part = span("part")(marked)
    paths = record(lambda: asyncio.run(part())).paths()
    assert [path[-3] for path in paths if path[-1] == "body"] == ["part"]


def generator():
    yield


async def async_generator():
    yield


@pytest.mark.parametrize(
    "wrong",
    [
        generator,
        async_generator,
        functools.partial(generator),
        profile(prefix="spanned_", save_every_n_calls=0)(generator),
        Class,
        7,
    ],
    ids=["generator", "async", "partial", "decorated", "class", "no function"],
)
def test_what_a_span_cannot_decorate(wrong):
    with pytest.raises(TypeError, match="a span decorates"):
        span("part")(wrong)


def test_decorating_imports_no_module_of_others():
    program = """
import sys
from edbprof_native import span
before = set(sys.modules)

@span("plain")
def plain(): pass

@span("coroutine")
async def coroutine(): pass

plain()
coroutine().close()
print(*(name for name in set(sys.modules) - before if not name.startswith("edbprof_native")))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == ""
