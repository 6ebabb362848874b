"""Code that the interpreter compiles while it runs (PEP 744): counts stay exact."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from prof_file import ProfFile
from running import write

JIT = getattr(sys, "_jit", None)
HOOKS = ["setprofile", "monitoring"]

PROGRAM = """
    import sys
    from edbprof_native import Profile

    assert sys._jit.is_enabled()

    class Number:
        def __init__(self, value):
            self.value = value

        def plus(self, other):
            return Number(self.value + other.value)

    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    def count(n):
        for i in range(n):
            yield i

    def fail(i):
        if i % 3 == 0:
            raise ValueError
        return i

    def work(rounds):
        total = Number(0)
        for i in range(rounds):
            total = total.plus(Number(i))
            try:
                fail(i)
            except ValueError:
                len("caught")
        fib(15)
        return total, sum(count(rounds))

    work(8000)  # Long enough for the loop to be compiled before it is recorded, and after.
    for part in range(2):
        recorded = Profile(hook=sys.argv[1])
        recorded.enable()
        work(8000)
        recorded.disable()
        recorded.save(f"{part}.prof")
        recorded.close()
        work(8000)
"""


@pytest.mark.skipif(JIT is None or not JIT.is_available(), reason="needs a build with the JIT")
@pytest.mark.parametrize("hook", HOOKS)
def test_counts_are_exact(tmp_path, hook):
    write(tmp_path / "program.py", PROGRAM)
    environment = {**os.environ, "PYTHON_JIT": "1"}
    command = [sys.executable, "program.py", hook]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    for part in range(2):
        calls = {}
        for node in ProfFile(tmp_path / f"{part}.prof").threads[0].nodes:
            calls[node.name] = calls.get(node.name, 0) + node.calls
        expected = {"work": 1, "plus": 8000, "__init__": 16_001, "fail": 8000, "fib": 1973}
        expected["count"] = 1
        assert {name: calls.get(name) for name in expected} == expected
