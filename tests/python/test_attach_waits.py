"""Waits that `edbprof attach` finds: threads that have no event, or their first one, meanwhile."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from attaching import edbprof

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="doors are on Linux only")

WAITING = (
    *("sleeps", "locks", "locks_with", "receives", "reads", "iterates", "selects", "notified"),
    "waits_for_child",
)

#: A function for each kind of wait. All of them last as long as the program.
WAITS = """
    import os, select, socket, subprocess, sys, threading, time

    ours, theirs = socket.socketpair()
    lock = threading.Lock()
    lock.acquire()
    condition = threading.Condition()
    # It ends with this process.
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    number = 0
    FUNCTIONS = ["spins"]

    def sleeps():
        time.sleep(1000)

    def locks():
        lock.acquire()

    def locks_with():
        with lock:
            pass

    def receives():
        ours.recv(1)

    def reads():
        os.read(ours.fileno(), 1)

    def iterates():
        for line in ours.makefile():
            pass

    def selects():
        select.select([ours], [], [])

    def notified():
        with condition:
            condition.wait()

    def waits_for_child():
        child.wait()

    def spins():
        global number
        while True:
            number += 1

    def main(started, stop):
        for name in FUNCTIONS:
            threading.Thread(target=globals()[name], name=name, daemon=True).start()
        for name, thread in zip(FUNCTIONS, threading.enumerate()[1:]):
            # Its stack is where it stays.
            while name != "spins" and not is_waiting(thread):
                pass
        with open(started + ".tmp", "w") as file:
            print(os.getpid(), file=file)
        os.rename(started + ".tmp", started)
        while not os.path.exists(stop):
            pass
        os._exit(0)

    def is_waiting(thread):
        with open(f"/proc/self/task/{thread.native_id}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "S"

    main(sys.argv[1], sys.argv[2])
"""


def attach_to(started, tmp_path):
    """Records the program for half a second. Returns its functions."""
    done = edbprof("attach", "--seconds=0.5", "--quiet", started.pid, tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr
    done = edbprof("top", "--json", "--limit=0", "profile_analysis.prof", tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr
    return {each["name"]: each for each in json.loads(done.stdout)["functions"]}


def test_threads_that_wait_all_through_are_blocked(target, tmp_path):
    text = WAITS.replace('["spins"]', repr(WAITING))
    found = attach_to(target(text=text), tmp_path)
    # Three wait in a function of the library that is written in Python.
    inner = {"iterates": "SocketIO.readinto", "notified": "Condition.wait"}
    inner["waits_for_child"] = "Popen._try_wait"
    for name in WAITING:
        function = inner.get(name, name)
        figures = found.get(function) or found[function.rpartition(".")[2]]
        waiting = figures["waiting"]
        assert waiting["blocked_ns"] >= 0.9 * figures["self_ns"] > 0.3e9, figures
        assert waiting["gil_ns"] == 0, figures


def processor_ns(pid):
    """Processor time of each thread of a process."""
    paths = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return {path.parent.name: int(path.read_text().split()[0]) for path in paths}


def test_a_thread_that_computes_all_through_is_not_blocked(target, tmp_path):
    started = target(text=WAITS)
    before = processor_ns(started.pid)
    figures = attach_to(started, tmp_path)["spins"]
    after = processor_ns(started.pid)
    waiting = figures["waiting"]
    ran = figures["self_ns"] - sum(waiting.values())
    most = max(after[task] - before.get(task, 0) for task in after)
    assert 0 < ran <= most + 20e6, (figures, most)
    assert waiting["blocked_ns"] <= 0.1 * figures["self_ns"], figures


NAPS = """
    import os, sys, threading, time

    def naps():
        while True:
            time.sleep(0.1)

    def main(started, stop):
        threading.Thread(target=naps, daemon=True).start()
        with open(started + ".tmp", "w") as file:
            print(os.getpid(), file=file)
        os.rename(started + ".tmp", started)
        while not os.path.exists(stop):
            pass

    main(*sys.argv[1:])
"""


def test_the_wait_before_a_thread_s_first_event_counts(target, tmp_path):
    found = attach_to(target(text=NAPS), tmp_path)
    naps, sleep = found["naps"], found["time.sleep"]
    # The first nap began before the recording, and is in its caller.
    assert naps["self_ns"] <= 0.1e9 + 0.9 * naps["total_ns"]
    waited = [sum(each["waiting"].values()) for each in (naps, sleep)]
    assert waited[0] >= 0.9 * naps["self_ns"] - 20e6, naps
    assert sum(waited) >= 0.9 * naps["total_ns"] - 20e6, (naps, sleep)
