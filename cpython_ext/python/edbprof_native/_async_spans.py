"""Spans that begin in one thread and end in another, on the timeline only."""

import itertools

from . import _native

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from typing_extensions import Self

_numbers = itertools.count(1)


class async_span:
    """A part of the program that any thread may end, such as a request in a queue.

    It begins with `begin()` or at the start of a `with` block, and ends with `end()`. It is on the
    timeline only, because no thread's call tree has a place for it.
    """

    __slots__ = ("_name", "_number")

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a span's name must be a str, not {type(name).__name__}")
        self._name = name
        self._number = 0

    def begin(self) -> "Self":
        """Begin the span anew."""
        self._number = next(_numbers)
        _native.begin_async(self._name, self._number)
        return self

    def end(self) -> None:
        """End the span. Nothing happens if it has not begun."""
        if self._number:
            _native.end_async(self._name, self._number)
            self._number = 0

    def __enter__(self) -> "Self":
        return self.begin()

    def __exit__(self, *exception: object) -> None:
        self.end()

    def __repr__(self) -> str:
        return f"async_span({self._name!r})"
