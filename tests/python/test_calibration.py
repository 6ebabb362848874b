"""What recording costs is measured where it disturbs nobody, and kept in the files."""

from __future__ import annotations

import array
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from prof_file import ProfFile, files, only_file

HOOKS = ["setprofile", "monitoring"] if sys.version_info >= (3, 12) else ["setprofile"]

# Calls enough to be worth it; what a test adds stands before the save.
PROGRAM = """
import sys
from edbprof_native import Profile, _native, _calibration, profile

def callee(): pass

def many(calls=40_000):
    for _ in range(calls):
        callee()

def recorded(**options):
    profile = Profile(**options)
    with profile:
        many()
    return profile

def save(profile, name="x.prof"):
    profile.save(name)
"""


@pytest.fixture
def costs(run, tmp_path):
    """Runs more of the program, and gives the constants in the file that it saves."""

    def costs(more: str, name: str = "x.prof"):
        run(PROGRAM + textwrap.dedent(more))
        file = ProfFile(tmp_path / name)
        # Whatever came of it, nothing of it is in the trees.
        assert file.names() <= {"many", "callee"}
        return file.process.get("calibration")

    return costs


@pytest.mark.parametrize("hook", HOOKS)
def test_each_part_costs_something(costs, hook):
    found = costs(f"save(recorded(hook={hook!r}))")
    class_call, slowed_ppm = found.pop("class_call"), found.pop("slowed_ppm")
    assert set(found) == {"python_call", "c_call", "resume", "implicit_call", "init_call"}
    for callee, caller in found.values():
        # Between a nanosecond and ten microseconds, on any machine.
        assert 1_000 < callee + caller < 10_000_000
    # No hook of Python 3.9 and 3.10 has an event for it.
    assert class_call < 10_000_000
    if hook == "monitoring":
        assert class_call > 1_000
    # An interpreter that looks for a profile function at each instruction.
    assert (slowed_ppm > 10_000) == (sys.version_info[:2] in [(3, 10), (3, 11)])
    assert slowed_ppm < 900_000


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there is no sys.monitoring")
def test_calls_of_classes_are_counted_where_they_are_made(run, tmp_path):
    run(
        PROGRAM
        + textwrap.dedent(
            """
            import functools
            class Plain: pass
            class Callable:
                def __call__(self): pass
            def made():
                for _ in range(100):
                    Plain(), int("1"), type(3)
                    functools.partial(callee)()
                    Callable()()
                    # These have nodes.
                    callee(), len(""), "".strip(), [].append(1)
            one, other = Profile(), Profile()
            with one, other:
                many()
                made()
            save(one)
            save(other, "other.prof")
            """
        )
    )
    for name in ("x.prof", "other.prof"):
        file = ProfFile(tmp_path / name)
        (thread,) = file.exact["threads"]
        calls = array.array("I", thread["class_calls"])
        found = {node.name: count for node, count in zip(file.nodes, calls) if count}
        # A range each; of partial and Callable both the class and what it has made.
        assert found == {"many": 1, "made": 1 + 100 * 7}


@pytest.mark.parametrize("rounds_before", [0, 100])
@pytest.mark.parametrize("hook", HOOKS)
def test_what_loading_an_attribute_calls_is_told_apart(run, tmp_path, hook, rounds_before):
    run(
        PROGRAM
        + textwrap.dedent(
            f"""
            class Thing:
                @property
                def loaded(self): return self
                def method(self): return self
                @property
                def called_first(self): return self
                @property
                def by_a_builtin(self): return self
            def rounds(count):
                for _ in range(count):
                    thing = Thing().loaded.method().loaded
                    getattr(thing, "by_a_builtin")
                    Thing.called_first.fget(thing).called_first
            rounds({rounds_before})  # until the interpreter has specialized it
            p = Profile(hook={hook!r})
            with p: rounds(3)
            save(p)
            """
        )
    )
    functions = ProfFile(tmp_path / "x.prof").exact["functions"]
    assert {name for _, flags, _, _, name, *_ in functions if flags & 32} == {"loaded"}
    assert {name for _, _, _, _, name, *_ in functions} >= {"method", "called_first"}


@pytest.mark.parametrize("hook", HOOKS)
def test_a_recording_of_few_calls_pays_if_the_process_has_run_for_long(costs, hook):
    busy = "import time\nwhile time.process_time() < 0.3: sum(range(100_000))"
    few = f"p = Profile(hook={hook!r})\nwith p: many(20)\nsave(p)"
    assert costs(f"{busy}\n{few}") is not None


@pytest.mark.parametrize("hook", HOOKS)
def test_a_recording_of_few_calls_pays_nothing(costs, hook):
    few = f"p = Profile(hook={hook!r})\nwith p: many(20_000)\nsave(p)"
    assert costs(few) is None
    # But has what is known already.
    assert costs(f"save(recorded(hook={hook!r}), 'other.prof')\n{few}") is not None


@pytest.mark.parametrize("options", ["clock='cpu'", "timer=iter(range(10**9)).__next__"])
def test_other_clocks_have_other_costs(costs, options):
    assert costs(f"save(recorded()); p = recorded({options}); save(p)") is None


def test_not_in_the_middle_of_a_recording(costs):
    assert (
        costs(
            """
        other = Profile()
        done = recorded()
        with other:
            many(10)
            done.save("x.prof")
        other.save("other.prof")
        """
        )
        is None
    )


@pytest.mark.parametrize("set_function", ["setprofile", "settrace"])
def test_profile_and_trace_functions_see_nothing_of_it(costs, set_function):
    assert (
        costs(
            f"""
        done = recorded()
        seen = []
        def listen(frame, event, argument):
            seen.append(frame.f_code.co_filename)
        sys.{set_function}(listen)
        save(done)
        sys.{set_function}(None)
        assert seen and _calibration.__file__ not in seen, seen
        """
        )
        is None
    )


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there is no sys.monitoring")
@pytest.mark.parametrize("hook", HOOKS)
def test_other_tools_see_nothing_of_it(costs, hook):
    assert (
        costs(
            f"""
        done = recorded(hook={hook!r})
        seen = []
        monitoring = sys.monitoring
        monitoring.use_tool_id(1, "a tool")
        start = monitoring.events.PY_START
        monitoring.register_callback(1, start, lambda code, at: seen.append(code.co_filename))
        monitoring.set_events(1, start)
        save(done)
        monitoring.set_events(1, 0)
        assert seen and _calibration.__file__ not in seen, seen
        monitoring.free_tool_id(1)
        """
        )
        is None
    )


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there is no sys.monitoring")
@pytest.mark.parametrize("hook", HOOKS)
def test_events_are_off_afterwards(costs, hook):
    assert (
        costs(
            f"""
        save(recorded(hook={hook!r}))
        def codes(code):
            yield code
            for constant in code.co_consts:
                if hasattr(constant, "co_code"):
                    yield from codes(constant)
        tool = _native._monitoring()["tool"]
        assert not _native._monitoring()["on"]
        if tool is not None:
            assert sys.monitoring.get_events(tool) == 0
        import gc
        ours = [f for f in gc.get_objects() if getattr(f, "__module__", "") == _calibration.__name__
                and hasattr(f, "__code__")]
        assert len(ours) > 6
        for function in ours:
            for code in codes(function.__code__):
                assert tool is None or sys.monitoring.get_local_events(tool, code) == 0
        """
        )
        is not None
    )


@pytest.mark.skipif(not hasattr(__import__("signal"), "setitimer"), reason="there are no timers")
def test_signal_handlers_meet_no_frame_of_it(costs):
    assert (
        costs(
            """
        import signal
        seen = []
        def handler(number, frame):
            while frame is not None:
                seen.append(frame.f_code.co_filename)
                frame = frame.f_back
        done = recorded()
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
        save(done)
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert seen and _calibration.__file__ not in seen
        """
        )
        is not None
    )


def test_signals_of_faults_are_not_blocked(costs):
    """faulthandler gets them, and a sampling profiler its SIGPROF."""
    assert (
        costs(
            """
        import signal
        _, *others = _calibration._make()
        seen = set()
        def no_calls(rounds, _):
            seen.update(signal.pthread_sigmask(signal.SIG_BLOCK, []))
            for _ in rounds:
                pass
        _native.set_calibration_loops(lambda: (no_calls, *others))
        save(recorded())
        names = ["SEGV", "BUS", "FPE", "ILL", "ABRT", "TRAP", "SYS", "PROF"]
        assert signal.SIGINT in seen and signal.SIGALRM in seen
        assert not {getattr(signal, "SIG" + name) for name in names} & seen, seen
        """
        )
        is not None
    )


def test_an_exception_of_a_handler_comes_out_after_the_save(run, tmp_path):
    run(
        PROGRAM
        + textwrap.dedent(
            """
            import threading, ctypes
            done = recorded()
            # As if another thread had interrupted this one.
            ident = ctypes.c_ulong(threading.get_ident())
            def interrupted():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(KeyboardInterrupt))
                done.save("x.prof")
            try:
                interrupted()
            except KeyboardInterrupt:
                pass
            else:
                raise AssertionError("it was swallowed")
            done.save("x.prof")
            """
        )
    )
    assert ProfFile(tmp_path / "x.prof").calls("callee") == 40_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_has_its_parents(run, tmp_path):
    run(
        PROGRAM
        + textwrap.dedent(
            f"""
            import os
            save(recorded())
            job = profile(dir={str(tmp_path / "out")!r})(callee)
            os.mkdir({str(tmp_path / "out")!r})
            if os.fork() == 0:
                job()
                sys.exit()
            os.wait()
            """
        )
    )
    of_child = only_file(tmp_path / "out").process
    assert of_child["calibration"] == ProfFile(tmp_path / "x.prof").process["calibration"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="live files are Linux's")
def test_a_killed_process_has_those_from_before(run, tmp_path):
    run(
        PROGRAM
        + textwrap.dedent(
            f"""
            import os, signal
            job = profile(dir={str(tmp_path)!r})(many)
            job()
            job()
            os.kill(os.getpid(), signal.SIGKILL)
            """
        ),
        code=-9,
    )
    assert len(files(tmp_path, "*.live")) == 1
    out = tmp_path / "out"
    command = [sys.executable, "-m", "edbprof_native", "--compensate", "--quiet"]
    command += ["--out", str(out), "--summary-json", "-", str(tmp_path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    account = json.loads(done.stdout)
    assert (account["processes"], account["killed"]) == (1, 1)
    assert account["compensated"]["processes_as_recorded"] == 0
    assert account["compensated"]["seconds"] > 0
    check_compensated(tmp_path / "out.prof", account["compensated"]["seconds"])
    assert "Compensated: " in Path(f"{out}.pstats").read_text()


def check_compensated(path: Path, seconds: float) -> None:
    """The rows are short of what was taken out; the trees are as recorded."""
    file = ProfFile(path)
    recorded = sum(node.self_time for node in file.nodes) / 1e9
    shown = sum(row[2] for row in file.rows.values())
    assert shown == pytest.approx(recorded - seconds, abs=1e-6)
    assert file.exact["rows_less_ns"] == pytest.approx(seconds * 1e9, abs=1)
    assert min(row[2] for row in file.rows.values()) >= 0


def test_decorated_functions_are_measured_at_exit(run, tmp_path):
    run(PROGRAM + f"profile(dir={str(tmp_path)!r}, save_every_n_calls=0)(many)()")
    assert only_file(tmp_path).process["calibration"]
