"""Runs workloads under callgrind, with each tool; __main__.py runs it and reads the counts.

Prints a line for each call that is counted: workload, tool, events.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "overhead"))

from measure import count_events  # noqa: E402  the path must be known first
from tools import TOOLS, empty_hooks  # noqa: E402  as above
from workloads import WORKLOADS  # noqa: E402  as above

for workload in ("fib", "C calls", "generators", "deltablue"):
    function = WORKLOADS[workload]()
    function()
    events = count_events(function)
    for name, make in TOOLS.items():
        if name in ("yappi", "VizTracer"):
            continue
        tool = make()
        tool.start()
        function()
        function()  # Instrumented code is specialised again.
        empty_hooks.call_counted(function)
        tool.stop()
        tool.close()
        print(workload, name, events, sep="\t", flush=True)
