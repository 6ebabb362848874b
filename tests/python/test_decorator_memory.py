"""Nothing that a decorated function touches is kept: reference counts, cycles."""

from __future__ import annotations

import gc
import sys
import weakref

import pytest
from edbprof_native import profile
from prof_file import only_file

decorate = profile(prefix="memory_", save_every_n_calls=0)


class Tracked:
    pass


def test_arguments_results_and_exceptions_are_let_go():
    def passing(x, y=None):
        return x

    def failing(x):
        raise KeyError(x)

    def generator(x):
        received = yield x
        yield received

    async def coroutine(x):
        return x

    passing_, failing_, generator_, coroutine_ = map(
        decorate, (passing, failing, generator, coroutine)
    )
    thing = Tracked()
    counts = [sys.getrefcount(each) for each in (thing, passing, failing, generator, coroutine)]
    for _ in range(200):
        passing_(thing)
        passing_(thing, y=thing)
        with pytest.raises(KeyError):
            failing_(thing)
        made = generator_(thing)
        next(made)
        made.send(thing)
        generator_(thing).close()
        next(generator_(thing))
        asyncio_free_run(coroutine_(thing))
        coroutine_(thing).close()
        with pytest.raises(TypeError):
            passing_()
    del made
    gc.collect()
    after = [sys.getrefcount(each) for each in (thing, passing, failing, generator, coroutine)]
    assert after == counts


def asyncio_free_run(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value


def test_the_function_is_let_go():
    def function():
        yield

    wrapped = decorate(function)
    wrapped()  # a generator that never starts
    list(wrapped())
    dropped = weakref.ref(function)
    del function, wrapped
    gc.collect()
    assert dropped() is None


def test_cycles_are_collected():
    def make():
        def function():
            return wrapped

        wrapped = decorate(function)
        return weakref.ref(wrapped), weakref.ref(function)

    references = make()
    gc.collect()
    assert [reference() for reference in references] == [None, None]


def test_generators_in_cycles_are_collected():
    def make():
        def function(me):
            me.append(tracked)
            yield

        tracked = Tracked()
        me: list = []
        me.append(decorate(function)(me))
        next(me[0])
        return weakref.ref(tracked)

    reference = make()
    gc.collect()
    assert reference() is None


def test_decorated_inside_of_itself_may_go_away(tmp_path):
    decorator = profile(dir=tmp_path, save_every_n_calls=0)
    namespace = {"decorator": decorator}
    exec(
        "@decorator\ndef function():\n  global function\n  del function\n  return gone()\n"
        "def gone(): return 7",
        namespace,
    )
    assert namespace["function"]() == 7
    decorator.save()
    assert only_file(tmp_path).calls("gone") == 1
