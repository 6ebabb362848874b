"""Measure `edbprof_native.load` of a million nodes, and `merge` of a thousand recordings.

    .venv-bench/bin/python benches/data.py

The files are made up. Times are the best of five, by wall time and by processor time, with all
processors that there are.
"""

import array
import marshal
import os
import random
import time

import edbprof_native

NODES = 1_000_000
FUNCTIONS = 20_000
RECORDINGS = 1_000
NODES_EACH = 38_000
FUNCTIONS_EACH = 2_000


def columns(nodes, functions):
    """Columns of a tree that gets deep, with totals that add up."""
    state = random.Random(1)
    parents = array.array("I", [0xFFFF_FFFF])
    parents.extend(node - 1 - state.randrange(min(node, 300)) for node in range(1, nodes))
    kinds = array.array("I", (state.randrange(functions) for _ in range(nodes)))
    calls = array.array("Q", (1 + state.randrange(1000) for _ in range(nodes)))
    totals = array.array("Q", (state.randrange(100_000) for _ in range(nodes)))
    for node in range(nodes - 1, 0, -1):
        totals[parents[node]] += totals[node]
    return {
        "parent": parents.tobytes(),
        "function": kinds.tobytes(),
        "calls": calls.tobytes(),
        "resumes": bytes(8 * nodes),
        "total": totals.tobytes(),
    }


def recording(number, tree, functions):
    """The content of a `.prof` file, with two callers for each function in pstats' dictionary."""
    names = [
        (0, 0, f"/app/module_{at // 50}.py", 10 * at, f"f{at}", f"C.f{at}", f"m{at // 50}", None)
        for at in range(functions)
    ]
    figures = (1000, 1000, 0.5, 1.5)
    labels = [name[2:5] for name in names]
    rows = {
        label: (*figures, {labels[at - 1]: figures, labels[at // 2]: figures})
        for at, label in enumerate(labels)
    }
    exact = {
        "magic": "edbprof",
        "version": 2,
        "recordings": [number.to_bytes(16, "little")],
        "processes": [{"pid": number}],
        "functions": names,
        "threads": [{"process": 0, "name": "MainThread", **tree}],
    }
    # Readers know the second object by its first bytes, whose strings are not interned.
    return marshal.dumps(rows, 2) + b"{\xfa\x05magic\xfa\x07edbprof" + marshal.dumps(exact, 2)[23:]


def best(what, measured):
    times = []
    for _ in range(5):
        start = time.perf_counter(), time.process_time()
        measured()
        times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    wall, processor = (min(of) for of in zip(*times))
    print(f"{what:<60} {wall:.2f} s  {processor:.2f} s of processor time")


large = recording(1, columns(NODES, FUNCTIONS), FUNCTIONS)
tree = columns(NODES_EACH, FUNCTIONS_EACH)
small = [recording(number, tree, FUNCTIONS_EACH) for number in range(RECORDINGS)]
print(f"{os.cpu_count()} processors")
best(f"load {NODES:,} nodes", lambda: edbprof_native.load(large))
data = edbprof_native.load(large)
best("their functions", lambda: edbprof_native.load(large).functions)
best("their columns", lambda: [sum(data.column(name)) for name in ("calls", "self_ns")])
best("walk over them", lambda: sum(1 for _ in data.walk()))
best(
    f"merge {RECORDINGS:,} recordings of {NODES_EACH:,} nodes, in memory",
    lambda: edbprof_native.merge(small),
)
