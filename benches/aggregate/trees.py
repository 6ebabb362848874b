"""Files as edbprof writes them, with call trees."""

from __future__ import annotations

import marshal
import random
from array import array
from itertools import accumulate, compress
from pathlib import Path

from program import Program, calls

# What the trees begin with: strs that are not interned, which Python's would be.
MAGIC = b"{\xfa\x05magic\xfa\x07edbprof"
INTERNED = MAGIC.replace(b"\xfa", b"\xda")

NO_PARENT = 2**32 - 1
DEEPEST = 170


class Tree:
    """A call tree somewhat larger than a file's: each process lacks parts of it."""

    def __init__(self, program: Program, nodes: int) -> None:
        draw = random.Random(nodes)
        callees: list[list[int]] = [[] for _ in program.labels]
        for function, callers in enumerate(program.callers):
            for caller in callers:
                callees[caller].append(function)
        self.labels = program.labels
        self.parent, self.function = array("I", [NO_PARENT]), array("I", [0])
        # The nodes below stand right behind a node, as in the order of calls.
        waiting = [(0, 0, 0)]
        wanted = nodes * 9 // 8
        while len(self.parent) < wanted:
            if not waiting:
                self.parent.append(NO_PARENT)
                self.function.append(draw.randrange(len(self.labels) // 10))
                waiting.append((len(self.parent) - 1, self.function[-1], 0))
            node, function, depth = waiting.pop()
            if depth == DEEPEST:
                continue
            for callee in callees[function]:
                if draw.random() < 0.7:
                    self.parent.append(node)
                    self.function.append(callee)
                    waiting.append((len(self.parent) - 1, callee, depth + 1))
        self.calls = array("Q", (calls(draw) for _ in self.parent))
        self.own = array("Q", (int(count * 2000 * draw.random()) for count in self.calls))

        # How many nodes each subtree has.
        self.below = [1] * len(self.parent)
        for node in range(len(self.parent) - 1, -1, -1):
            if self.parent[node] != NO_PARENT:
                self.below[self.parent[node]] += self.below[node]

    def write(self, path: Path, number: int, nodes: int) -> None:
        """Writes what process `number` would have: some `nodes` nodes."""
        draw = random.Random(number)
        # Subtrees are missing, a ninth of the nodes in all.
        left = bytearray(b"\1" * len(self.parent))
        surplus = len(left) - nodes
        for node, parent in enumerate(self.parent):
            if parent != NO_PARENT and not left[parent]:
                left[node] = 0
            elif self.below[node] <= surplus // 4 and draw.random() < 0.02:
                left[node] = 0
                surplus -= self.below[node]
        places = [place - 1 for place in accumulate(left)]
        parents = compress(self.parent, left)
        parent = array("I", (p if p == NO_PARENT else places[p] for p in parents))
        scale = draw.randrange(1, 5)
        total = array("Q", (own * scale for own in compress(self.own, left)))
        for node in range(len(parent) - 1, -1, -1):
            if parent[node] != NO_PARENT:
                total[parent[node]] += total[node]
        calls = array("Q", (count * scale for count in compress(self.calls, left)))
        main = {
            "process": 0,
            "name": "MainThread",
            "parent": parent.tobytes(),
            "kind": array("I", compress(self.function, left)).tobytes(),
            "calls": calls.tobytes(),
            "resumes": bytes(8 * len(parent)),
            "total": total.tobytes(),
        }
        # What has no name is written without a number.
        exact = marshal.dumps(
            {
                "magic": "edbprof",
                "version": 2,
                "recordings": [draw.randbytes(16)],
                "processes": [{"pid": number + 1, "argv": ["worker", str(number)]}],
                "functions": [(0, 0, *label, label[2], "") + (None,) for label in self.labels],
                "kinds": list(range(len(self.labels))),
                "threads": [main],
            }
        )
        # The rows are read by pstats only; they are those of nothing.
        path.write_bytes(marshal.dumps({}) + exact.replace(INTERNED, MAGIC, 1))
