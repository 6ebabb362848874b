"""Functions that `span` decorates."""

from . import _native

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from typing import Any, Callable, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

# Flags of code objects (CPython's Include/cpython/code.h). `inspect`, which has them too, would
# import modules that the program has not imported.
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200


def decorate(span: "_native.span", function: "F") -> "F":
    """Return a stand-in for the function, each call of which is within the span."""
    if type(function) in (staticmethod, classmethod):
        descriptor: "Any" = function
        return type(descriptor)(decorate(span, descriptor.__func__))  # type: ignore[no-any-return]
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"a span decorates functions and methods, not {function!r}")
    flags = _code_flags(function)
    if flags & (_GENERATOR | _ASYNC_GENERATOR):
        raise TypeError(f"a span decorates no generator functions: use it within {function!r}")
    called = _within(span, function) if flags & _COROUTINE else None
    return _native.Spanned(function, span, called=called)  # type: ignore[return-value]


def _within(span: "_native.span", function: "Any") -> "Any":
    async def within(*arguments: "Any", **keywords: "Any") -> "Any":
        with span:
            return await function(*arguments, **keywords)

    for name in ("__name__", "__qualname__"):
        setattr(within, name, getattr(function, name, "within"))
    return within


def _code_flags(function: "Any") -> int:
    """Return the flags of the code that runs first, as `inspect.iscoroutinefunction` finds it."""
    while type(function) is _METHOD or type(function).__module__ == "functools":
        function = getattr(function, "__func__", None) or getattr(function, "func", None)
    # Set by inspect.markcoroutinefunction, from 3.12 on, to an object of no other class.
    if type(getattr(function, "_is_coroutine_marker", None)) is object:
        return _COROUTINE
    code = getattr(function, "__code__", None)
    return code.co_flags if type(code) is _CODE else 0


class _HasMethod:
    def method(self) -> None: ...


_METHOD, _CODE = type(_HasMethod().method), type(decorate.__code__)
