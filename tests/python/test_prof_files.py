"""The `.prof` file, read with nothing but `marshal` and `array`, as its docs promise."""

from __future__ import annotations

import array
import marshal
import os
import pstats
import sys
import time
import uuid
from pathlib import Path

import pytest
from edbprof_native import Profile
from prof_file import ProfFile


def leaf():
    pass


def program(n):
    for _ in range(n):
        leaf()


def recorded(path, n=3):
    profile = Profile()
    profile.enable()
    program(n)
    profile.disable()
    profile.save(path)
    return path


def test_as_the_docs_show_it(tmp_path):
    """The example in src/format/prof.rs."""
    with open(recorded(tmp_path / "edbprof_1.prof"), "rb") as f:
        rows, exact = marshal.load(f), marshal.load(f)
        assert f.read() == b""
    parents = array.array("I", exact["threads"][0]["parent"])
    assert list(parents) == [2**32 - 1, 0]
    assert {name for _, _, name in rows} == {"program", "leaf"}
    assert list(exact)[:2] == ["magic", "version"]


def test_every_field_of_the_second_object(tmp_path):
    before = time.time_ns()
    exact = ProfFile(recorded(tmp_path / "x.prof")).exact
    assert set(exact) == {
        "magic", "version", "recordings", "processes", "functions", "threads",
    }  # fmt: skip
    (identity,) = exact["recordings"]
    assert isinstance(identity, bytes) and len(identity) == 16
    (process,) = exact["processes"]
    # Whether another test has made this process measure that is not known here.
    process.pop("calibration", None)
    process.pop("recording_ns", None)
    # Counts what other tests and the system did.
    process.pop("lost_spans", None)
    process.pop("estimated_waits", None)
    assert set(process) == {
        "pid", "parent_pid", "argv", "host", "hook", "clock", "clock_resolution_ns",
        "start_unix_ns", "duration_ns", "processor_ns", "ending", "dropped_calls", "waiting",
        "process_start", "boot_id", "pid_namespace", "program",
    }  # fmt: skip
    if sys.platform == "linux":
        stat = Path("/proc/self/stat").read_text()
        assert process["process_start"] == int(stat.rpartition(")")[2].split()[19])
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        assert process["boot_id"] == uuid.UUID(boot_id).bytes
        assert process["pid_namespace"] == os.stat("/proc/self/ns/pid").st_ino
    assert 0 < process["program"] < 2**64
    assert (process["pid"], process["parent_pid"]) == (os.getpid(), os.getppid())
    assert process["clock"] in ("tsc", "monotonic")
    assert 0 < process["clock_resolution_ns"] < 1e6
    assert before <= process["start_unix_ns"] <= time.time_ns()
    assert 0 < process["duration_ns"] <= time.time_ns() - before + 10**9
    assert (process["ending"], process["dropped_calls"]) == (0, 0)
    assert all(isinstance(argument, str) for argument in process["argv"])
    (thread,) = exact["threads"]
    thread.pop("class_calls", None)  # there where calls have been measured by then
    assert set(thread) == {"process", "name", "parent", "function", "calls", "resumes", "total"}
    assert (thread["process"], thread["name"]) == (0, "MainThread")
    for function in exact["functions"]:
        kind, flags, file, line, name, qualified_name, module, generic = function
        # Python 3.11 has a slowness of each function.
        assert (flags != 0) == (sys.version_info[:2] == (3, 11)) and flags & 0xFF == 0
        assert (kind, file, module, generic) == (0, __file__, __name__, None)
        assert line == globals()[name].__code__.co_firstlineno
        # co_qualname is there from 3.11 on.
        assert qualified_name == (name if sys.version_info >= (3, 11) else "")


def test_every_recording_has_an_identity_of_its_own(tmp_path):
    identities = [
        ProfFile(recorded(tmp_path / f"{n}.prof")).exact["recordings"][0] for n in range(20)
    ]
    assert len(set(identities)) == 20


def test_identity_stays_from_save_to_save(tmp_path):
    profile = Profile()
    identities = set()
    for n in range(3):
        with profile:
            leaf()
        profile.save(tmp_path / f"{n}.prof")
        identities.add(ProfFile(tmp_path / f"{n}.prof").exact["recordings"][0])
    assert len(identities) == 1


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="3.11 alone has it")
def test_slowness_of_functions(record):
    """Code that is specialized otherwise is slowed more; a loop counts for more than its rest."""

    def attributes(value):
        for _ in value:
            value.a = value.b

    def texts(value):
        for _ in value:
            f"{value}{value}"

    file = record(lambda: (attributes(()), texts(())))
    flags = {function[4]: function[1] for function in file.functions}
    assert flags["attributes"] > 3 * flags["texts"]
    loops = [f"{' ' * depth}for _ in x:\n" for depth in range(1, 15)]
    namespace = {}
    exec("def nested(x):\n" + "".join(loops) + " " * 15 + "x.a\n", namespace)
    file = record(lambda: namespace["nested"](()))
    (nested_flags,) = (function[1] for function in file.functions if function[4] == "nested")
    assert flags["texts"] < nested_flags <= 0xFF00


def test_functions_with_one_label_are_added_up(record):
    """cProfile's rows keep the last one only."""
    functions = [lambda: 1, lambda: 2]  # of one line, on purpose
    file = record(lambda: [function() for function in functions for _ in range(5)])
    line = functions[0].__code__.co_firstlineno
    assert file.rows[__file__, line, "<lambda>"][:2] == (10, 10)
    assert len([function for function in file.functions if function[3] == line]) == 2


def test_callers_counts_have_cprofiles_order(record):
    """(nc, cc, tt, ct), though a row itself begins with cc, nc."""

    def down(n):
        return n and down(n - 1)

    file = record(lambda: down(4))
    (row,) = (row for label, row in file.rows.items() if label[2] == "down")
    cc, nc, _tt, _ct, callers = row
    assert (cc, nc) == (1, 5)
    by_name = {label[2]: edge[:2] for label, edge in callers.items()}
    assert by_name == {"<lambda>": (1, 1), "down": (4, 1)}


def test_pstats_reads_the_file_and_what_it_writes_is_plain(tmp_path):
    path = recorded(tmp_path / "ours.prof", 5)
    stats = pstats.Stats(str(path))
    assert stats.total_calls == 6
    stats.dump_stats(tmp_path / "plain.prof")
    with open(tmp_path / "plain.prof", "rb") as file:
        assert marshal.load(file) == ProfFile(path).rows
        assert file.read() == b""


def test_replaced_as_a_whole(tmp_path):
    """A reader sees the old file or the new one: it is written beside it and renamed."""
    path = recorded(tmp_path / "x.prof", 1)
    with open(path, "rb") as old:
        before = os.fstat(old.fileno()).st_ino
        recorded(path, 1000)
        assert os.stat(path).st_ino != before
        assert marshal.load(old)
    assert os.listdir(tmp_path) == ["x.prof"]
    assert ProfFile(path).calls("leaf") == 1000


def test_a_snapshot_of_a_running_thread(tmp_path):
    """Another thread's open calls are in it, with their time so far."""
    import threading

    profile = Profile()
    inside, may_end = threading.Event(), threading.Event()

    def waiting():
        leaf()
        inside.set()
        may_end.wait()

    def thread():
        with profile:
            waiting()

    other = threading.Thread(target=thread)
    other.start()
    inside.wait()
    try:
        profile.save(tmp_path / "x.prof")
    finally:
        may_end.set()
        other.join()
    file = ProfFile(tmp_path / "x.prof")
    assert (file.calls("waiting"), file.calls("leaf")) == (1, 1)
    assert min(node.self_time for node in file.nodes) >= 0
