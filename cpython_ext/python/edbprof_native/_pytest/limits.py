"""Limits for the calls of tests: those of the marker, and baselines in budgets of `edbprof check`."""

import os
import subprocess
from contextlib import contextmanager

import pytest

from .. import _native, _program
from .names import path_of_test

TYPE_CHECKING = False  # see ../_decorator.py
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

# Tests replace it in its module.
_Popen = subprocess.Popen

#: Exit status of `edbprof check` where a limit is broken.
_BROKEN = 5


@contextmanager
def counting(config: "Any") -> "Iterator[Callable[[str], int]]":
    """Yield a function that counts calls by a pattern, in the recording of the run or else in one
    of its own.
    """
    run = config.pluginmanager.get_plugin("edbprof-run")
    recorder = run.recorder if run is not None else None
    if recorder is not None:
        earlier = recorder.count_calls()
        yield lambda pattern: recorder.calls(pattern, earlier)
        return
    own = _native.Recorder(threads=True, live_dir="")
    own.enable()
    try:
        yield lambda pattern: own.calls(pattern, b"")
    finally:
        own.stop()
        own.abandon()


class Limits:
    """Checks the limits of marked tests."""

    def __init__(
        self, recorder: "_native.Recorder", directory: str, baselines: str, update: bool
    ) -> None:
        self._recorder = recorder
        self._directory = directory
        self._baselines = baselines
        self._update = update
        self.missing = 0
        self.written = 0
        self.problems: "List[str]" = []

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self, item: "Any") -> "Iterator[None]":
        marker = item.get_closest_marker("edbprof")
        if marker is None:
            yield
            return
        try:
            limits, patterns = _asked(marker)
        except ValueError as error:
            _fail((yield), f"{error}")
            return
        if limits is not None:
            earlier = self._recorder.count_calls()
            outcome: "Any" = yield
            _fail(outcome, self._broken(item, limits, earlier))
            return
        recorder = _native.Recorder(threads=True, live_dir="")
        recorder.enable()
        outcome = yield
        recorder.stop()
        try:
            if outcome.excinfo is None:
                _fail(outcome, self._compared(item, recorder, patterns))
        finally:
            recorder.abandon()

    def _broken(self, item: "Any", limits: "Dict[str, int]", earlier: bytes) -> str:
        lines = []
        for pattern, limit in limits.items():
            calls = self._recorder.calls(pattern, earlier)
            if calls > limit:
                lines.append(f'calls("{pattern}"): at most {limit:,}, but there were {calls:,}')
        return "\n".join(lines)

    def _compared(
        self, item: "Any", recorder: "_native.Recorder", patterns: "Tuple[str, ...]"
    ) -> str:
        """Return a text that names the limits of the baseline that are broken; empty if none is."""
        baseline = path_of_test(self._baselines, item.nodeid, ".toml")
        if not self._update and not os.path.exists(baseline):
            self.missing += 1
            return ""
        path = os.path.join(self._directory, f"checked_{os.getpid()}.prof")
        command = [_program.find(), "check", f"--budget={baseline}"]
        if self._update:
            command += ["--update", *(f"--include={pattern}" for pattern in patterns)]
        try:
            if self._update:
                os.makedirs(os.path.dirname(baseline), exist_ok=True)
            recorder.save(path)
            checking = _Popen([*command, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            told = b"\n".join(checking.communicate()).decode("utf-8", "replace").strip()
        except Exception as error:
            self.problems.append(f"cannot check {baseline}: {error}")
            return ""
        if checking.returncode == _BROKEN:
            return f"{told}\nmore than in {os.path.relpath(baseline)}; --edbprof-update accepts it"
        if checking.returncode:
            self.problems.append(f"cannot check {baseline}: {told}")
        elif self._update:
            self.written += 1
        return ""


def _asked(marker: "Any") -> "Tuple[Optional[Dict[str, int]], Tuple[str, ...]]":
    """Return limits with numbers, or else patterns of functions that the baseline has to have."""
    given = dict(marker.kwargs)
    if marker.args and "max_calls" not in given:
        given["max_calls"] = marker.args[0]
    asked = given.pop("max_calls", None)
    if given or len(marker.args) > 1:
        raise ValueError("the marker edbprof takes max_calls alone")
    if asked is None:
        return None, ()
    if isinstance(asked, str):
        return None, (asked,)
    if isinstance(asked, dict):
        numbers = all(type(limit) is int and limit >= 0 for limit in asked.values())
        if numbers and _are_patterns(asked):
            return dict(asked), ()
    elif isinstance(asked, (list, tuple)) and _are_patterns(asked):
        return None, tuple(asked)
    raise ValueError(
        "max_calls of the marker edbprof must be a dict from patterns to numbers of calls, "
        f"or a list of patterns, not {asked!r}"
    )


def _are_patterns(asked: "Any") -> bool:
    return all(isinstance(pattern, str) and pattern for pattern in asked)


def _fail(outcome: "Any", why: str) -> None:
    """Make a test that has passed fail, if there is a reason."""
    if not why or outcome.excinfo is not None:
        return
    failure = pytest.fail.Exception(f"edbprof: {why}", pytrace=False)
    if not hasattr(outcome, "force_exception"):  # Before pluggy 1.1.
        raise failure
    outcome.force_exception(failure)
