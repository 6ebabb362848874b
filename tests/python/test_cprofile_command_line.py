"""`python -m edbprof_native.tracing` is the command line of cProfile, and `install()` its place."""

from __future__ import annotations

import pstats
import subprocess
import sys

import pytest

MODULES = ("cProfile", "edbprof_native.tracing")

SCRIPT = """
import os, sys

def callee(n):
    return n and callee(n - 1)

callee(3)
import __main__
print(sys.argv, sys.path[0], __name__, __file__, __package__, __spec__ and __spec__.name)
print(sorted(name for name in globals() if not name.startswith("__")))
print(__main__.__dict__ is globals())
os.chdir("/")
"""


def start(module, directory, *arguments, **more):
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=directory,
        stdout=more.pop("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
        **more,
    )


def both(directory, *arguments):
    """Output of each program before the table, and its exit code."""

    def seen(module):
        done = start(module, directory, *arguments)
        out = done.stdout.partition(" function calls")[0].rpartition("\n")[0]
        out = out.replace("python -m edbprof_native.tracing", "cProfile.py")
        return done.returncode, out, done.stderr.replace("tracing.py", "cProfile.py").splitlines()

    theirs, ours = map(seen, MODULES)
    return theirs, ours


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ["script.py"],
        ["script.py", "-o", "--its=own", "-m"],
        ["-m", "script", "argument"],
        ["-s", "tottime", "script.py"],
        ["-s", "nonsense", "script.py"],
        ["-o"],
        ["--nonsense"],
        ["no_such_file.py"],
        ["-m", "no_such_module"],
        ["-m"],
        [],
    ],
)
def test_programs_see_the_same(script, tmp_path, arguments):
    theirs, ours = both(tmp_path, *arguments)
    assert ours[:2] == theirs[:2]
    assert ours[2][-1:] == theirs[2][-1:]


@pytest.mark.parametrize(
    "end", ["import sys; sys.exit(3)", "raise SystemExit('words')", "1 / 0", "raise KeyError"]
)
def test_programs_end_the_same(tmp_path, end):
    (tmp_path / "script.py").write_text(end)
    theirs, ours = both(tmp_path, "script.py")
    assert ours[:2] == theirs[:2]
    assert ours[2][-1:] == theirs[2][-1:]


def test_outfile_is_where_the_program_was_started(script, tmp_path):
    for module in MODULES:
        assert start(module, tmp_path, "-o", f"{module}.out", "script.py").returncode == 0
    theirs, ours = (pstats.Stats(str(tmp_path / f"{module}.out")).stats for module in MODULES)
    label = ("script.py", 4, "callee")
    assert ours[label][:2] == theirs[label][:2] == (1, 4)


@pytest.mark.parametrize("sort, title", [("calls", "call count"), ("name", "function name")])
def test_sort(script, tmp_path, sort, title):
    assert f"Ordered by: {title}" in start(MODULES[1], tmp_path, "-s", sort, "script.py").stdout


def test_broken_pipe(tmp_path):
    (tmp_path / "script.py").write_text("import sys; sys.stdout.write('x' * 1_000_000)")
    codes = []
    for module in MODULES:
        with subprocess.Popen(
            [sys.executable, "-m", module, "script.py"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            process.stdout.close()
            errors = process.stderr.read()
        codes.append((process.returncode, b"Exception ignored" in errors))
    assert codes[0] == codes[1]


def test_install(run):
    """Also where cProfile was imported before, and under the name of Python 3.15."""
    run(
        """
        import cProfile as before, sys
        import edbprof_native
        edbprof_native.install()
        edbprof_native.install()
        import cProfile
        import profiling.tracing
        from profiling import tracing
        from profiling.tracing import Profile, label, run, runctx
        assert cProfile is profiling.tracing is tracing is edbprof_native.tracing
        assert before.Profile is cProfile.Profile is Profile is edbprof_native.Profile
        assert before.label is label
        before.runctx("len('x')", {}, {}, "x.prof")
        """
    )


def test_install_leaves_a_package_of_the_program_alone(run, tmp_path):
    if sys.version_info >= (3, 15):
        pytest.skip("the name is Python's own")
    (tmp_path / "profiling.py").write_text("own = True")
    run(
        """
        import edbprof_native
        edbprof_native.install()
        import profiling
        assert profiling.own and not hasattr(profiling, "tracing")
        """
    )
