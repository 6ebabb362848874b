"""Five shapes of programs that are hard for a recorder of call trees."""

from __future__ import annotations

import random
from typing import Any, Callable, Iterator


def new_paths() -> Callable[[], Any]:
    """Walks through 64 functions, eight deep, hardly one of which was there before."""
    functions: list[Callable[[int, int], int]] = []
    source = "def step_{i}(path, depth):\n    return depth and walk(path >> 6, depth - 1)\n"
    space: dict[str, Any] = {}
    exec("".join(source.format(i=i) for i in range(64)), space)
    functions += [space[f"step_{i}"] for i in range(64)]

    def walk(path: int, depth: int) -> int:
        return functions[path & 63](path, depth)

    space["walk"] = walk
    numbers = random.Random(0)

    def walks() -> None:
        for _ in range(2500):
            walk(numbers.getrandbits(48), 7)

    return walks


class Point:
    __slots__ = ("x", "y")

    def __init__(self, x: int, y: int) -> None:
        self.x = x
        self.y = y

    def __add__(self, other: Point) -> Point:
        return Point(self.x + other.x, self.y + other.y)

    @property
    def norm(self) -> int:
        return self.x * self.x + self.y * self.y


def small_objects() -> None:
    total = Point(0, 0)
    for i in range(6000):
        total = total + Point(i, -i)
        total.norm


def _raises(depth: int) -> int:
    if depth == 0:
        raise KeyError(depth)
    return _raises(depth - 1)


def exceptions() -> None:
    for _ in range(2500):
        try:
            _raises(6)
        except KeyError:
            pass


def _down(n: int) -> int:
    return 1 + _down(n - 1) if n else 0


def deep_recursion() -> None:
    for _ in range(30):
        _down(900)


def _nested(depth: int, items: int) -> Iterator[int]:
    if depth:
        yield from _nested(depth - 1, items)
    else:
        yield from range(items)


def deep_yield_from() -> None:
    for _ in _nested(60, 500):
        pass


HARD = {
    "new paths": new_paths,
    "small objects": lambda: small_objects,
    "exceptions": lambda: exceptions,
    "deep recursion": lambda: deep_recursion,
    "deep yield from": lambda: deep_yield_from,
}
