"""Modules that a program imports are the same under `edbprof run`."""

from __future__ import annotations

import _imp
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from running import is_ours, write

# atexit of Python 3.9 keeps its functions in the module, so there the program gets ours.
ALLOWED = {"atexit"} if sys.version_info < (3, 10) else set()
# Before Python 3.12 -X dev takes it to load any extension.
ALLOWED |= {"encodings.ascii"} if sys.version_info < (3, 12) else set()


@pytest.mark.parametrize(
    "options", [[], ["-I"], ["-E"], ["-s"], ["-B"], ["-O"], ["-X", "dev"], ["-S"]], ids=" ".join
)
def test_modules_at_the_first_line(both, tmp_path, options):
    program = write(tmp_path / "program.py", "import sys; print(*sys.modules)")
    plain, profiled = both(*options, str(program), recorded="-S" not in options)
    seen = [name for name in profiled.stdout.split() if not is_ours(name)]
    # Another run of this user makes every Python import what looks for it.
    expected = [name for name in plain.stdout.split() if not is_ours(name)]
    assert [name for name in seen if name not in ALLOWED] == expected
    if "-S" not in options:  # Where nothing is recorded, `edbprof run` says so.
        assert profiled.stderr == plain.stderr == ""


#: Makes us do all that we do in a program, so that each late import would be there.
BUSY = """
import os, sys

def busy(calls=40_000):
    for _ in range(calls):
        len("")

def forked():
    child = os.fork()
    if child == 0:
        busy()
        sys.exit()
    os.waitpid(child, 0)

busy()
forked()
"""


def imported(stderr: str) -> list[str]:
    """Modules that -X importtime lists. Other lines are kept."""
    return [line.rpartition("|")[2].strip() for line in stderr.splitlines()]


@pytest.mark.parametrize(
    "more",
    [
        "",
        "import atexit; atexit.register(busy)",
        "import threading; t = threading.Thread(target=busy); t.start(); t.join()",
        """
        import multiprocessing
        for method in ("fork", "spawn", "forkserver"):
            with multiprocessing.get_context(method).Pool(1) as pool:
                pool.map(abs, [1])
                pool.close()
                pool.join()
        """,
    ],
    ids=["alone", "atexit", "threading", "multiprocessing"],
)
def test_nothing_is_imported_until_the_end(both, tmp_path, more):
    """Not by us: in this process nor in others, at a fork, at a thread's start, at exit."""
    guarded = "if __name__ == '__main__':\n    pass\n" + textwrap.indent(
        textwrap.dedent(more), "    "
    )
    program = write(tmp_path / "program.py", BUSY.replace("busy()\nforked()", "") + guarded)
    with program.open("a") as file:
        file.write("\n    busy()\n    forked()\n")
    plain, profiled = both("-X", "importtime", "-W", "ignore", str(program))
    # A forkserver may live a little longer than the program.
    of_others = [
        name
        for name in imported(profiled.stderr)
        if not is_ours(name) and " is still running; what it records " not in name
    ]
    assert sorted(name for name in of_others if name not in ALLOWED) == sorted(
        name for name in imported(plain.stderr) if name not in ALLOWED and not is_ours(name)
    )


def standard_modules() -> list[str]:
    """All that are written in Python and not loaded by every Python."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    ).stdout.split()
    directory = Path(os.__file__).parent
    names = {path.stem for path in directory.glob("*.py")}
    names |= {path.parent.name for path in directory.glob("*/__init__.py")}
    # Python finds frozen ones before any file, and setuptools finds distutils.
    return sorted(
        name
        for name in names - {"distutils", *loaded}
        if name.isidentifier() and not _imp.is_frozen(name)
    )


def test_modules_of_the_programs_own_have_any_name(both, tmp_path):
    """Such a module is found where the program has it, whatever we do meanwhile."""
    directory = tmp_path / "program"
    directory.mkdir()
    names = standard_modules()
    assert {"types", "keyword", "operator", "functools", "threading", "tempfile"} <= set(names)
    for name in names:
        write(directory / f"{name}.py", f"print('own {name}')\n")
    late = "".join(f"import {name}\n" for name in names)
    plain, profiled = both(str(write(directory / "main.py", BUSY + late)), directory=directory)
    assert plain.stdout.split("\n")[:-1] == [f"own {name}" for name in names]
    assert (profiled.stdout, profiled.stderr) == (plain.stdout, plain.stderr)
    # And where they are not imported before the end.
    plain, profiled = both(str(write(directory / "main.py", BUSY)), directory=directory)
    assert (profiled.stdout, profiled.stderr) == (plain.stdout, plain.stderr) == ("", "")


def test_python_m_takes_no_modules_of_the_programs_own(tmp_path):
    """They are found before the standard library's, since -m begins with this directory."""
    for name in ("json", "subprocess", "tempfile", "sysconfig"):
        write(tmp_path / f"{name}.py", f"raise SystemExit('{name} was imported')\n")
    write(tmp_path / "program.py", "print('ran')\n")
    done = subprocess.run(
        [sys.executable, "-m", "edbprof_native", "run", "--quiet", "program.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=tmp_path,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("ran\n", "")


def test_decorators_take_no_modules_of_the_programs_own(run, tmp_path):
    for name in standard_modules():
        write(tmp_path / f"{name}.py", f"raise SystemExit('{name} was imported')\n")
    run(
        BUSY
        + textwrap.dedent(
            """
            from edbprof_native import Profile, profile

            @profile()
            def generator():
                yield busy(10)

            @profile(threads=True)
            def decorated():
                busy()

            before = set(sys.modules)
            for _ in range(3):
                list(generator())
                decorated()
                forked()
            with Profile() as recorded:
                busy()
            recorded.save("x.prof")
            print(*set(sys.modules) - before)
            """
        )
    )
