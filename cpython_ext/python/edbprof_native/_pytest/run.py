"""The recording of a run of pytest, from the reading of its options to the terminal's section."""

import os
import re
import shutil
import subprocess
import tempfile

import pytest

from .. import _process, _program
from .frames import Frames
from .limits import Limits
from .section import lines

TYPE_CHECKING = False  # see ../_decorator.py
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    from .figures import Figures

_Popen = subprocess.Popen  # Tests replace it in its module.

_PREFIX, _SUFFIX = "edbprof_", ".prof"
_SUFFIXES = (".prof", ".pstats", ".svg", ".singledispatch")


def start(config: "Any", given: "Any") -> None:
    """Record from now on."""
    run = Run(config, given)
    config.pluginmanager.register(run, "edbprof-run")
    config.add_cleanup(run.close)


def _base(out: "Optional[str]", directory: str) -> str:
    """Return the results' path without a suffix, as `edbprof --out` takes it."""
    path = os.path.join(directory, out or "")
    if os.path.isdir(path) or path.endswith(os.sep):
        return os.path.join(path, "profile_analysis")
    stem, suffix = os.path.splitext(path)
    return stem if suffix in _SUFFIXES else path


class Run:
    """One process of the run: pytest itself, or a worker of xdist."""

    def __init__(self, config: "Any", given: "Any") -> None:
        self._config = config
        self._slowest: int = given.edbprof_slowest
        self._pid = os.getpid()
        self._base = _base(given.edbprof_out, str(config.invocation_params.dir))
        self._by_test = self._base + ".tests" if given.edbprof_by_test else None
        self._update: bool = given.edbprof_update
        self._problems: "List[str]" = []
        self._counts: "Dict[str, int]" = {"missing": 0, "written": 0}
        self._figures: "Optional[Figures]" = None
        self._outputs: "List[str]" = []
        self._parts: "List[Any]" = []
        self._ended = False
        # `edbprof run pytest` records already.
        self._of_run = _process.recorder_of_run()
        self.recorder = self._of_run
        self._directory = ""
        # A worker of xdist learns its directory later.
        if "PYTEST_XDIST_WORKER" not in os.environ:
            self._start()

    def _start(self, directory: "Optional[str]" = None) -> None:
        self._is_owner = directory is None
        self._directory = directory or tempfile.mkdtemp(prefix="edbprof-pytest-")
        if self._of_run is not None:
            return
        recorder = _process.new_recorder(
            self._directory, _PREFIX, _SUFFIX, threads=True, quiet_without_directory=True
        )
        _process.stopped_at_end.append(recorder)
        self.recorder = recorder
        recorder.enable()

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: "Any") -> None:
        given = getattr(config, "workerinput", {}).get("edbprof")
        if given is not None:
            self._base, directory = given
            if os.path.isdir(directory):
                self._start(directory)
            else:
                self._problems.append("a worker on another machine is missing from the profile")
        if not self._directory:
            self._start()
        if self._by_test is not None:
            self._by_test = self._base + ".tests"
        baselines = os.path.join(str(config.rootpath), config.getini("edbprof_baselines"))
        assert self.recorder is not None
        frames = Frames(self._by_test)
        limits = Limits(self.recorder, self._directory, baselines, self._update)
        self._parts = [frames, limits]
        config.pluginmanager.register(frames, "edbprof-frames")
        config.pluginmanager.register(limits, "edbprof-limits")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: "Any") -> None:
        """Give a worker of xdist the path of results and the directory of recordings."""
        node.workerinput["edbprof"] = (self._base, self._directory)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self._save()
        output = getattr(self._config, "workeroutput", None)
        for part in self._parts:
            self._problems += part.problems
            for count in self._counts:
                self._counts[count] += getattr(part, count, 0)
        if output is not None:
            output["edbprof"] = {"problems": self._problems, **self._counts}
            return
        try:
            self._merge()
        except Exception as error:
            self._problems.append(f"there is no profile of this run: {error}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: "Any") -> None:
        """Add the problems and counts of a worker of xdist."""
        told = getattr(node, "workeroutput", {}).get("edbprof", {})
        self._problems += told.get("problems", [])
        for count in self._counts:
            self._counts[count] += told.get(count, 0)

    def _save(self) -> None:
        """Stop recording, and leave a file for the merge."""
        if self._ended or self.recorder is None:
            return
        self._ended = True
        try:
            if self._of_run is not None:
                path = os.path.join(self._directory, f"{_PREFIX}{os.getpid()}{_SUFFIX}")
                self._of_run.save(path)
                return
            self.recorder.stop()
            self.recorder.save()
        except Exception as error:
            self._problems.append(f"a process is missing from the profile: {error}")
        finally:
            if self._of_run is None:
                _process.forget(self.recorder)

    def _merge(self) -> None:
        base = os.path.join(self._directory, "merged") if self._of_run else self._base
        command = [_program.find(), "--quiet", f"--out={base}.prof"]
        if self._of_run:
            command.append("--format=prof")
        with _Popen(
            [*command, "--", self._directory],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as merging:
            told = merging.communicate()[0].decode("utf-8", "replace").strip()
        for line in told.splitlines():
            self._problems.append(
                re.sub("^edbprof: ", "", line).replace(" --out", " --edbprof-out")
            )
        if merging.returncode in (0, 1):
            from .figures import Figures

            self._figures = Figures(f"{base}.prof")
            if not self._of_run:
                paths = (base + suffix for suffix in _SUFFIXES)
                self._outputs = [path for path in paths if os.path.exists(path)]
        elif not told:
            self._problems.append(f"the program edbprof ended with status {merging.returncode}")

    def pytest_terminal_summary(self, terminalreporter: "Any") -> None:
        told = self._told()
        if told:
            terminalreporter.section(self._title())
            for line in told:
                terminalreporter.write_line(line)

    def _title(self) -> str:
        count = len(self._figures.tests) if self._figures else 0
        shown = min(count, self._slowest or count)
        return f"edbprof: the slowest {shown} of {count} tests" if count > shown else "edbprof"

    def _told(self) -> "List[str]":
        told: "List[str]" = []
        if self._figures is not None:
            width = shutil.get_terminal_size().columns
            told += lines(self._figures, self._slowest, max(80, width))
        if self._outputs:
            told.append(f"wrote {', '.join(map(self._shown, self._outputs))}")
        elif self._figures is not None:
            told.append("edbprof run writes the profile")
        if self._by_test is not None and os.path.isdir(self._by_test):
            told.append(f"wrote the results of single tests to {self._shown(self._by_test)}")
        if written := self._counts["written"]:
            told.append(f"wrote {written} baseline{'s' if written > 1 else ''}")
        if self._counts["missing"]:
            told.append(
                f"tests without a baseline: {self._counts['missing']}; --edbprof-update writes them"
            )
        return told + [f"edbprof: {problem}" for problem in dict.fromkeys(self._problems)]

    def _shown(self, path: str) -> str:
        return os.path.relpath(path, str(self._config.invocation_params.dir))

    def close(self) -> None:
        """End the recording if there was no session, and remove its files."""
        self._save()
        if self._directory and self._is_owner and os.getpid() == self._pid:
            shutil.rmtree(self._directory, ignore_errors=True)
