"""Files as cProfile writes them."""

from __future__ import annotations

import marshal
import random
from pathlib import Path

from program import Label, Program, calls


def write(program: Program, path: Path, number: int) -> None:
    """Writes what process `number` would have.

    Equal strings and tuples are one object where they are in cProfile's own
    `create_stats`, since marshal writes those as references.
    """
    draw = random.Random(number)
    reached = program.process(draw)
    known = set(reached)
    stats = {}

    def label(function: int) -> Label:
        file, line, name = program.labels[function]
        return file, line + 0, name

    # As a caller a function has another tuple than as a key.
    as_caller = {function: label(function) for function in reached}
    for function in reached:
        callers = {}
        for caller in program.callers[function]:
            if caller in known:
                count = calls(draw)
                own = count * 2e-6 * draw.random()
                # Two ints, though they are equal: so are the lines.
                callers[as_caller[caller]] = (count, count + 0, own, own * (1 + draw.random()))
        total = sum(figures[0] for figures in callers.values()) or 1
        own = sum(figures[2] for figures in callers.values()) or draw.random() * 1e-3
        whole = sum(figures[3] for figures in callers.values()) or own
        stats[label(function)] = (total, total + 0, own, whole, callers)
    path.write_bytes(marshal.dumps(stats))
