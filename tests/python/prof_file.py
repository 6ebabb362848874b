"""Reads `.prof` files as anyone can: with `marshal` and `array`, as the format's docs say.

Nothing here shares code with edbprof: the rows are computed anew from the trees, so that
tests can compare them with what the recorder wrote and with what cProfile counts.
"""

from __future__ import annotations

import array
import marshal
import os
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

if sys.version_info >= (3, 15):
    from profiling.tracing import label as cprofile_label
else:
    from cProfile import label as cprofile_label

Label = Tuple[str, int, str]
NO_PARENT = 2**32 - 1


class Waiting(NamedTuple):
    """Parts of a self time in which the thread was on no processor."""

    blocked: int
    gil: int
    preempted: int

    @property
    def total(self) -> int:
        return sum(self)


class Node:
    """One node of a call tree."""

    def __init__(
        self, label: Label, parent: Optional[Node], calls: int, resumes: int, total: int
    ) -> None:
        self.label = label
        self.parent = parent
        self.depth: int = parent.depth + 1 if parent else 1
        self.calls = calls
        self.resumes = resumes
        self.total = total
        self.self_time = total
        self.waiting = Waiting(0, 0, 0)
        #: Of a node that coroutines ran in.
        self.awaiting: Optional[int] = None
        self.longest_run: Optional[int] = None
        if parent:
            parent.self_time -= total

    @property
    def name(self) -> str:
        return self.label[2]

    @property
    def path(self) -> Tuple[Label, ...]:
        """From the root to here. Made anew each time: trees may be very deep."""
        path = []
        node: Optional[Node] = self
        while node:
            path.append(node.label)
            node = node.parent
        return tuple(reversed(path))

    @property
    def names(self) -> Tuple[str, ...]:
        return tuple(label[2] for label in self.path)


class Overflow(NamedTuple):
    """What is known of the overflow calls of one function."""

    label: Label
    calls: int
    resumes: int
    self_time: int


class Run(NamedTuple):
    """One of the longest runs of a task between two suspensions."""

    node: Node
    start_unix_ns: int
    duration: int


class Thread(NamedTuple):
    name: str
    threads: int
    nodes: List[Node]
    overflow: List[Overflow]
    runs: List[Run]


def column(code: str, data: bytes) -> array.array:
    values = array.array(code, data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


class ProfFile:
    """Both objects of one file."""

    def __init__(self, path: Union[str, "os.PathLike[str]"]) -> None:
        self.path = Path(path)
        with open(path, "rb") as file:
            self.rows: Dict[Label, tuple] = marshal.load(file)
            self.exact: dict = marshal.load(file)
            assert file.read() == b""
        assert self.exact["magic"] == "edbprof"
        assert self.exact["version"] == 2
        self.functions: List[tuple] = self.exact["functions"]
        self.threads = [self._thread(thread) for thread in self.exact["threads"]]

    def _label(self, function: int) -> Label:
        return self.functions[function][2:5]

    def _thread(self, thread: dict) -> Thread:
        parents = column("I", thread["parent"])
        functions = column("I", thread["function"])
        calls, resumes, totals = (column("Q", thread[key]) for key in ("calls", "resumes", "total"))
        assert len({len(c) for c in (parents, functions, calls, resumes, totals)}) == 1
        nodes: List[Node] = []
        for parent, function, *counts in zip(parents, functions, calls, resumes, totals):
            assert parent == NO_PARENT or parent < len(nodes)
            caller = None if parent == NO_PARENT else nodes[parent]
            nodes.append(Node(self._label(function), caller, *counts))
        waiting = zip(
            *(column("Q", thread.get(f"waiting_{key}", b"")) for key in Waiting._fields),
        )
        for node, parts in zip(column("I", thread.get("waiting_node", b"")), waiting):
            nodes[node].waiting = Waiting(*parts)
            assert 0 < nodes[node].waiting.total <= nodes[node].self_time
        awaits = (column("Q", thread.get(key, b"")) for key in ("awaiting", "awaiting_longest_run"))
        for node, *figures in zip(column("I", thread.get("awaiting_node", b"")), *awaits):
            nodes[node].awaiting, nodes[node].longest_run = figures
        runs = (column("Q", thread.get(f"run_{key}", b"")) for key in ("start_unix_ns", "duration"))
        overflow = zip(
            column("I", thread.get("overflow_function", b"")),
            *(
                column("Q", thread.get(f"overflow_{key}", b""))
                for key in ("calls", "resumes", "self")
            ),
        )
        labels = [(self._label(function), *counts) for function, *counts in overflow]
        return Thread(
            thread["name"],
            thread.get("threads", 1),
            nodes,
            [Overflow(*figures) for figures in labels],
            [
                Run(nodes[node], *figures)
                for node, *figures in zip(column("I", thread.get("run_node", b"")), *runs)
            ],
        )

    @property
    def nodes(self) -> List[Node]:
        return [node for thread in self.threads for node in thread.nodes]

    @property
    def process(self) -> dict:
        (process,) = self.exact["processes"]
        return process

    def calls(self, name: str) -> int:
        """How often functions of that name were called."""
        return sum(node.calls for node in self.nodes if node.name == name)

    def waiting(self, name: str) -> Waiting:
        """Waiting of functions of that name."""
        waits = [node.waiting for node in self.nodes if node.name == name]
        return Waiting(*map(sum, zip(*waits))) if waits else Waiting(0, 0, 0)

    def awaiting(self, name: str) -> Optional[int]:
        """Awaiting of functions of that name; `None` if they are no coroutines."""
        awaits = [node.awaiting for node in self.nodes if node.name == name]
        known = [awaiting for awaiting in awaits if awaiting is not None]
        return sum(known) if known else None

    @property
    def runs(self) -> List[Run]:
        """The longest runs of tasks, of each thread the longest first."""
        return [run for thread in self.threads for run in thread.runs]

    def self_time(self, name: str) -> int:
        return sum(node.self_time for node in self.nodes if node.name == name)

    def resumes(self, name: str) -> int:
        return sum(node.resumes for node in self.nodes if node.name == name)

    def paths(self, *, counted: bool = True) -> Dict[Tuple[str, ...], int]:
        """Calls by path of names; without the nodes that were never called if so told."""
        found: Dict[Tuple[str, ...], int] = defaultdict(int)
        for node in self.nodes:
            if node.calls or not counted:
                found[node.names] += node.calls
        return dict(found)

    def names(self) -> set:
        return {function[4] for function in self.functions}


Counts = Dict[Label, Tuple[int, int, Dict[Label, Tuple[int, int]]]]


def counts_of_trees(
    file: ProfFile,
    count: Callable[[Node], int],
    relabel: Callable[[Label], Label] = lambda label: label,
) -> Counts:
    """(cc, nc, {caller: (nc, cc)}) for each function, as DESIGN 3.4 defines them."""
    counts: Dict[Label, List[int]] = defaultdict(lambda: [0, 0])
    edges: Dict[Label, Dict[Label, List[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for node in file.nodes:
        path = [relabel(label) for label in node.path]
        calls = count(node)
        function = path[-1]
        outermost = function not in path[:-1]
        counts[function][0] += calls if outermost else 0
        counts[function][1] += calls
        if len(path) > 1:
            edge = edges[function][path[-2]]
            above = zip(path[:-2], path[1:-1])
            outermost = (path[-2], function) not in above
            edge[0] += calls
            edge[1] += calls if outermost else 0
    return {
        function: (cc, nc, {caller: tuple(edge) for caller, edge in edges[function].items()})
        for function, (cc, nc) in counts.items()
    }


def counts_of_rows(
    rows: Dict[Label, tuple], relabel: Callable[[Label], Label] = lambda label: label
) -> Counts:
    """The same from a pstats dictionary. Its times are dropped."""
    merged: Counts = {}
    for function, (cc, nc, _tt, _ct, callers) in rows.items():
        known = merged.get(relabel(function), (0, 0, {}))
        edges = dict(known[2])
        for caller, (edge_nc, edge_cc, _, _) in callers.items():
            before = edges.get(relabel(caller), (0, 0))
            edges[relabel(caller)] = (before[0] + edge_nc, before[1] + edge_cc)
        merged[relabel(function)] = (known[0] + cc, known[1] + nc, edges)
    return merged


def counts_of_cprofile(profiler: Any, relabel: Callable[[Label], Label]) -> Counts:
    """The same of what a cProfile.Profile counted, before it makes rows of it.

    Its rows keep only one of several functions with one label; here they are added up.
    """
    functions: Dict[Label, List[int]] = defaultdict(lambda: [0, 0])
    edges: Dict[Label, Dict[Label, List[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for entry in profiler.getstats():
        caller = relabel(cprofile_label(entry.code))
        functions[caller][0] += entry.callcount - entry.reccallcount
        functions[caller][1] += entry.callcount
        for call in entry.calls or ():
            edge = edges[relabel(cprofile_label(call.code))][caller]
            edge[0] += call.callcount
            edge[1] += call.callcount - call.reccallcount
    return {
        function: (cc, nc, {caller: tuple(edge) for caller, edge in edges[function].items()})
        for function, (cc, nc) in functions.items()
    }


def without_address(label: Label) -> Label:
    """cProfile's names of bound builtins hold addresses; ours never do (DESIGN 3.4)."""
    return label[0], label[1], re.sub(r" at 0x[0-9a-f]+", "", label[2])


def files(directory: Path, pattern: str = "*.prof") -> List[Path]:
    """Those that match, live files only if they are meant."""
    live = pattern.endswith(".live")
    return sorted(path for path in directory.glob(pattern) if (path.suffix == ".live") == live)


def saved(recorded: Any, directory: Path) -> ProfFile:
    """What a `Profile` holds now, through a file in `directory`."""
    path = directory / "saved.prof"
    recorded.save(path)
    return ProfFile(path)


def only_file(directory: Path, pattern: str = "*.prof") -> ProfFile:
    (path,) = files(directory, pattern)
    return ProfFile(path)


def all_files(directory: Path) -> Iterator[ProfFile]:
    return map(ProfFile, files(directory))


def total_calls(directory: Path, name: str) -> int:
    return sum(file.calls(name) for file in all_files(directory))


def find(file: ProfFile, *names: str) -> Optional[Node]:
    return next((node for node in file.nodes if node.names == names), None)
