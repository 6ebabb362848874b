"""Tells generic functions apart.

All wrappers that `functools.singledispatch` makes share one code object, so profilers see one
function, `wrapper`, called by everyone and calling everything. The call trees of edbprof keep
callers and implementations together in any case. `patch_functools()` adds the name of the generic
function, by giving each wrapper a code object of its own, and makes saves write a `.singledispatch`
sidecar beside each `.prof` file.
"""

from __future__ import annotations

import functools
from _thread import RLock
from types import CodeType, FunctionType

from . import _native

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from typing import Any, Callable

_WRAPPER = 1
_DISPATCH = 2

_lock = RLock()
_is_patched = False
_original_code = functools.singledispatch.__code__
_shared_codes = {
    code.co_name: code for code in _original_code.co_consts if isinstance(code, CodeType)
}
_wrapper_code = _shared_codes.get("wrapper")


def _register_shared_codes() -> None:
    """Register the code objects that the recorder can't find in functools while that is patched."""
    for name, flag in (("wrapper", _WRAPPER), ("dispatch", _DISPATCH)):
        if name in _shared_codes:
            _native.register_generic(_shared_codes[name], flag, None)


def _identity(function: Any) -> tuple[str, int, str]:
    """Return the label that pstats has for the function that was made generic."""
    code = getattr(function, "__code__", None)
    if isinstance(code, CodeType):
        return code.co_filename, code.co_firstlineno, code.co_name
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return "~", 0, f"<{getattr(function, '__module__', None) or '?'}.{name}>"


def _tell_apart(wrapper: Callable[..., Any]) -> None:
    """Give a generic function's wrapper a code object that no other one has."""
    if not isinstance(wrapper, FunctionType) or wrapper.__code__ is not _wrapper_code:
        return
    # Another thread may be making the wrapper just now. Then it keeps the shared code object.
    function = getattr(wrapper, "__wrapped__", None)
    if function is not None:
        # replace() changes nothing, because another object is enough.
        code = wrapper.__code__.replace()
        _native.register_generic(code, _WRAPPER, _identity(function))
        wrapper.__code__ = code


_make_generic: Callable[..., Any] = FunctionType(
    _original_code, functools.__dict__, "singledispatch"
)


def _singledispatch(function: Callable[..., Any]) -> Callable[..., Any]:
    """Do what `functools.singledispatch` does while it is patched."""
    generic: Callable[..., Any] = _make_generic(function)
    _tell_apart(generic)
    return generic


def _patched(func: Callable[..., Any]) -> Callable[..., Any]:
    # Runs as functools.singledispatch, with the globals of functools.
    from edbprof_native.tracing_singledispatch import _singledispatch

    return _singledispatch(func)


def patch_functools() -> None:
    """Tell generic functions apart from now on, including those that exist already.

    May be called at any time, repeatedly, and from any thread. `functools.singledispatch` remains
    the same object, so earlier imports of it are included. Its results behave, pickle and
    introspect as before.
    """
    global _is_patched
    with _lock:
        if _is_patched:
            return
        import gc

        _register_shared_codes()
        functools.singledispatch.__code__ = _patched.__code__
        for candidate in gc.get_objects():
            if type(candidate) is FunctionType:
                _tell_apart(candidate)
        _is_patched = True
        _native.set_patched(True)


def unpatch_functools() -> None:
    """Stop telling new generic functions apart. Those that were told apart remain so."""
    global _is_patched
    with _lock:
        functools.singledispatch.__code__ = _original_code
        _is_patched = False
        _native.set_patched(False)
