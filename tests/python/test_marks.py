"""Marks, counters and asynchronous spans: on the timeline, and in no call tree."""

from __future__ import annotations

import json
import subprocess
import threading

import pytest
from edbprof_native import Profile, async_span, counter, mark
from edbprof_native._program import find
from prof_file import ProfFile


def exported(path, name):
    command = [find(), "export", f"--format={name}", "--output=-", f"{path}.timeline"]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


def recorded(function, path):
    """Marks in Chrome's format, and the file's functions."""
    profiler = Profile(timeline=True, threads=True)
    profiler.runcall(function)
    profiler.save(path)
    events = json.loads(exported(path, "chrome"))["traceEvents"]
    marks = [event for event in events if event.get("cat") == "mark"]
    return sorted(marks, key=lambda event: event["ts"])


def test_marks_and_counters(tmp_path):
    def work():
        mark("begun")
        for number in (1, 2.5, -3):
            counter("queue", number)
        mark("ended")

    path = tmp_path / "a.prof"
    marks = recorded(work, path)
    assert [(each["ph"], each["name"]) for each in marks] == [
        ("i", "begun"),
        *[("C", "queue")] * 3,
        ("i", "ended"),
    ]
    assert [each["args"]["value"] for each in marks if each["ph"] == "C"] == [1, 2.5, -3]
    assert {label[2] for label in ProfFile(path).rows}.isdisjoint({"begun", "queue", "ended"})


def test_a_span_that_another_thread_ends(tmp_path):
    span = async_span("request")

    def finish():
        span.end()

    def work():
        span.begin()
        with async_span("request"):
            thread = threading.Thread(target=finish, name="finisher")
            thread.start()
            thread.join()

    first, second, third, fourth = recorded(work, tmp_path / "a.prof")
    assert [each["ph"] for each in (first, second, third, fourth)] == ["b", "b", "e", "e"]
    assert first["id"] == third["id"] != second["id"] == fourth["id"]
    assert first["tid"] == second["tid"] == fourth["tid"] != third["tid"]


def test_perfetto_has_them(tmp_path):
    def work():
        mark("a moment")
        counter("a number", 1.5)
        with async_span("a request"):
            pass

    recorded(work, tmp_path / "a.prof")
    found = exported(tmp_path / "a.prof", "perfetto")
    for name in (b"a moment", b"a number", b"a request"):
        assert name in found
    for name in ("speedscope", "firefox"):
        exported(tmp_path / "a.prof", name)


def test_nothing_happens_where_nothing_is_recorded():
    mark("a")
    counter("a", 1)
    with async_span("a") as span:
        pass
    span.end()
    with Profile(live_dir=""):
        mark("a")


def test_wrong_arguments():
    with pytest.raises(TypeError, match="str"):
        mark(1)
    with pytest.raises(TypeError):
        counter("a", "b")
    with pytest.raises(TypeError, match=r"counter\(\) takes 2 arguments, not 1"):
        counter("a")
    with pytest.raises(TypeError, match="str"):
        async_span(1)


def test_many_marks_take_further_blocks(tmp_path):
    def work():
        for number in range(10_000):
            counter("number", number)

    marks = recorded(work, tmp_path / "a.prof")
    assert [each["args"]["value"] for each in marks] == list(range(10_000))
