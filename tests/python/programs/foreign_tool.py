"""Calls a function while edbprof and another tool listen; says what each has counted.

foreign_tool.py HOOK TOOL around|inside|across
"""

from __future__ import annotations

import importlib.util
import os
import sys

from edbprof_native import Profile
from prof_file import ProfFile


def callee():
    pass


def call(n):
    for _ in range(n):
        callee()


class Yappi:
    def __init__(self):
        import yappi

        self.yappi = yappi
        yappi.set_clock_type("wall")
        self.start, self.stop = yappi.start, yappi.stop

    def count(self):
        return sum(row.ncall for row in self.yappi.get_func_stats() if row.name == "callee")


class VizTracer:
    def __init__(self):
        from viztracer import VizTracer

        self.tracer = VizTracer(verbose=0)
        self.start, self.stop = self.tracer.start, self.tracer.stop

    def count(self):
        self.tracer.parse()
        events = self.tracer.data["traceEvents"]
        return sum(event.get("name", "").startswith("callee ") for event in events)


class CProfile:
    def __init__(self):
        import cProfile

        self.profiler = cProfile.Profile()
        self.start, self.stop = self.profiler.enable, self.profiler.disable

    def count(self):
        import pstats

        rows = pstats.Stats(self.profiler).stats
        return sum(row[1] for label, row in rows.items() if label[2] == "callee")


class Debugger:
    """Steps line by line."""

    def __init__(self):
        self.lines = 0

    def __call__(self, frame, event, argument):
        self.lines += event == "line" and frame.f_code is callee.__code__
        return self

    def start(self):
        sys.settrace(self)

    def stop(self):
        assert sys.gettrace() is self
        sys.settrace(None)

    def count(self):
        return self.lines


class Coverage:
    """Its count is that of the lines that were run: the callee's and the two in call()."""

    def __init__(self, core):
        if core == "ctrace" and not importlib.util.find_spec("coverage.tracer"):
            core = "pytrace"
        os.environ["COVERAGE_CORE"] = core
        import coverage

        self.coverage = coverage.Coverage(data_file=None)
        self.start, self.stop = self.coverage.start, self.coverage.stop

    def count(self):
        return len(self.coverage.get_data().lines(os.path.abspath(__file__)))


TOOLS = {
    "yappi": Yappi,
    "viztracer": VizTracer,
    "cProfile": CProfile,
    "settrace": Debugger,
    "coverage": lambda: Coverage("ctrace"),
    "coverage by sys.monitoring": lambda: Coverage("sysmon"),
}


def main(hook, tool_name, where):
    tool = TOOLS[tool_name]()
    ours = Profile(hook=hook)
    if where == "around":
        tool.start(), call(1), ours.enable(), call(2), ours.disable(), call(4), tool.stop()
    elif where == "inside":
        ours.enable(), call(1), tool.start(), call(2), tool.stop(), call(4), ours.disable()
    else:
        ours.enable(), call(1), tool.start(), call(2), ours.disable(), call(4), tool.stop()
    ours.save("ours.recorded")
    print(tool.count(), ProfFile("ours.recorded").calls("callee"))
    if not (tool_name == "yappi" and sys.version_info < (3, 11)):  # It leaves half of ours.
        assert sys.getprofile() is None
    assert sys.gettrace() is None


if __name__ == "__main__":
    main(*sys.argv[1:])
