"""Records workloads; __main__.py runs it under callgrind and reads the counts.

    python benches/instructions/recorded.py TOOL...

A call through the C function `call_counted` of benches/floor is what is counted; prints a
line for each: workload, tool, events.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "overhead"))

from measure import count_events
from tools import TOOLS, Edbprof, empty_hooks
from workloads import WORKLOADS

# The same instructions with and without, but for long gaps between events. Under callgrind most
# are long.
Edbprof.waiting = False
for workload in ("fib", "C calls", "generators"):
    function = WORKLOADS[workload]()
    function()
    events = count_events(function)
    for name in filter(TOOLS.__contains__, sys.argv[1:]):
        tool = TOOLS[name]()
        tool.start()
        function()
        function()  # Instrumented code is specialised again.
        empty_hooks.call_counted(function)
        tool.stop()
        tool.close()
        print(workload, name, events, sep="\t", flush=True)
