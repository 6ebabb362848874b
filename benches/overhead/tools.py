"""What is measured: each tool records between `start` and `stop`.

A tool is made anew for each workload, so that each has its own recording.
"""

from __future__ import annotations

import cProfile
import os
import sys
import tempfile
from typing import Any, Callable

import floor

empty_hooks = floor.load()

HAVE_MONITORING = sys.version_info >= (3, 12)


class Nothing:
    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def close(self) -> None:
        """Frees what was recorded."""


class EmptySetprofile(Nothing):
    def start(self) -> None:
        empty_hooks.set_profile(True)

    def stop(self) -> None:
        empty_hooks.set_profile(False)


class EmptyMonitoring(Nothing):
    ASKED_FOR = ("PY_START", "PY_RESUME", "PY_RETURN", "PY_YIELD", "PY_THROW", "PY_UNWIND", "CALL")
    if sys.version_info >= (3, 13):
        ASKED_FOR = (*ASKED_FOR, "RAISE")  # For exceptions before a function's first instruction.
    COME_WITH_CALL = ("C_RETURN", "C_RAISE")
    TOOL = 5  # None of edbprof's, cProfile's or VizTracer's.

    def start(self) -> None:
        monitoring = sys.monitoring
        monitoring.use_tool_id(self.TOOL, "floor")
        asked_for = 0
        for name in self.ASKED_FOR + self.COME_WITH_CALL:
            event = getattr(monitoring.events, name)
            monitoring.register_callback(self.TOOL, event, empty_hooks.callback())
            asked_for |= event if name in self.ASKED_FOR else 0
        monitoring.set_events(self.TOOL, asked_for)

    def stop(self) -> None:
        sys.monitoring.set_events(self.TOOL, 0)
        sys.monitoring.free_tool_id(self.TOOL)


class Edbprof(Nothing):
    """With its live file, as a decorated function records."""

    #: Whether waiting is told apart unless said otherwise.
    waiting = True

    def __init__(
        self, hook: str, waiting: bool = True, builtins: bool = True, timeline: bool = False
    ) -> None:
        from edbprof_native import _native

        self.directory = tempfile.TemporaryDirectory(prefix="edbprof-bench-")
        self.recorder = _native.Recorder(
            directory=self.directory.name,
            save_every=0,
            hook=hook,
            waiting=waiting and self.waiting,
            builtins=builtins,
            **({"timeline_bytes": 256 << 20} if timeline else {}),
        )

    def start(self) -> None:
        self.recorder.enable()

    def stop(self) -> None:
        self.recorder.stop()
        go_idle()
        assert any(name.endswith(".live") for name in os.listdir(self.directory.name))

    def close(self) -> None:
        self.recorder.close()
        self.directory.cleanup()


class CProfile(Nothing):
    def __init__(self) -> None:
        self.profile = cProfile.Profile()

    def start(self) -> None:
        self.profile.enable()

    def stop(self) -> None:
        self.profile.disable()


class Yappi(Nothing):
    def __init__(self) -> None:
        import yappi

        self.yappi = yappi
        yappi.set_clock_type("wall")

    def start(self) -> None:
        self.yappi.start(builtins=True)

    def stop(self) -> None:
        self.yappi.stop()

    def close(self) -> None:
        self.yappi.clear_stats()


class VizTracer(Nothing):
    def __init__(self) -> None:
        import viztracer

        self.tracer = viztracer.VizTracer(verbose=0)

    def start(self) -> None:
        self.tracer.start()

    def stop(self) -> None:
        self.tracer.stop()
        self.tracer.clear()


class Pyinstrument(Nothing):
    """A sampler, which looks at the clock at every call and at the stack every millisecond."""

    def __init__(self) -> None:
        os.environ["PYINSTRUMENT_IGNORE_OVERHEAD_WARNING"] = "1"
        import pyinstrument

        self.profiler = pyinstrument.Profiler(async_mode="disabled")

    def start(self) -> None:
        self.profiler.start()

    def stop(self) -> None:
        self.profiler.stop()
        self.profiler.reset()


def events_are_on() -> bool:
    if not HAVE_MONITORING:
        return False
    monitoring = sys.monitoring
    used = [tool for tool in range(6) if monitoring.get_tool(tool) == "edbprof"]
    return any(monitoring.get_events(tool) for tool in used)


def go_idle() -> None:
    """Has the hook 'monitoring' switch its events off: after some that nobody records."""
    while events_are_on():
        for _ in range(1000):
            abs(0)


TOOLS: dict[str, Callable[[], Any]] = {
    "none": Nothing,
    "empty setprofile": EmptySetprofile,
    "edbprof setprofile": lambda: Edbprof("setprofile"),
    "timeline setprofile": lambda: Edbprof("setprofile", timeline=True),
    "setprofile without waiting": lambda: Edbprof("setprofile", waiting=False),
    "setprofile without C": lambda: Edbprof("setprofile", builtins=False),
    **(
        {
            "empty monitoring": EmptyMonitoring,
            "edbprof monitoring": lambda: Edbprof("monitoring"),
            "timeline monitoring": lambda: Edbprof("monitoring", timeline=True),
            "monitoring without waiting": lambda: Edbprof("monitoring", waiting=False),
            "monitoring without C": lambda: Edbprof("monitoring", builtins=False),
        }
        if HAVE_MONITORING
        else {}
    ),
    "cProfile": CProfile,
    "yappi": Yappi,
    "VizTracer": VizTracer,
    "pyinstrument": Pyinstrument,
}
