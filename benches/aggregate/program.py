"""A made-up program whose functions are called as real ones are.

Labels are those of the standard library's own code objects, and of builtins; behind them come
made-up ones, like those of generated code. Who calls whom is drawn: most functions have one to
three callers, few have hundreds; calls and times spread over six powers of ten, as Zipf's law has
it.
"""

from __future__ import annotations

import builtins
import random
import sysconfig
import types
from pathlib import Path
from typing import Iterator

# File, first line, name, as cProfile has them.
Label = tuple[str, int, str]

# Share of the functions that every process of the program reaches.
EVERYWHERE = 0.6

# Exponent of the distribution of callers: the larger, the fewer callers a function has.
CALLERS = 1.4


def _code_objects(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _code_objects(constant)


def labels(count: int) -> list[Label]:
    """`count` different labels; a twelfth of them builtins, as in most profiles."""
    library = Path(sysconfig.get_path("stdlib"))
    found: dict[Label, None] = {}
    for name, owner in [("builtins", builtins), *((t.__name__, t) for t in (str, bytes, dict))]:
        for member in dir(owner):
            found["~", 0, f"<built-in method {name}.{member}>"] = None
    found = dict.fromkeys(list(found)[: count // 12])
    for path in sorted(library.rglob("*.py")):
        # Tests and Python 2's leftovers do not compile, or warn.
        if {"site-packages", "test", "tests", "lib2to3"} & set(path.parts):
            continue
        code = compile(path.read_bytes(), str(path), "exec")
        for inner in _code_objects(code):
            found[inner.co_filename, inner.co_firstlineno, inner.co_name] = None
        if len(found) >= count:
            return list(found)[:count]
    for number in range(count - len(found)):
        module = number // 40
        path = (
            f"/srv/application/releases/current/generated/package_{module // 50}/module_{module}.py"
        )
        found[path, 3 + number % 40 * 12, f"handle_request_of_operation_{number}"] = None
    return list(found)


class Program:
    """Functions, and who calls them."""

    def __init__(
        self,
        functions: int,
        reached: int,
        everywhere: float = EVERYWHERE,
        fewness: float = CALLERS,
    ) -> None:
        """Of its `functions` each process reaches `reached`, a share of them `everywhere`."""
        draw = random.Random(functions)
        self.labels = labels(functions)
        draw.shuffle(self.labels)
        self.reached = reached
        # What a process can reach that others do not.
        self.everywhere = int(reached * everywhere)
        self.callers: list[list[int]] = []
        for function in range(functions):
            count = min(int(draw.paretovariate(fewness)), 200)
            # Whoever is called first was reached first: callers come before.
            drawn = {int(function * draw.random() ** 1.5) for _ in range(count)}
            self.callers.append(sorted(drawn))

    def process(self, draw: random.Random) -> list[int]:
        """The functions that one process reaches."""
        rest = range(self.everywhere, len(self.labels))
        return [*range(self.everywhere), *sorted(draw.sample(rest, self.reached - self.everywhere))]


def calls(draw: random.Random) -> int:
    """How often something is called."""
    return min(int(draw.paretovariate(0.6)), 1_000_000)
