"""Generators, coroutines and async generators: what is a start, what a resume.

A start is counted as a call, each re-entry as a resume; throwing into or closing what
was never started is no start.
"""

from __future__ import annotations

import asyncio
import sys
import types

import pytest

# On 3.13 closing a generator that stands in no try block does not resume it.
RESUMES_BY_CLOSING = int(sys.version_info[:2] != (3, 13))


def counter(n):
    for i in range(n):
        yield i
    return "done"


def starts_and_resumes(file, name):
    return file.calls(name), file.resumes(name)


def test_generator_run_to_its_end(record):
    file = record(lambda: list(counter(3)))
    assert starts_and_resumes(file, "counter") == (1, 3)
    assert file.paths() == {("<lambda>",): 1, ("<lambda>", "counter"): 1}


def test_resumed_by_another_caller(record):
    def program():
        generator = counter(3)
        first(generator)
        second(generator)

    def first(generator):
        next(generator)

    def second(generator):
        for _ in generator:
            pass

    nodes = {node.names: node for node in record(program).nodes}
    builtin = "<built-in method builtins.next>"
    start = nodes["program", "first", builtin, "counter"]
    again = nodes["program", "second", "counter"]
    assert (start.calls, start.resumes) == (1, 0)
    assert (again.calls, again.resumes) == (0, 3)


def test_abandoned(record):
    def program():
        generator = counter(3)
        next(generator)
        del generator  # closes it
        after()

    def after():
        pass

    file = record(program)
    assert starts_and_resumes(file, "counter") == (1, RESUMES_BY_CLOSING)
    assert file.paths()["program", "after"] == 1


def test_abandoned_before_it_started(record):
    def program():
        counter(3)
        counter(3).close()

    file = record(program)
    assert file.calls("counter") == 0
    assert all(nc >= cc >= 0 for cc, nc, *_ in file.rows.values())


def test_closed_in_the_middle(record):
    def closing():
        generator = counter(3)
        next(generator)
        next(generator)
        generator.close()
        generator.close()
        after()

    def after():
        pass

    file = record(closing)
    assert starts_and_resumes(file, "counter") == (1, 1 + RESUMES_BY_CLOSING)
    assert ("closing", "after") in file.paths()


def test_thrown_into(record):
    def catching():
        while True:
            try:
                yield
            except ValueError:
                handler()

    def handler():
        pass

    def program():
        generator = catching()
        next(generator)
        generator.throw(ValueError())
        try:
            generator.throw(KeyError())
        except KeyError:
            after()

    def after():
        pass

    file = record(program)
    assert starts_and_resumes(file, "catching") == (1, 2)
    throw = "<method 'throw' of 'generator' objects>"
    assert file.paths()["program", throw, "catching", "handler"] == 1
    assert file.paths()["program", "after"] == 1


def test_thrown_into_before_it_started(record):
    def program():
        for _ in range(3):
            try:
                counter(3).throw(KeyError())
            except KeyError:
                after()

    def after():
        pass

    file = record(program)
    assert file.calls("counter") == 0
    assert file.paths()["program", "after"] == 3


def test_many_started_after_one_was_not(record):
    """What the unstarted one left behind must not be taken for the next one's start."""

    def program():
        try:
            counter(1).throw(KeyError())
        except KeyError:
            pass
        list(counter(1))
        counter(1).close()
        list(counter(1))

    file = record(program)
    assert file.calls("counter") == 2


def test_yield_from(record):
    def outer():
        result = yield from counter(2)
        assert result == "done"
        yield from middle()

    def middle():
        yield from counter(1)

    file = record(lambda: list(outer()))
    paths = file.paths()
    assert paths["<lambda>", "outer", "counter"] == 1
    assert paths["<lambda>", "outer", "middle", "counter"] == 1
    assert starts_and_resumes(file, "outer") == (1, 3)
    assert starts_and_resumes(file, "middle") == (1, 1)
    assert starts_and_resumes(file, "counter") == (2, 3)


def test_generator_expression(record):
    def program():
        return sum(x for x in (1, 2, 3))

    file = record(program)
    assert starts_and_resumes(file, "<genexpr>") == (1, 3)
    assert ("program", "<built-in method builtins.sum>", "<genexpr>") in file.paths()


def test_recursive_generator(record):
    def tree(n):
        if n:
            yield from tree(n - 1)
            yield n

    file = record(lambda: list(tree(5)))
    assert file.calls("tree") == 6
    assert max(node.depth for node in file.nodes) == 7


def test_closure_generators_start_behind_other_instructions(record):
    """COPY_FREE_VARS, MAKE_CELL and over 255 cells move the first RESUME."""
    names = [f"v{i}" for i in range(300)]
    source = "def outer():\n"
    source += "".join(f"  {name} = 1\n" for name in names)
    source += "  def generator(own):\n"
    source += "".join(f"    c{i} = own\n" for i in range(300))
    source += f"    yield lambda: ({', '.join(names)}, {', '.join(f'c{i}' for i in range(300))})\n"
    source += "    yield\n"
    source += "  return generator\n"
    namespace: dict = {}
    exec(source, namespace)
    generator = namespace["outer"]()
    file = record(lambda: (list(generator(1)), list(generator(2))))
    assert starts_and_resumes(file, "generator") == (2, 4)
    assert record(lambda: generator(3).close()).calls("generator") == 0


def test_coroutine(record):
    async def leaf(n):
        for _ in range(n):
            await asyncio.sleep(0)
        return n

    async def main():
        assert await leaf(2) == 2
        await asyncio.gather(leaf(1), leaf(1))

    loop = asyncio.new_event_loop()
    try:
        file = record(lambda: loop.run_until_complete(main()))
    finally:
        loop.close()
    assert starts_and_resumes(file, "leaf") == (3, 4)
    assert file.calls("main") == 1


def test_coroutine_never_started(record):
    async def never():
        pass

    def program():
        never().close()
        try:
            never().throw(KeyError())
        except KeyError:
            pass

    assert record(program).calls("never") == 0


def test_iterable_coroutine(record):
    @types.coroutine
    def switch():
        yield

    async def main():
        await switch()
        await switch()

    def program():
        coroutine = main()
        coroutine.send(None)
        coroutine.send(None)
        with pytest.raises(StopIteration):
            coroutine.send(None)

    file = record(program)
    assert starts_and_resumes(file, "switch") == (2, 2)
    assert starts_and_resumes(file, "main") == (1, 2)


def test_async_generator(record):
    async def ticks(n):
        try:
            for i in range(n):
                await asyncio.sleep(0)
                yield i
        except LookupError:
            yield "caught"

    async def main():
        assert [i async for i in ticks(2)] == [0, 1]
        thrown_into = ticks(9)
        await thrown_into.__anext__()
        assert await thrown_into.athrow(LookupError()) == "caught"
        await thrown_into.aclose()
        never_started = ticks(1)
        await never_started.aclose()

    loop = asyncio.new_event_loop()
    try:
        file = record(lambda: loop.run_until_complete(main()))
    finally:
        loop.close()
    assert file.calls("ticks") == 2
    # Behind two sleeps and two values; behind a sleep, by athrow, by aclose; and the
    # aclose of the one that never started, which is no start.
    assert file.resumes("ticks") == 4 + 3 + 1


def test_suspended_while_switched_off(tmp_path):
    """What goes on in between is not recorded; the generator goes on as a resume."""
    from edbprof_native import Profile
    from prof_file import ProfFile

    profile = Profile()
    generator = counter(3)
    profile.enable()
    next(generator)
    profile.disable()
    next(generator)
    profile.enable()
    next(generator)
    profile.disable()
    profile.save(tmp_path / "x.prof")
    assert starts_and_resumes(ProfFile(tmp_path / "x.prof"), "counter") == (1, 1)


def test_switched_on_inside_of_a_generator(tmp_path):
    from edbprof_native import Profile
    from prof_file import ProfFile

    profile = Profile()

    def generator():
        yield profile.enable()
        yield callee()
        yield profile.disable()

    def callee():
        pass

    list(generator())
    profile.save(tmp_path / "x.prof")
    file = ProfFile(tmp_path / "x.prof")
    assert starts_and_resumes(file, "generator") == (0, 2)
    assert file.paths() == {("generator", "callee"): 1}
