"""Times of tests, of their fixtures and of pytest's own work, from the call trees of a profile."""

import array
import marshal
import os
import re
import sys

import pytest

TYPE_CHECKING = False  # see ../_decorator.py
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Tuple

_NO_PARENT = 2**32 - 1
_PYTHON = 0

#: Owners of nodes that belong to no fixture.
_OUTSIDE, _PYTEST, _TEST = -3, -2, -1

#: Functions of pytest that call a fixture's function, or end a fixture.
_CALL_FIXTURES = ("call_fixture_func", "_teardown_yield_fixture")
_CALL_FINALIZERS = ("finish", "teardown_exact")
#: Fixtures of pytest for parameters, and a function that it calls on the way.
_NO_FIXTURES = ("get_direct_param_fixture_func", "is_generator")

#: Directory in which pytest is installed, and usually its plugins.
_PACKAGES = os.path.dirname(os.path.dirname(pytest.__file__)) + os.sep
_STANDARD = os.path.dirname(os.__file__) + os.sep, "<frozen "


class Test:
    """Nanoseconds of one test, and calls of functions."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.runs = 0
        self.total = 0
        self.itself = 0
        self.waiting = 0
        self.pytest = 0
        self.fixtures: "Dict[str, int]" = {}
        #: Self time and calls of the functions that the test itself called.
        self.functions: "Dict[int, List[int]]" = {}

    def most(self, share: float) -> "List[Tuple[int, int, int]]":
        """Return the functions with at least that share of the time, the longest first, but at
        least one: self time, calls and number of each.
        """
        rows = ((time, calls, number) for number, (time, calls) in self.functions.items())
        longest = sorted(rows, reverse=True)
        least = self.itself * share
        return longest[:1] + [row for row in longest[1:] if row[0] >= least]


class Figures:
    """Figures of tests in a profile, the slowest first."""

    def __init__(self, path: str) -> None:
        with open(path, "rb") as file:
            marshal.load(file)  # The rows for pstats.
            exact = marshal.load(file)
        self._functions: "List[Tuple[Any, ...]]" = exact["functions"]
        self._parts = [_part(function) for function in self._functions]
        self.collection = 0
        tests: "Dict[int, Test]" = {}
        for thread in exact["threads"]:
            self._add(thread, tests)
        self.tests = sorted(tests.values(), key=lambda test: (-test.total, test.name))

    def name(self, number: int) -> str:
        """Return a short name: `loads` of json is `json.loads`, methods are `Class.method`."""
        _, _, _, _, name, qualified, module, _ = map(str, self._functions[number])
        builtin = re.match(r"<built-in method (.+?)(?: of .*)?>$", name)
        method = re.match(r"<(?:method|slot wrapper) '(.+)' of '(.+)' objects>$", name)
        if name == "<module>":
            return f"import {module}"
        if builtin:
            name = builtin[1]
        elif method:
            name = f"{method[2]}.{method[1]}"
        else:
            name = ".".join(part for part in (module, qualified or name) if part)
        return ".".join(name.replace(".<locals>", "").split(".")[-2:])

    def _add(self, thread: "Dict[str, Any]", tests: "Dict[int, Test]") -> None:
        parents, functions = (_column("I", thread[key]) for key in ("parent", "function"))
        calls, totals = (_column("Q", thread[key]) for key in ("calls", "total"))
        self_times = array.array("q", totals)
        for parent, total in zip(parents, totals):
            if parent != _NO_PARENT:
                self_times[parent] -= total
        waiting = dict(_waits(thread))
        count = len(parents)
        owners = [_OUTSIDE] * count  # Owner of each node; for a fixture, the node of its function.
        of_test: "List[int]" = [-1] * count  # Number of the test's function.
        callers = list(range(count))  # The nearest node of a Python function.
        names: "Dict[int, int]" = {}  # From a fixture to the function that it is named after.
        for node in range(count):
            parent, function = parents[node], functions[node]
            is_test, is_python, family, _, _ = self._parts[function]
            if not is_python and parent != _NO_PARENT:
                callers[node] = callers[parent]
            owner = owners[parent] if parent != _NO_PARENT else _OUTSIDE
            if owner == _OUTSIDE:
                if not is_test:
                    if self._functions[function][4] == "perform_collect" and family:
                        self.collection += totals[node]
                    continue
                test = tests.setdefault(function, Test(self._functions[function][4]))
                test.runs += calls[node]
                test.total += totals[node]
                of_test[node] = function
                owner = _PYTEST
            else:
                of_test[node] = of_test[parent]
                if owner == _PYTEST:
                    caller = functions[callers[parent]]
                    owner = self._owner(node, function, caller, of_test[node])
                elif owner >= 0 and owner not in names:
                    self._name(owner, functions[owner], function, names)
            owners[node] = owner
            test = tests[of_test[node]]
            time = max(0, self_times[node])
            if owner == _PYTEST:
                test.pytest += time
            elif owner == _TEST:
                test.itself += time
                test.waiting += waiting.get(node, 0)
                row = test.functions.setdefault(function, [0, 0])
                row[0] += time
                row[1] += calls[node]
        for node, owner in enumerate(owners):
            if owner >= 0:
                name = self._fixture(functions[owner], names.get(owner))
                fixtures = tests[of_test[node]].fixtures
                fixtures[name] = fixtures.get(name, 0) + max(0, self_times[node])

    def _owner(self, node: int, function: int, caller: int, test: int) -> int:
        """Return the owner of a call that pytest itself makes for a test."""
        _, is_python, family, _, name = self._parts[function]
        if not is_python:
            return _PYTEST
        own, its_caller = self._functions[function], self._functions[caller]
        if name == "runtest" or own[2:4] == self._functions[test][2:4]:
            return _TEST
        if caller == test:
            return _PYTEST if family else node  # pytest's functions may not be recorded.
        is_standard = str(own[2]).startswith(_STANDARD) and not _is_installed(str(own[2]))
        if not self._parts[caller][2] or is_standard or name.startswith("__"):
            return _PYTEST
        if its_caller[4] in _CALL_FIXTURES:
            return _PYTEST if name in _NO_FIXTURES else node
        return node if its_caller[4] in _CALL_FINALIZERS and not family else _PYTEST

    def _name(self, owner: int, root: int, function: int, names: "Dict[int, int]") -> None:
        """Name a fixture that a plugin calls through a function of its own after the program's."""
        is_plugins = self._parts[root][3] and not self._parts[root][2]
        _, is_python, _, is_library, _ = self._parts[function]
        is_named = not self._parts[function][4].startswith(("<", "__"))
        if is_plugins and is_python and not is_library and is_named:
            names[owner] = function

    def _fixture(self, root: int, named: "int | None") -> str:
        function = self._functions[root if named is None else named]
        _, _, _, line, name, qualified, *_ = function
        if name == "<lambda>":  # A finalizer, which a fixture has made.
            # Python has qualified names of code from 3.11 on.
            name = str(qualified).partition(".<locals>")[0] or f"finalizer at line {line}"
        return re.sub(r"^_?(?:xunit|unittest)_(.+)_fixture$", r"\1", str(name))


def _part(function: "Tuple[Any, ...]") -> "Tuple[bool, bool, bool, bool, str]":
    """Return (is a test's frame, is Python, is of pytest itself, is of a library, name)."""
    kind, _, file, _, name = function[:5]
    file, name = str(file), str(name)
    is_python = kind == _PYTHON
    family = re.search(r"[/\\](_pytest|pluggy|xdist)[/\\]", file) is not None
    is_plugin = re.search(r"[/\\](pytest_[a-z_]+|anyio)[/\\]", file) is not None
    is_library = family or is_plugin or _is_installed(file) or file.startswith(_STANDARD)
    return is_python and "::" in name, is_python, family, is_library, name


def _is_installed(file: str) -> bool:
    in_packages = re.search(r"[/\\](site|dist)-packages[/\\]", file) is not None
    return in_packages or file.startswith(_PACKAGES)


def _column(code: str, data: bytes) -> "array.array[int]":
    values = array.array(code, data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _waits(thread: "Dict[str, Any]") -> "Iterator[Tuple[int, int]]":
    columns = [
        _column("Q", thread.get(f"waiting_{kind}", b"")) for kind in ("blocked", "gil", "preempted")
    ]
    for node, *parts in zip(_column("I", thread.get("waiting_node", b"")), *columns):
        yield node, sum(parts)
