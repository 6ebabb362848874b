"""What the tests share: recording a call, and programs in a process of their own."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from attaching import PROGRAM, Target, started_by
from behaviour import observe
from edbprof_native import Profile, profile
from prof_file import ProfFile
from running import both, edbprof_run  # noqa: F401

# A shell's background job ignores Ctrl-C, and so would the programs that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., ProfFile]:
    """Calls a function while a `Profile` records, and gives what the file says.

    What the function raises is swallowed if `raises` names it, and then expected.
    """
    numbers = itertools.count()

    def record(function: Callable[[], Any], raises: Any = None, **options: Any) -> ProfFile:
        profile = Profile(**options)
        raised = None
        profile.enable()
        try:
            function()
            profile.disable()
        except BaseException as error:
            profile.disable()
            raised = error
        if raised is not None and not isinstance(raised, raises or ()):
            raise raised
        assert (raised is None) == (raises is None)
        path = tmp_path / f"recorded-{next(numbers)}.prof"
        profile.save(path)
        profile.close()
        return ProfFile(path)

    return record


@pytest.fixture
def undisturbed():
    """Lets no other thread run meanwhile, unless the test waits.

    From Python 3.12 on cProfile counts the calls of all threads, and so those of the thread by
    which xdist gets its orders.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(60)
    yield
    sys.setswitchinterval(before)


class Finished:
    """How a program ended and what it said."""

    def __init__(self, done: "subprocess.CompletedProcess[str]") -> None:
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def __repr__(self) -> str:
        return f"exit code {self.code}\nstdout: {self.out}\nstderr: {self.err}"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Finished]:
    """Runs Python source, or a program in programs/, in a process of its own.

    It must end with the exit code `code` and write `err` to stderr (None: anything).
    """
    numbers = itertools.count()
    # An empty entry would be the current directory, where site looks for sitecustomize.
    inherited = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    python_path = os.pathsep.join([str(HERE), *inherited])

    def run(
        program: str, *arguments: Any, code: int = 0, err: "str | None" = "", options: Any = ()
    ) -> Finished:
        if program.endswith(".py"):
            path = PROGRAMS / program
        else:
            path = tmp_path / f"program_{next(numbers)}.py"
            path.write_text(textwrap.dedent(program), encoding="utf-8", errors="surrogatepass")
        # Not communicate(timeout=...): a test that hangs is for the CI's limit to end.
        done = Finished(
            subprocess.run(
                [sys.executable, *options, str(path), *map(str, arguments)],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": python_path},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="backslashreplace",
                check=False,
            )
        )
        assert done.code == code, done
        if err is not None:
            assert done.err == err, done
        return done

    return run


@pytest.fixture
def same(tmp_path):
    """Plays a scenario with the function and with the decorated one."""

    def same(function, scenario):
        expected = observe(lambda: scenario(function))
        once = profile(dir=tmp_path)(function)
        assert observe(lambda: scenario(once)) == expected
        twice = profile(dir=tmp_path, prefix="another_")(once)
        assert observe(lambda: scenario(twice)) == expected
        return expected

    return same


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Callable[..., Target]]:
    """Starts a program that opens its door, the way that is named."""
    targets = []

    def start(way: str = "listen", text: str = PROGRAM) -> Target:
        targets.append(started_by(way, text, tmp_path))
        return targets[-1]

    yield start
    for each in targets:
        each.stop.touch()
        each.process.kill()
        each.process.communicate()
