"""`edbprof run --record`: processes, threads, killed ones, and what reports say of it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest
from edbprof_native._program import find
from prof_file import ProfFile

PROGRAM = """
    import json, os, subprocess, sys, threading

    def chosen(n):
        return other(n) + len("x")

    def other(n):
        return n and chosen(n - 1)

    def main():
        thread = threading.Thread(target=chosen, args=(2,))
        thread.start()
        thread.join()
        chosen(1)
        if len(sys.argv) == 1:
            subprocess.run([sys.executable, __file__, "child"], check=True)
        if "killed" in sys.argv:
            os.kill(os.getpid(), 9)

    main()
"""

LEN = "<built-in method builtins.len>"


@pytest.fixture
def run(tmp_path):
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM), encoding="utf-8")

    def run(*arguments, options=()):
        return subprocess.run(
            [find(), "run", f"--python={sys.executable}", "--out=results", *options]
            + ["program.py", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd=tmp_path,
            check=False,
        )

    (tmp_path / "results").mkdir()
    return run


def result(tmp_path):
    return ProfFile(tmp_path / "results" / "profile_analysis.prof")


def test_processes_and_threads(run, tmp_path):
    options = ["--record=program.chosen", "--record=nothing.*", "--format=json", "--format=prof"]
    done = run(options=options)
    assert done.returncode == 0, done
    chosen = "--record=program.chosen --record=nothing.*"
    assert f"Recorded: {chosen}; the time of other functions is their callers'." in " ".join(
        done.stderr.split()
    )
    names = {label[2] for label in result(tmp_path).rows}
    assert names == {"chosen", LEN}
    calls = sum(row[1] for label, row in result(tmp_path).rows.items() if label[2] == "chosen")
    assert calls == 2 * (3 + 2)
    (path,) = (tmp_path / "results").glob("*.json")
    report = json.loads(path.read_text(encoding="utf-8"))
    assert [process["chosen"] for process in report["processes"]] == [chosen] * 2


def test_mine(run, tmp_path):
    done = run(options=["--record=mine", "--no-record=*:other"])
    assert done.returncode == 0, done
    files = {label[0].rpartition("/")[2] for label in result(tmp_path).rows}
    assert files <= {"program.py", "~"}
    names = {label[2] for label in result(tmp_path).rows if label[0] != "~"}
    assert names == {"<module>", "main", "chosen"}


def test_a_killed_process_says_it_too(run, tmp_path):
    done = run("killed", options=["--record=*:chosen"])
    assert done.returncode == -9, done
    assert "Recorded: --record=*:chosen;" in done.stderr
    assert {label[2] for label in result(tmp_path).rows} == {"chosen", LEN}


def test_a_full_and_a_chosen_recording_merged(run, tmp_path):
    for number, options in enumerate(([], ["--record=*:chosen"])):
        assert run("child", options=[*options, f"--keep=kept{number}"]).returncode == 0
    merged = subprocess.run(
        [find(), "--out=merged.prof", "kept0", "kept1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=tmp_path,
        check=True,
    )
    text = merged.stdout + merged.stderr
    assert "Recorded: all functions, or --record=*:chosen;" in text


@pytest.mark.parametrize("pattern", ["", "a\tb", "a\nb"])
def test_wrong_patterns(run, pattern):
    done = run(options=[f"--record={pattern}"])
    assert done.returncode == 2 and "pattern" in done.stderr


def test_nothing_chosen(run):
    done = run("child", options=["--record=nothing.*"])
    assert "Traceback" not in done.stderr and "panic" not in done.stderr, done
