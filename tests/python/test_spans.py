"""Spans of Python programs: `edbprof_native.span`."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from edbprof_native import Profile, span
from prof_file import ProfFile, find


def body():
    pass


def test_with_a_span(record):
    def program():
        for _ in range(3):
            with span("part"):
                body()
        body()

    assert record(program).paths() == {
        ("program",): 1,
        ("program", "part"): 3,
        ("program", "part", "body"): 3,
        ("program", "body"): 1,
    }


def test_decorated(record):
    @span("part")
    def function(a, *, b):
        """Doc."""
        body()
        return a + b

    assert function.__name__ == "function" and function.__doc__ == "Doc."
    paths = record(lambda: function(1, b=2)).paths()
    assert paths["<lambda>", "part", "function", "body"] == 1
    assert len(paths) == 4


def test_a_span_that_outlives_the_function_in_which_it_began(record):
    class Annotation:
        def __enter__(self):
            self.span = span("part").__enter__()

        def __exit__(self, *exception):
            self.span.__exit__(*exception)

    def program():
        with Annotation():
            body()
        body()

    file = record(program)
    paths = file.paths()
    assert paths["program", "part", "body"] == 1
    assert paths["program", "body"] == 1
    assert find(file, "program", "part").calls == 0
    assert paths["program", "__enter__", "part"] == 1
    assert sum(node.self_time for node in file.nodes) == file.nodes[0].total


def test_in_a_generator_that_is_a_context_manager(record):
    @contextlib.contextmanager
    def part():
        with span("part"):
            yield

    def program():
        with part():
            body()
        body()

    paths = record(program).paths()
    assert paths["program", "part", "body"] == 1
    assert paths["program", "body"] == 1


def test_an_exception(record):
    def program():
        for _ in range(2):
            with contextlib.suppress(KeyError), span("part"):
                raise KeyError
        body()

    paths = record(program).paths()
    assert paths["program", "part"] == 2
    assert paths["program", "body"] == 1


def test_tasks_that_take_turns(record):
    async def task(name):
        with span(name):
            await asyncio.sleep(0)
            body()
            await asyncio.sleep(0)

    async def main():
        await asyncio.gather(task("a"), task("b"))

    paths = record(lambda: asyncio.run(main())).paths()
    within = [path for path, calls in paths.items() if path[-1] == "body"]
    assert sorted(path[-2] for path in within) == ["a", "b"]
    assert all(("a" in path) != ("b" in path) for path in within)


def test_coroutines_are_decorated(record):
    @span("part")
    async def task():
        await asyncio.sleep(0)
        body()

    paths = record(lambda: asyncio.run(task())).paths()
    assert [path[-3] for path in paths if path[-1] == "body"] == ["part"]


def test_names_files_and_lines(record):
    def program():
        with span("a"), span("b", file="x.py", line=7), span("b", file="x.py", line=8):
            pass

    file = record(program)
    found = sorted(tuple(function[2:5]) for function in file.functions if function[0] == 2)
    assert found == [("", 0, "a"), ("x.py", 7, "b"), ("x.py", 8, "b")]


def test_nothing_records():
    with span("part") as entered:
        assert repr(entered) == "span('part')"


def test_switched_on_or_off_within_a_span(tmp_path):
    recorded = Profile()
    with span("off"):
        recorded.enable()
        with span("on"):
            body()
            recorded.disable()
    recorded.save(tmp_path / "x.prof")
    file = ProfFile(tmp_path / "x.prof")
    assert (file.calls("off"), file.calls("on")) == (0, 1)
    assert find(file, "on", "body").calls == 1


@pytest.mark.parametrize("wrong", [(), (1,), ("a", "b")])
def test_wrong_arguments(wrong):
    with pytest.raises(TypeError):
        span(*wrong)


def test_generator_functions_are_refused():
    def generator():
        yield

    with pytest.raises(TypeError, match="generator"):
        span("part")(generator)


def test_the_methods_that_a_with_statement_binds(record):
    def program():
        part = span("part")
        enter, leave = part.__enter__, part.__exit__
        assert (enter.__self__, enter.__name__, leave.__name__) == (part, "__enter__", "__exit__")
        assert enter() is part
        assert leave(None, None, None) is None
        assert span.__enter__(part) is part
        assert span.__exit__(part, None, None, None) is None
        with contextlib.ExitStack() as stack:
            assert stack.enter_context(part) is part

    paths = record(program, builtins=False).paths()
    assert (paths["program", "part"], sum(paths[way] for way in paths if way[-1] == "part")) == (
        2,
        3,
    )
    part = span("part")
    for call in (
        lambda: part.__enter__(1),
        lambda: part.__exit__(x=1),
        span.__enter__,
        lambda: span.__exit__(1, None, None, None),
    ):
        with pytest.raises(TypeError, match="span"):
            call()
    with pytest.raises(ValueError, match="^on purpose$"), part:
        raise ValueError("on purpose")
