"""Plain files merged by the program and by `pstats.Stats(*files)`: the same answer.

The files are generated, always the same: what profilers write and what they could
write, in every version of marshal that this Python knows.
"""

from __future__ import annotations

import io
import itertools
import marshal
import math
import pstats
import random
import subprocess

import pytest
from edbprof_native._program import find

INFINITY = float("inf")
# Every key that pstats knows, and several at once.
ORDERS = [
    *pstats.Stats.sort_arg_dict_default,
    "file",
    "calls,name",
    "pcalls,time,nfl",
    "module,line,name",
    "cumulative,stdname",
    "name,file,line,calls",
    "",
]


class Writer:
    """Generates pstats dictionaries of one kind."""

    def __init__(self, seed, functions=30, extreme=False, caller_times=True):
        self.choose = random.Random(seed)
        self.extreme = extreme
        self.caller_times = caller_times
        self.labels = [self.label() for _ in range(functions)]

    def label(self):
        choose = self.choose
        name = choose.choice(
            ["f", "g", "Z", "<lambda>", "größe", "été" * 90, "\udc80", "\U0001d11e"]
        )
        if choose.random() < 0.2:
            name = choose.choice(["<built-in method builtins.len>", "plain", "<>", "<", ""]) + name
            return ("~", 0, name)
        folder = choose.choice(["/srv/", "lib/", "", "ä/", "/x" * 150 + "/"])
        return (f"{folder}m{choose.randrange(4)}.py", choose.randrange(-1, 20), name)

    def calls(self):
        values = [0, 1, 7, 300, 10**6, 2**31, 10**12]
        if self.extreme:
            values += [-1, -(2**40), 2**63, 10**30, -(10**30)]
        return self.choose.choice(values)

    def time(self):
        values = [0.0, 0, 1, 0.0005, self.choose.random(), self.choose.random() * 1e4]
        if self.extreme:
            values += [-1.5, -(2**30), 1e22, 1e300, INFINITY]
        return self.choose.choice(values)

    def caller(self):
        if not self.caller_times:
            return self.calls()
        # pstats prints a function's True as such, so only callers have one here.
        return (True, self.calls(), self.time(), self.time())

    def stats(self):
        count = self.choose.randrange(len(self.labels)) + 1
        stats = {}
        for label in self.choose.sample(self.labels, count):
            callers = self.choose.choices(self.labels, k=self.choose.choice([0, 0, 1, 3, 8]))
            figures = (self.calls(), self.calls(), self.time(), self.time())
            stats[label] = (*figures, {caller: self.caller() for caller in callers})
        return stats


SETS = {
    "usual": dict(extreme=False),
    "extreme": dict(extreme=True),
    "as profile.py writes it": dict(extreme=False, caller_times=False),
    "one function": dict(functions=1),
}


@pytest.fixture(params=[*itertools.product(SETS, range(4))], ids=str)
def paths(request, tmp_path):
    """A set of files; their names sort as pstats is given them."""
    kind, seed = request.param
    writer = Writer(f"{kind} {seed}", **SETS[kind])
    paths = []
    for number in range(writer.choose.randrange(1, 9)):
        path = tmp_path / f"edbprof_{number}.prof"
        path.write_bytes(marshal.dumps(writer.stats(), number % (marshal.version + 1)))
        paths.append(str(path))
    return paths


def aggregate(directory, out, *options):
    command = [find(), *options, f"--out={out}", "--format=prof,pstats", str(directory)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b""), done


def close(ours, expected):
    return ours == expected or math.isclose(ours, expected, rel_tol=1e-9)


def assert_same_figures(ours, expected):
    """Of a function or of a caller, whose value is a bare count in profile.py's files."""
    if not isinstance(expected, tuple):
        assert ours == expected
        return
    assert ours[:2] == expected[:2]
    assert all(map(close, ours[2:4], expected[2:4])), (ours, expected)


def test_merged_files_hold_what_pstats_adds_up(paths, tmp_path):
    aggregate(tmp_path, tmp_path / "out")
    with open(tmp_path / "out.prof", "rb") as file:
        merged = marshal.load(file)
    expected = pstats.Stats(*paths).stats
    assert list(merged) == list(expected)
    for label, figures in expected.items():
        assert_same_figures(merged[label], figures)
        assert set(merged[label][4]) == set(figures[4])
        for caller, value in figures[4].items():
            assert_same_figures(merged[label][4][caller], value)


def table(text):
    """A table below its header."""
    return text[text.index(" function calls ") :]


@pytest.mark.parametrize("options", [[], ["--strip-dirs"]], ids=str)
def test_tables_are_those_of_pstats(options, paths, tmp_path):
    for order in ORDERS:
        aggregate(tmp_path, tmp_path / "out", f"--sort-by={order}", *options)
        stats = pstats.Stats(*paths, stream=io.StringIO())
        if options:
            stats.strip_dirs()
        if order:
            stats.sort_stats(*order.split(","))
        stats.print_stats()
        ours = (tmp_path / "out.pstats").read_text(encoding="utf-8")
        # Names are escaped where they would not be text.
        expected = stats.stream.getvalue().replace("\udc80", "\\udc80")
        assert table(ours) == table(expected), order


def test_aggregates_hold_it_too(paths, tmp_path):
    """Merged in two stages."""
    stages = [tmp_path / "first", tmp_path / "second"]
    for stage, part in zip(stages, (paths[::2], paths[1::2])):
        command = [find(), "--format=prof", f"--out={stage}", *part]
        if part:
            subprocess.run(command, stdout=subprocess.PIPE, check=True)
    merged = [f"{stage}.prof" for stage in stages if stage.with_suffix(".prof").exists()]
    out = tmp_path / "both"
    command = [find(), "--format=prof", f"--out={out}", *merged]
    subprocess.run(command, stdout=subprocess.PIPE, check=True)
    with open(f"{out}.prof", "rb") as file:
        rows = marshal.load(file)
    expected = pstats.Stats(*paths).stats
    assert set(rows) == set(expected)
    for label, figures in expected.items():
        assert_same_figures(rows[label], figures)
        for caller, value in figures[4].items():
            assert_same_figures(rows[label][4][caller], value)
