"""Everything at once in several threads, and every call counted: programs/stress.py."""

from __future__ import annotations

import os

import pytest
from test_threads import HOOKS

ROUNDS = 2
SECONDS = int(os.environ.get("EDBPROF_STRESS_SECONDS", "0"))
SEED = int(os.environ.get("EDBPROF_STRESS_SEED", "1"))


@pytest.mark.parametrize("hook", HOOKS)
def test_every_call_counts_while_everything_happens(run, tmp_path, hook):
    directory = tmp_path / "results"
    directory.mkdir()
    done = run("stress.py", directory, hook, SEED, ROUNDS, SECONDS)
    rounds, _, calls, _ = done.out.split()
    assert int(rounds) > 0 and int(calls) > 0
