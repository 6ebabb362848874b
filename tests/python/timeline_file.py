"""Reads timeline files as anyone can: with `struct` and `marshal`, as the format's docs say.

Nothing here shares code with edbprof: events are replayed anew, so that tests can compare what
they add up to with the trees of the `.prof` file beside.
"""

from __future__ import annotations

import array
import marshal
import os
import struct
import sys
from collections import defaultdict
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

import pytest

#: The hook, for tests of calls that raise.
SETPROFILE = pytest.param(
    "setprofile",
    marks=pytest.mark.xfail(
        sys.version_info[:2] == (3, 12),
        reason="Python 3.12 tells profile functions in C None of a call that raises",
        strict=False,
    ),
)

NO_FUNCTION = 2**32 - 1
COUNTER = RESUMED = 2**31
RETURN, RAISE, SUSPEND, END_TO, SWITCH_TO, LATER = (2**32 - number for number in range(1, 7))
BLOCKED, GIL, PREEMPTED, EXCLUDED, COROUTINE = (2**32 - number for number in range(7, 12))
MARKS = {2**32 - number for number in range(13, 17)}
FIRST_CODE = 2**32 - 256
WITH_SECOND = {END_TO, SWITCH_TO, LATER, BLOCKED, GIL, PREEMPTED, EXCLUDED, COROUTINE}
ENDS = {RETURN: "returned", RAISE: "raised", SUSPEND: "suspended"}


class Block(NamedTuple):
    number: int
    start: int
    node: int
    root: int
    thread: int
    overflow: int
    words: array.array

    def events(self) -> Iterator[Tuple[int, int, int]]:
        """Tick, code and second word of each event."""
        tick, words = self.start, iter(self.words)
        for word in words:
            code, passed = word >> 32, word & 0xFFFFFFFF
            second = next(words) if code in WITH_SECOND else 0
            if code in MARKS:
                second = (next(words), next(words))[0]
            tick += passed
            if code == LATER:
                tick += second
                continue
            if code == EXCLUDED:
                tick += second
            yield tick, code, second


class Call(NamedTuple):
    """A visit to a node that has ended."""

    path: Tuple[str, ...]
    begin: int
    end: int
    ended: str


class Figures:
    def __init__(self) -> None:
        self.calls = self.resumes = self.ticks = 0


class Thread:
    """State of a thread while it is replayed."""

    def __init__(self, of: TimelineProcess, block: Block) -> None:
        self.of = of
        self.tick = block.start
        self.open: List[Tuple[int, int]] = []
        self.go_to(block.node)
        self.overflow: List[int] = []

    def go_to(self, node: int) -> None:
        path = []
        while self.of.nodes[node][0] != node:
            path.append((node, self.tick))
            node = self.of.nodes[node][0]
        self.open = path[::-1]

    def end(self, ended: str) -> None:
        if self.overflow:
            self.overflow.pop()
        else:
            node, begin = self.open[-1]
            self.of.calls.append(Call(self.of.path(node), begin, self.tick, ended))
            self.open.pop()


class TimelineProcess:
    """One process's history, replayed."""

    def __init__(self, data: bytes, entry: dict) -> None:
        self.entry = entry
        self.process: dict = entry["process"]
        self.functions: List[tuple] = entry["functions"]
        at, count = entry["nodes_at"], entry["nodes"]
        numbers = struct.unpack_from(f"<{2 * count}I", data, at)
        self.nodes = list(zip(numbers[::2], numbers[1::2]))
        self.threads: Dict[int, str] = {root: name for root, name, _ in entry["threads"]}
        self.blocks: List[Block] = []
        at = entry["blocks_at"]
        for _ in range(entry["blocks"]):
            *header, words = struct.unpack_from("<QQIIIII", data, at)
            at += 64
            self.blocks.append(Block(*header, array.array("Q", data[at : at + 8 * words])))
            at += 8 * words
        assert sys.byteorder == "little"
        self.figures: Dict[int, Figures] = defaultdict(Figures)
        #: Visits that have ended, in the order of their ends.
        self.calls: List[Call] = []
        #: Kind, nanoseconds and path of the innermost call of each wait.
        self.waits: List[Tuple[int, int, Tuple[str, ...]]] = []
        self._paths: Dict[int, Tuple[str, ...]] = {}
        threads: Dict[int, Thread] = {}
        for block in sorted(self.blocks):
            thread = threads.get(block.thread)
            if thread is None:
                thread = threads[block.thread] = Thread(self, block)
            self._replay(thread, block)

    def _replay(self, thread: Thread, block: Block) -> None:
        reopened = block.overflow
        thread.overflow = []
        if thread.tick != block.start:  # Blocks before it are missing.
            thread.tick = block.start
            thread.go_to(block.node)
        assert (thread.open[-1][0] if thread.open else block.root) == block.node
        for tick, code, second in block.events():
            passed = tick - thread.tick - (second if code == EXCLUDED else 0)
            assert passed >= 0
            for node, _ in thread.open:
                self.figures[node].ticks += passed
            shown = [of for of in thread.overflow if self.nodes[of][1] != NO_FUNCTION]
            if shown:
                self.figures[shown[-1]].ticks += passed
            thread.tick = tick
            if code in ENDS:
                thread.end(ENDS[code])
            elif code in (END_TO, SWITCH_TO):
                thread.overflow.clear()
                if code == SWITCH_TO:
                    thread.go_to(second)
                while thread.open and thread.open[-1][0] != second:
                    thread.end("at once")
            elif code in (BLOCKED, GIL, PREEMPTED):
                path = self.path(thread.open[-1][0])
                self.waits.append((code, second, path))
            elif code < FIRST_CODE:
                node = code & ~RESUMED
                if self.nodes[node][0] & COUNTER:
                    thread.overflow.append(node)
                else:
                    inner = thread.open[-1][0] if thread.open else block.root
                    assert self.nodes[node][0] == inner
                    thread.open.append((node, tick))
                if reopened:
                    reopened -= 1
                elif code & RESUMED:
                    self.figures[node].resumes += 1
                else:
                    self.figures[node].calls += 1

    def path(self, node: int) -> Tuple[str, ...]:
        """Names of the functions on the way to a node, those that are hidden left out."""
        if node not in self._paths:
            parent, function = self.nodes[node]
            above = () if parent == node else self.path(parent)
            own = () if function == NO_FUNCTION else (self.functions[function][4],)
            self._paths[node] = (*above, *own)
        return self._paths[node]

    def ns(self, ticks: int) -> int:
        return ticks * self.entry["rate"] >> 40

    def by_path(self) -> Dict[Tuple[str, ...], List[int]]:
        """Calls, resumes and nanoseconds by the path of names; overflow calls left out."""
        found: Dict[Tuple[str, ...], List[int]] = defaultdict(lambda: [0, 0, 0])
        for node, figures in self.figures.items():
            parent, function = self.nodes[node]
            if not parent & COUNTER and function != NO_FUNCTION:
                sums = found[self.path(node)]
                for index, number in enumerate(
                    (figures.calls, figures.resumes, self.ns(figures.ticks))
                ):
                    sums[index] += number
        return dict(found)

    def calls_of(self, name: str) -> List[Call]:
        return [call for call in self.calls if call.path[-1:] == (name,)]


def read_timeline(path: Union[str, "os.PathLike[str]"]) -> List[TimelineProcess]:
    data = Path(path).read_bytes()
    magic, version, _, start, end = struct.unpack_from("<8sIIQQ", data)
    assert (magic, version, end) == (b"edbtime\0", 1, len(data))
    processes = []
    while start < end:
        (length,) = struct.unpack_from("<Q", data, start)
        entry = marshal.loads(data[start + 16 : start + 16 + length])
        processes.append(TimelineProcess(data, entry))
        start += 16 + length
    return processes


def only_process(path: Union[str, "os.PathLike[str]"]) -> TimelineProcess:
    (process,) = read_timeline(path)
    return process


def check_against(of: TimelineProcess, recorded: "object", slack: Optional[int] = None) -> None:
    """Compares with the `ProfFile` beside it: calls and resumes exactly, times but for what
    rounding takes from each node."""
    expected: Dict[Tuple[str, ...], List[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for node in recorded.nodes:  # type: ignore[attr-defined]
        path, above = [], node
        while above is not None:
            # The node of a forked child, which its history does without.
            if above.name != "<forked>":
                path.append(above.name)
            above = above.parent
        sums = expected[tuple(path[::-1])]
        for index, number in enumerate((node.calls, node.resumes, node.total, 1)):
            sums[index] += number
    found = of.by_path()
    expected = {path: sums for path, sums in expected.items() if path and any(sums[:3])}
    found = {path: sums for path, sums in found.items() if any(sums)}
    assert found.keys() == expected.keys()
    for path, (calls, resumes, total, nodes) in expected.items():
        assert found[path][:2] == [calls, resumes], path
        margin = 2 * nodes + 2 if slack is None else slack
        assert abs(found[path][2] - total) <= margin, path
