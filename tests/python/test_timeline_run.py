"""Timelines of whole runs, and what the commands make of timelines."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter

import pytest
from edbprof_native import Profile
from edbprof_native._program import find
from prof_file import ProfFile
from running import write
from timeline_file import SETPROFILE, check_against, only_process, read_timeline

HOOKS = [SETPROFILE, *(["monitoring"] if sys.version_info >= (3, 12) else [])]


def callee():
    pass


PROGRAM = """
    import multiprocessing, os, signal, subprocess, sys, threading

    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    def square(n):
        return n * n

    def in_thread():
        fib(6)

    def killed():
        fib(5)
        os.kill(os.getpid(), signal.SIGKILL)

    def main():
        fib(7)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            pool.map(square, range(20))
            pool.close()
            pool.join()
        thread = threading.Thread(target=in_thread)
        thread.start()
        thread.join()
        code = "def started(n): return n and started(n - 1)\\nstarted(3)"
        subprocess.run([sys.executable, "-c", code], check=True)
        if os.fork() == 0:
            killed()
        os.wait()

    if __name__ == "__main__":
        main()
    """


def edbprof(*arguments):
    return subprocess.run(
        [find(), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )


def printed(*arguments):
    done = edbprof(*arguments)
    assert done.returncode == 0, done
    return done.stdout


def calls_of(path, function, *options):
    return json.loads(printed("calls", function, "--json", *options, path))


def figures(path, *options):
    """Calls and nanoseconds of each function, as the JSON export has them."""
    exported = json.loads(printed("export", "--format=json", "--output=-", *options, path))
    found = {}
    for row in exported["functions"]:
        key = row["file"], row["line"], row["name"]
        calls, total, self_ns = found.get(key, (0, 0, 0))
        more = row["calls"], row["total_ns"], row["self_ns"]
        found[key] = (calls + more[0], total + more[1], self_ns + more[2])
    return found


def check_windows(recorded, timeline):
    """Compares the window of everything with the profile: calls exactly, times but for rounding."""
    expected = {label: row for label, row in figures(recorded).items() if any(row)}
    for window in (["--from=0s"], ["--from=0", "--to=1000000s"]):
        found = figures(timeline, *window)
        assert {of: row[0] for of, row in found.items() if any(row)} == {
            of: row[0] for of, row in expected.items()
        }
        nodes = Counter(node.label for node in ProfFile(recorded).nodes)
        margin = 4 * sum(nodes.values()) + 4
        for label, row in expected.items():
            assert abs(found[label][1] - row[1]) <= margin, label
            assert abs(found[label][2] - row[2]) <= margin, label
    assert edbprof("tree", "--from=0s", "--all", "--threshold=0", timeline).returncode == 0


@pytest.fixture
def recorded(tmp_path):
    """Records a function with a timeline; gives the profile's path and the timeline's, once what
    the events add up to was compared with the trees."""

    def recorded(function, **options):
        profile = Profile(timeline=True, live_dir=tmp_path, **options)
        profile.enable()
        function()
        profile.disable()
        path = tmp_path / "a.prof"
        profile.save(path)
        profile.close()
        timeline = tmp_path / "a.prof.timeline"
        check_against(only_process(timeline), ProfFile(path))
        check_windows(path, timeline)
        return path, timeline

    return recorded


@pytest.mark.parametrize(
    "options",
    [
        ["--timeline"],
        ["--timeline=16M"],
        ["--timeline=16M", "--timeline-keep=first"],
        ["--timeline=16777216", "--timeline-keep=latest"],
    ],
)
def test_all_processes_of_a_run(edbprof_run, tmp_path, options, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")  # Paths of temporary directories are long.
    program = write(tmp_path / "program.py", PROGRAM)
    done = edbprof_run(str(program), options=options)
    assert done.returncode == 0, done
    assert "profile_analysis.timeline" in done.stderr
    results = tmp_path / "results"
    timeline, profile = results / "profile_analysis.timeline", results / "profile_analysis.prof"
    counted = edbprof_run.results()
    for name in ("fib", "square", "in_thread", "killed", "main", "started"):
        found = calls_of(timeline, name)
        assert found["is_complete"], name
        assert found["calls"] + found["nested"] == counted.calls(name), name
    assert calls_of(timeline, "fib")["calls"] == 3
    assert calls_of(timeline, "square")["calls"] == 20
    assert calls_of(timeline, "started")["nested"] == 3
    # The pool's two, the command's and the killed one are the children.
    assert len(read_timeline(timeline)) == 5
    exported = figures(profile)
    window = figures(timeline, "--from=0s")
    assert {of: row[0] for of, row in window.items() if row[0]} == {
        of: row[0] for of, row in exported.items() if row[0]
    }


def test_a_killed_child_is_in_the_timeline(edbprof_run, tmp_path):
    program = write(tmp_path / "program.py", PROGRAM)
    assert edbprof_run(str(program), options=["--timeline"]).returncode == 0
    timeline = tmp_path / "results" / "profile_analysis.timeline"
    found = calls_of(timeline, "killed")
    (call,) = found["slowest"]
    assert (found["calls"], found["open"], call["ended"]) == (1, 1, "open")
    fibs = calls_of(timeline, "fib", f"--only-process={call['pid']}")
    assert (fibs["calls"], fibs["nested"]) == (1, 14)
    assert fibs["slowest"][0]["ended"] == "returned"


def test_the_first_events_are_kept_of_a_run(edbprof_run, tmp_path):
    source = """
        def first(): pass
        def many(): pass
        def last(): pass

        first()
        for _ in range(200_000):
            many()
        last()
        """
    program = write(tmp_path / "program.py", source)
    timeline = tmp_path / "results" / "profile_analysis.timeline"
    for keep, there, missing in (("first", "first", "last"), ("latest", "last", "first")):
        options = ["--timeline=512k", f"--timeline-keep={keep}"]
        done = edbprof_run(str(program), options=options)
        assert done.returncode == 0, done
        assert calls_of(timeline, there)["calls"] == 1
        assert edbprof("calls", missing, timeline).returncode != 0
        found = calls_of(timeline, "many")
        assert not found["is_complete"]
        assert 0 < found["in_history"] < 200_000


@pytest.mark.parametrize(
    "size", ["", "0", "0k", "-1", "x", "1.5M", "5Q", "M", "1 M", "99999999999999999999", "1e9"]
)
def test_a_size_that_is_none_is_refused_in_words(edbprof_run, tmp_path, size):
    done = edbprof_run("-c", "print('ran')", options=[f"--timeline={size}"])
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"invalid value '{size}' for '--timeline[=<SIZE>]'" in done.stderr
    assert "a size is a number of bytes, which may end in k, M or G" in done.stderr
    assert not list((tmp_path / "results").iterdir())


def test_events_to_keep_are_the_first_or_the_latest(edbprof_run):
    done = edbprof_run("-c", "print('ran')", options=["--timeline", "--timeline-keep=some"])
    assert (done.returncode, done.stdout) == (2, "")
    assert "invalid value 'some' for '--timeline-keep <WHICH>'" in done.stderr
    assert "latest, first" in done.stderr


@pytest.mark.parametrize("hook", HOOKS)
def test_greenlets_add_up_to_the_profile(recorded, hook):
    greenlet = pytest.importorskip("greenlet")
    from turns import callee, in_turns, run_all

    def dropped():
        greenlet.getcurrent().parent.switch()

    def failing():
        callee()
        raise KeyError("on purpose")

    def program():
        run_all(in_turns("first", 30), in_turns("second", 50), in_turns("third", 1))
        one = greenlet.greenlet(dropped)
        one.switch()
        del one
        with pytest.raises(KeyError):
            greenlet.greenlet(failing).switch()
        callee()

    path, timeline = recorded(program, hook=hook)
    for name, calls in (("first", 1), ("second", 1), ("third", 1), ("callee", 83)):
        found = calls_of(timeline, name)
        assert ProfFile(path).calls(name) == calls
        # Turns after the first one are steps.
        assert found["calls"] - found["steps"] <= calls <= found["calls"], found


@pytest.mark.parametrize("hook", HOOKS)
def test_chosen_functions_only(recorded, hook):
    def chosen(n):
        return other(n) + sum([n, 1])

    def other(n):
        return unwanted(n)

    def unwanted(n):
        return len("abc") + n

    def work():
        for n in range(20):
            chosen(n)
            unwanted(n)

    path, timeline = recorded(work, hook=hook, record=["*chosen", "*work"])
    names = {function[4] for function in only_process(timeline).functions}
    assert {"chosen", "work", "<built-in method builtins.sum>"} <= names
    assert not names & {"other", "unwanted"}
    assert calls_of(timeline, "*chosen")["calls"] == ProfFile(path).calls("chosen") == 20
    assert edbprof("calls", "*unwanted", timeline).returncode == 2


def test_chosen_functions_of_a_run(edbprof_run, tmp_path):
    program = write(tmp_path / "program.py", PROGRAM)
    options = ["--timeline", "--record=square", "--record=program.py:killed"]
    assert edbprof_run(str(program), options=options).returncode == 0
    timeline = tmp_path / "results" / "profile_analysis.timeline"
    counted = edbprof_run.results()
    for name, calls in (("square", 20), ("killed", 1)):
        assert calls_of(timeline, name)["calls"] == counted.calls(name) == calls
    for name in ("fib", "in_thread", "main"):
        assert counted.calls(name) == 0
        refused = edbprof("calls", name, timeline)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr == f"edbprof: no function matches '{name}'\n"
    python = [label for label in figures(timeline, "--from=0s") if label[1] > 0]
    assert {name for _, _, name in python} == {"square", "killed"}


@pytest.mark.parametrize("hook", HOOKS)
def test_without_builtins(recorded, hook):
    def key(n):
        return -abs(n)

    def fails():
        len(0)

    def work():
        sorted(range(20), key=key)
        for _ in range(3):
            with pytest.raises(TypeError):
                fails()

    path, timeline = recorded(work, hook=hook, builtins=False)
    assert not [name for name in ProfFile(path).names() if name.startswith("<built-in")]
    names = {function[4] for function in only_process(timeline).functions}
    assert "key" in names and not [name for name in names if name.startswith("<built-in")]
    assert calls_of(timeline, "*key")["calls"] == 20
    assert [call["ended"] for call in calls_of(timeline, "*fails")["slowest"]] == ["raised"] * 3


@pytest.mark.parametrize("hook", HOOKS)
def test_the_way_in_which_steps_end(recorded, hook):
    class paused:
        def __await__(self):
            yield 1

    async def returns():
        await paused()
        await paused()

    async def fails():
        await paused()
        raise KeyError("on purpose")

    async def closed():
        try:
            await paused()
        finally:
            callee()

    def steps(coroutine, ends=()):
        coroutine.send(None)
        with pytest.raises(ends):
            while True:
                coroutine.send(None)

    def work():
        steps(returns(), StopIteration)
        steps(fails(), KeyError)
        one = closed()
        one.send(None)
        one.close()

    path, timeline = recorded(work, hook=hook)
    expected = {
        "returns": ["suspended", "suspended", "returned"],
        "fails": ["suspended", "raised"],
        "closed": ["suspended", "raised"],
    }
    trace = json.loads(printed("export", "--format=chrome", "--output=-", timeline))
    open_slices, exported = [], {}
    for event in trace["traceEvents"]:
        if event["ph"] == "B":
            open_slices.append(event)
        elif event["ph"] == "E":
            begun = open_slices.pop()
            name = begun["name"].rsplit(".", 1)[-1]
            begins = begun.get("args", {}).get("begins")
            ends = event.get("args", {}).get("ends", "returned")
            exported.setdefault(name, []).append((begins, ends))
    assert not open_slices
    for name, ends in expected.items():
        found = calls_of(timeline, f"*{name}", "--slowest=9")
        (call,) = found["slowest"]
        assert (call["ended"], call["steps"]) == (ends[-1], len(ends))
        assert (found["calls"], found["coroutines"], found["steps"]) == (1, 1, 0)
        # Slices are cut where the recorder took time for itself.
        begins, ended = ([mark for mark in of if mark != "cut"] for of in zip(*exported[name]))
        assert ended == list(ends)
        assert begins == [None] + ["resumed"] * (len(ends) - 1)
        assert ProfFile(path).calls(name) == 1
        assert ProfFile(path).resumes(name) == len(ends) - 1


COMMANDS = [
    ["calls", "fib"],
    ["calls", "fib", "--json"],
    ["tree", "--from=0s"],
    ["top", "--to=1s"],
    ["export", "--format=perfetto", "--output=out.pftrace"],
    ["export", "--format=chrome", "--output=-"],
]


@pytest.fixture
def a_timeline(tmp_path):
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    profile = Profile(timeline=True, live_dir="")
    profile.runcall(fib, 12)
    profile.save(tmp_path / "whole.prof")
    profile.close()
    return tmp_path / "whole.prof.timeline"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_rubbish_is_refused_in_words(a_timeline, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    data = a_timeline.read_bytes()
    # Numbers of a fixed generator, so that each run has the same ones.
    noise = bytes((n * n * 2654435761 >> 13) & 0xFF for n in range(1, 5001))
    rubbish = [b"", b"e", noise, data[:8] + noise, data[:32], data[:40], data[:32] + noise]
    rubbish += [data[:length] for length in range(32, len(data), len(data) // 23 + 1)]
    rubbish.append(data[:-1])
    bad = tmp_path / "bad.timeline"
    for bytes_of_it in rubbish:
        bad.write_bytes(bytes_of_it)
        done = edbprof(*command, bad)
        assert done.returncode == 1, done
        assert done.stdout == ""
        assert done.stderr.startswith(f"edbprof: can't read {bad}: "), done
        assert "panicked" not in done.stderr and done.stderr.count("\n") <= 2, done
        assert not (tmp_path / "out.pftrace").exists()


@pytest.mark.parametrize("command", [COMMANDS[1], COMMANDS[5]], ids=" ".join)
def test_changed_bytes_are_read_or_refused(a_timeline, tmp_path, command):
    data = a_timeline.read_bytes()
    bad = tmp_path / "bad.timeline"
    for number in range(60):
        changed = bytearray(data)
        changed[(number * 7919 + 8) % len(data)] ^= 1 << number % 8
        bad.write_bytes(changed)
        done = edbprof(*command, bad)
        # 2: no such function; 3: none of its calls is there.
        assert done.returncode in range(4), (number, done)
        assert "panicked" not in done.stderr, (number, done)
        if done.returncode:
            assert done.stderr.startswith("edbprof: "), (number, done)


def test_timelines_of_another_run_in_the_directory(a_timeline, edbprof_run, tmp_path):
    """Those of both runs are read from it; a run has none but its own in its results."""
    results = tmp_path / "results"
    for name in ("profile_analysis.timeline", "edbprof_other.prof.timeline"):
        (results / name).write_bytes(a_timeline.read_bytes())
    source = "def fib(n): return n and fib(n - 1)\nfib(3)"
    done = edbprof_run("-c", source, options=["--timeline"])
    assert done.returncode == 0, done
    assert len(read_timeline(results / "profile_analysis.timeline")) == 1
    own = calls_of(results / "profile_analysis.timeline", "*fib")
    assert (own["calls"], own["nested"]) == (1, 3)
    os.replace(results / "profile_analysis.timeline", results / "edbprof_own.prof.timeline")
    whole = calls_of(results, "*fib")
    assert whole["calls"] == 2
    assert whole["nested"] == 464 + 3


@pytest.mark.parametrize("hook", HOOKS)
def test_a_coroutine_is_one_call_from_its_start_to_its_end(recorded, hook):
    """Tasks of one path run by turns, and have one node."""

    async def inner(turns):
        for _ in range(turns):
            await asyncio.sleep(0)

    async def handle(turns):
        await inner(turns)
        if turns == 3:
            raise KeyError(turns)

    async def generator():
        for number in range(3):
            await asyncio.sleep(0)
            yield number

    async def outermost():
        done = await asyncio.gather(*map(handle, range(5)), return_exceptions=True)
        assert [number async for number in generator()] == [0, 1, 2]
        endless = asyncio.ensure_future(handle(1000))
        await asyncio.sleep(0)
        endless.cancel()
        return done

    path, timeline = recorded(lambda: asyncio.run(outermost()), hook=hook)
    found = calls_of(timeline, "*.handle", "--slowest=9")
    assert ProfFile(path).calls("handle") == found["calls"] == found["coroutines"] == 6
    assert found["steps"] == 0
    inorder = sorted(found["slowest"], key=lambda call: call["start_ns"])
    assert [call["steps"] for call in inorder] == [1, 2, 3, 4, 5, 2]
    ended = ["returned", "returned", "returned", "raised", "returned", "raised"]
    assert [call["ended"] for call in inorder] == ended
    for call in inorder:
        assert (call["awaiting_ns"] > 0) == (call["steps"] > 1)
        assert call["awaiting_ns"] < call["duration_ns"]
    # Calls of one path are told apart: the one with the most turns ends last.
    ends = [call["start_ns"] + call["duration_ns"] for call in inorder]
    assert ends[1] < ends[4]
    (call,) = calls_of(timeline, "*.outermost")["slowest"]
    # The cancelled one ends later.
    ends = [call["start_ns"] + call["duration_ns"] for call in inorder[:-1]]
    assert max(ends) <= call["start_ns"] + call["duration_ns"] + 1000
