"""Functions that `span` decorates."""

import functools
import inspect

from . import _native

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from typing import Any, Callable, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])


def decorate(span: "_native.span", function: "F") -> "F":
    """The function, each call of which is within the span: that of a coroutine until it ends."""
    if type(function) in (staticmethod, classmethod):
        descriptor: "Any" = function
        return type(descriptor)(decorate(span, descriptor.__func__))  # type: ignore[no-any-return]
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"a span decorates functions and methods, not {function!r}")
    if inspect.iscoroutinefunction(function):

        async def within(*arguments: "Any", **keywords: "Any") -> "Any":
            with span:
                return await function(*arguments, **keywords)

    elif inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise TypeError(f"a span decorates no generator functions: use it within {function!r}")
    else:

        def within(*arguments: "Any", **keywords: "Any") -> "Any":  # type: ignore[misc]
            with span:
                return function(*arguments, **keywords)

    return functools.wraps(function)(within)  # type: ignore[return-value]
