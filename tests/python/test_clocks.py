"""Which clock stamps the events, and that it tells the time."""

from __future__ import annotations

import json
import signal
import sys

import pytest
from prof_file import only_file
from test_killed import aggregate

PROGRAM = """
    import json, os, signal, sys, time
    from edbprof_native import Profile, profile

    @profile(dir=sys.argv[1])
    def decorated():
        begun = time.monotonic_ns()
        time.sleep(0.02)
        inside = time.monotonic_ns() - begun
        if sys.argv[2] == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        return inside

    begun = time.monotonic_ns()
    inside = decorated()
    print(json.dumps([inside, time.monotonic_ns() - begun]))
"""


@pytest.mark.parametrize("forbidden", ["1", ""])
def test_the_counter_can_be_forbidden(run, tmp_path, monkeypatch, forbidden):
    monkeypatch.setenv("EDBPROF_NO_TSC", forbidden)
    told = run(PROGRAM, tmp_path, "saved")
    inside, outside = json.loads(told.out)
    file = only_file(tmp_path)
    (node,) = (node for node in file.nodes if node.name == "decorated")
    clock = file.process["clock"]
    if forbidden:
        assert clock == "monotonic"
        # The very same clock.
        assert inside <= node.total <= outside
    else:
        assert clock in ("tsc", "monotonic")
        assert inside * 0.99 <= node.total <= outside * 1.01


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="live files are Linux's")
def test_a_killed_process_that_had_no_counter(run, tmp_path, monkeypatch):
    monkeypatch.setenv("EDBPROF_NO_TSC", "1")
    directory = tmp_path / "files"
    directory.mkdir()
    run(PROGRAM, directory, "killed", code=-signal.SIGKILL)
    file, account = aggregate(directory)
    assert account["killed"] == 1
    assert file.process["clock"] == "monotonic"
    (node,) = (node for node in file.nodes if node.name == "decorated")
    assert 20_000_000 <= node.total < 60 * 10**9
