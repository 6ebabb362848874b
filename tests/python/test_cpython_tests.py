"""CPython's own tests of cProfile and profile, with `edbprof_native` in their place.

They come with CPython's sources and most installations of it, and are run from there.
"""

from __future__ import annotations

import importlib
import re
import sys
import unittest
import warnings

import edbprof_native
import pytest

PRIVATE = (
    "it makes a `_lsprof.Profiler` and expects `sys.unraisablehook` to be told of a failing "
    "timer; ours says it on stderr, once: test_timers.py"
)
PLACE = (
    "it looks up who is the profiler of `sys.getprofile()` or `sys.monitoring`, where ours "
    "stands under its own name: test_cprofile_interface.py has what else is in it"
)
LABELS = (
    "it expects the names and times of profile, which is written in Python, where ours are "
    "those of cProfile: CProfileTest has the same test with these"
)

# The tests that can't pass, and why.
UNLIKE_CPROFILE = {
    "CProfileTest.test_bad_counter_during_dealloc": PRIVATE,
    "CProfileTest.test_evil_external_timer": PRIVATE,
    "CProfileTest.test_crash_with_not_enough_args": PRIVATE,
    "CProfileTest.test_external_timer_reinitializes_profiler": PRIVATE,
    "CProfileTest.test_external_timer_result_reentry": PRIVATE,
    "CProfileTest.test_profile_enable_disable": PLACE,
    "CProfileTest.test_profile_as_context_manager": PLACE,
    "CProfileTest.test_second_profiler": "it expects that a second profiler is refused",
    "ProfileTest.test_cprofile": LABELS,
    "ProfileTest.test_calling_conventions": LABELS,
}
if sys.version_info < (3, 13):
    UNLIKE_CPROFILE["CProfileTest.test_throw"] = (
        "it expects that closing a generator counts as a call, and no more from 3.13 on"
    )

# Others in these modules start `python -m cProfile` itself.
CASES = [
    ("test.test_cprofile", "CProfileTest"),
    ("test.test_profile", "ProfileTest"),
    # From Python 3.15 on.
    ("test.test_profiling.test_tracing_profiler", "CProfileTest"),
]


class InPlaceOfCProfile:
    """Goes before CPython's test case."""

    profilerclass = edbprof_native.Profile
    profilermodule = edbprof_native.tracing

    # Columns are as wide as the longest name, and cProfile's is that of its own `disable`.
    @classmethod
    def do_profiling(cls):
        return [squeezed(result) for result in super().do_profiling()]

    def get_expected_output(self):
        expected = super().get_expected_output()
        return {method: squeezed(text) for method, text in expected.items()}


def squeezed(result):
    return re.sub(" +", " ", result) if isinstance(result, str) else result


def case_class(module, name):
    """The test case with ours in the place of CPython's, or None where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            original = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name.split(".")[0] != "test":
            raise
        return None
    return type(name, (InPlaceOfCProfile, original), {"__module__": original.__module__})


def listed():
    for module, name in CASES:
        case = case_class(module, name)
        for test in unittest.defaultTestLoader.getTestCaseNames(case) if case else ():
            yield pytest.param(case, test, id=f"{module}.{name}.{test}")


TESTS = list(listed())


def test_they_are_installed():
    if not TESTS:
        pytest.skip(f"{sys.executable} has no CPython tests of cProfile: they are not run")
    assert {case.__name__ for case, _ in (each.values for each in TESTS)} == {
        "CProfileTest",
        "ProfileTest",
    }


@pytest.mark.parametrize("case, test", TESTS)
def test_of_cpython(case, test, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = []

    def profiler(*arguments, **keywords):
        made.append(edbprof_native.Profile(*arguments, **keywords))
        return made[-1]

    # The class below cProfile's, which some tests make for themselves.
    monkeypatch.setattr("_lsprof.Profiler", profiler)
    result = unittest.TestResult()
    case(test).run(result)
    for profile in made:
        profile.disable()  # Some drop it instead, which ends it with cProfile alone.
    assert sys.getprofile() is None
    assert result.testsRun == 1
    assert not result.skipped
    failed = [text for _, text in result.failures + result.errors]
    reason = UNLIKE_CPROFILE.get(f"{case.__name__}.{test}")
    if reason is None:
        assert not failed, failed[0]
    else:
        assert failed, "it passes: take it from the list"
        pytest.xfail(reason)
