"""A frame for each test in the recorded calls, and a result for each with --edbprof-by-test."""

import os
from types import FunctionType

import pytest

from .. import _native
from .names import path_of_test

TYPE_CHECKING = False  # see ../_decorator.py
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional, Tuple


def _frame(call: "Callable[[], Any]") -> "Any":
    __tracebackhide__ = True
    return call()


def _frame_of(item: "Any") -> "Callable[[Callable[[], Any]], Any]":
    """Return a function with the name and place of the test, which calls its argument."""
    file, line = _place(item)
    name = item.nodeid
    new: "Any" = {"co_name": name, "co_filename": file, "co_firstlineno": line}
    if hasattr(_frame.__code__, "co_qualname"):
        new["co_qualname"] = name
    return FunctionType(_frame.__code__.replace(**new), {"__builtins__": {}}, "test")


def _place(item: "Any") -> "Tuple[str, int]":
    function: "Any" = getattr(item, "function", None)
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = getattr(function, "__code__", None)
    if code is not None:
        return code.co_filename, code.co_firstlineno
    file, line, _ = item.location
    return str(item.config.rootpath / file), (line or 0) + 1


class Frames:
    """Runs each test below a frame. pytest has no hook that calls a test, so this plugin is the
    first of those that may run it, and calls the others.
    """

    def __init__(self, by_test: "Optional[str]") -> None:
        self._by_test = by_test
        #: Reasons for which results of tests are missing.
        self.problems: "List[str]" = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: "Any", nextitem: "Any") -> "Any":
        hooks = item.config.hook.pytest_runtest_protocol.get_hookimpls()
        plain = [hook for hook in hooks if not (hook.hookwrapper or getattr(hook, "wrapper", 0))]
        own = next(place for place, hook in enumerate(plain) if hook.plugin is self)
        values = {"item": item, "nextitem": nextitem}

        def call() -> "Any":
            for hook in reversed(plain[:own]):
                result = hook.function(*[values[name] for name in hook.argnames])
                if result is not None:
                    return result
            return None

        if self._by_test is None:
            return _frame_of(item)(call)
        recorder = _native.Recorder(threads=True, live_dir="")
        recorder.enable()
        try:
            return _frame_of(item)(call)
        finally:
            recorder.stop()
            self._save(recorder, path_of_test(self._by_test, item.nodeid, ".prof"))

    def _save(self, recorder: "_native.Recorder", path: str) -> None:
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            recorder.save(path)
        except Exception as error:
            self.problems.append(f"cannot write {path}: {error}")
        finally:
            recorder.abandon()
