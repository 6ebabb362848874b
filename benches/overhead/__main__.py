"""What recording costs: slowdown, nanoseconds an event, share of cProfile's overhead.

    python benches/overhead [--rounds 9] [--tools A,B] [--workloads A,B] [--json FILE]
                            [--calls 100000] [--cpu]

Needs what stands in benches/requirements.txt, and a C compiler. Also what a decorated
function of two lines costs a call, beside cProfile's enable and disable around each.
edbprof records with its live file.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time

from decorated import measure_decorated
from hard import HARD
from measure import mean_of_cprofile, measure
from tools import TOOLS
from workloads import SMALL, WORKLOADS


def usable_tools(names: list[str]) -> list[str]:
    """Those that are installed; the others are named."""
    usable = []
    for name in names:
        try:
            TOOLS[name]().close()
        except ImportError as error:
            print(f"{name} is left out: {error}")
        else:
            usable.append(name)
    return usable


def names_of(known: dict, what: str, text: str) -> list[str]:
    names = text.split(",") if text else list(known)
    wrong = [name for name in names if name not in known]
    if wrong:
        sys.exit(f"there is no {what} {', '.join(wrong)}, only: {', '.join(known)}")
    return names


def print_workload(name: str, events: int, costs: dict) -> None:
    print(f"\n{name} ({events:,} events): slowdown, ns an event, of cProfile's overhead")
    for tool, cost in costs.items():
        print(
            f"  {tool:20}{cost['slowdown']:7.2f}{cost['ns_per_event']:9.1f}"
            f"{cost['of_cprofile']:8.2f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--tools", default="", help="comma-separated, of: " + ", ".join(TOOLS))
    parser.add_argument("--workloads", default="", help="likewise: " + ", ".join(WORKLOADS))
    parser.add_argument("--calls", type=int, default=100_000, help="of the decorated function")
    parser.add_argument(
        "--cpu", action="store_true", help="CPU time, for a machine that is not quiet"
    )
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    tools = names_of(TOOLS, "tool", options.tools)
    tools += [name for name in ("none", "cProfile") if name not in tools]
    workloads = names_of(WORKLOADS, "workload", options.workloads)

    print(f"Python {sys.version.split()[0]}, medians of {options.rounds} rounds")
    tools = usable_tools(tools)
    clock = time.process_time_ns if options.cpu else time.perf_counter_ns
    events, costs = {}, {}
    for name in workloads:
        events[name], costs[name] = measure(name, tools, options.rounds, clock)
        print_workload(name, events[name], costs[name])
    means = {}
    for group, members in {"small": SMALL, "hard": HARD, "all": costs}.items():
        some = {name: cost for name, cost in costs.items() if name in members}
        if not some:
            continue
        print(f"\nGeometric means of cProfile's overhead, {group}: {', '.join(some)}")
        means[group] = {tool: mean_of_cprofile(some, tool) for tool in tools if tool != "none"}
        for tool, mean in means[group].items():
            print(f"  {tool:20}{mean:8.2f}")
    decorated = measure_decorated(options.calls, clock)
    print(
        f"\nA decorated call of two lines: {decorated['us']:.2f} us; cProfile switched on and "
        f"off around it: {decorated['cProfile_us']:.2f} us; ratio {decorated['of_cprofile']:.3f}"
    )
    if options.json:
        found = {
            "python": sys.version,
            "machine": platform.platform(),
            "rounds": options.rounds,
            "clock": clock.__name__,
            "events": events,
            "workloads": costs,
            "means_of_cprofile": means,
            "decorated": decorated,
        }
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
