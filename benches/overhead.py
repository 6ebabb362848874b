"""What recording costs: slowdown, nanoseconds an event, share of cProfile's overhead.

    python benches/overhead.py [--rounds 15] [--json FILE]

Everything is measured in one process, interleaved; medians are given. Also what a
decorated function of two lines costs a call, beside cProfile's enable and disable
around each.
"""

from __future__ import annotations

import argparse
import ast
import atexit
import cProfile
import json
import platform
import shutil
import statistics
import sys
import tempfile
import time

DIRECTORY = tempfile.mkdtemp()
atexit.register(shutil.rmtree, DIRECTORY)  # After edbprof's own, which saves.

from edbprof_native import Profile, profile  # noqa: E402  see above


def fib(n=19):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def c_calls():
    values = []
    for i in range(6000):
        values.append(len(str(i)))
        abs(i)


def generators():
    def numbers(n):
        for i in range(n):
            yield i

    for _ in range(60):
        for _ in numbers(150):
            pass


def json_and_ast():
    document = {f"key {i}": [i, str(i), {"nested": i * 1.5}] for i in range(60)}
    for _ in range(3):
        json.loads(json.dumps(document, indent=1))
        for node in ast.walk(ast.parse("def f(a, b=1):\n    return [a + b, {a: b}]\n" * 12)):
            list(ast.iter_child_nodes(node))


WORKLOADS = [fib, c_calls, generators, json_and_ast]


def timed(function):
    begin = time.perf_counter_ns()
    function()
    return time.perf_counter_ns() - begin


def timed_between(enable, disable, function):
    enable()
    function()  # Events and trees are ready, as in a long program.
    begin = time.perf_counter_ns()
    function()
    took = time.perf_counter_ns() - begin
    disable()
    return took


def events_of(function):
    """Calls, resumes and returns, as a profile function sees them."""
    count = 0

    def listener(frame, event, argument):
        nonlocal count
        count += 1

    sys.setprofile(listener)
    function()
    sys.setprofile(None)
    return count - 1


def go_idle():
    """Has the hook 'monitoring' switch events off."""
    for _ in range(40000):
        abs(0)


def measure_workloads(rounds):
    hooks = ["setprofile"] + (["monitoring"] if sys.version_info >= (3, 12) else [])
    results = {}
    for workload in WORKLOADS:
        workload()
        events = events_of(workload)
        times = {name: [] for name in ["plain", "cProfile", *hooks]}
        recorders = {hook: Profile(hook=hook) for hook in hooks}
        for _ in range(rounds):
            go_idle()
            times["plain"].append(timed(workload))
            theirs = cProfile.Profile()
            times["cProfile"].append(timed_between(theirs.enable, theirs.disable, workload))
            for hook, ours in recorders.items():
                times[hook].append(timed_between(ours.enable, ours.disable, workload))
                go_idle()
        medians = {name: statistics.median(values) for name, values in times.items()}
        plain, cprofile = medians["plain"], medians["cProfile"]
        results[workload.__name__] = {
            name: {
                "slowdown": median / plain,
                "ns_per_event": (median - plain) / events,
                "of_cprofile": (median - plain) / (cprofile - plain),
            }
            for name, median in medians.items()
            if name != "plain"
        }
    return results


def two_lines(a):
    b = a + 1
    return b


def measure_decorated(calls):
    decorated = profile(dir=DIRECTORY, save_every_n_calls=0)(two_lines)
    theirs = cProfile.Profile()

    def plain():
        for i in range(calls):
            two_lines(i)

    def ours():
        for i in range(calls):
            decorated(i)

    def cprofile():
        for i in range(calls):
            theirs.enable()
            two_lines(i)
            theirs.disable()

    per_call = {}
    for function in (plain, ours, cprofile):
        function()
        go_idle()
        per_call[function.__name__] = min(timed(function) for _ in range(2)) / calls
        go_idle()
    cost, theirs_cost = (per_call[name] - per_call["plain"] for name in ("ours", "cprofile"))
    return {"us": cost / 1e3, "cProfile_us": theirs_cost / 1e3, "of_cprofile": cost / theirs_cost}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=100_000, help="of the decorated function")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    workloads = measure_workloads(options.rounds)
    decorated = measure_decorated(options.calls)
    print(f"Python {sys.version.split()[0]}")
    print(f"{'':14}{'':12}{'slowdown':>9}{'ns/event':>10}{'of cProfile':>13}")
    for workload, found in workloads.items():
        for name, row in found.items():
            print(
                f"{workload:14}{name:12}{row['slowdown']:9.2f}{row['ns_per_event']:10.1f}"
                f"{row['of_cprofile']:13.2f}"
            )
    means = {}
    for name in list(next(iter(workloads.values())))[1:]:
        means[name] = statistics.geometric_mean(
            max(found[name]["of_cprofile"], 1e-3) for found in workloads.values()
        )
        print(f"{'mean':14}{name:12}{'':19}{means[name]:13.2f}")
    print(
        f"a decorated call: {decorated['us']:.2f} us; cProfile switched around each: "
        f"{decorated['cProfile_us']:.2f} us; ratio {decorated['of_cprofile']:.3f}"
    )
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(
                {
                    "python": sys.version,
                    "machine": platform.platform(),
                    "workloads": workloads,
                    "mean_of_cprofile": means,
                    "decorated": decorated,
                },
                file,
                indent=1,
            )


if __name__ == "__main__":
    main()
