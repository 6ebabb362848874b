"""Two callers of one function, 80 to 20: known from our files, guessed from cProfile's.

The clock is made up: nothing here depends on how fast the machine is.
"""

from __future__ import annotations

import cProfile
import marshal
import re
import subprocess

import pytest
from edbprof_native import Profile
from edbprof_native._program import find
from flame_graph import stacks

milliseconds = 0


def spend(time):
    global milliseconds
    milliseconds += time


def slow(time):
    spend(time)


def fast(time):
    spend(time)


def shared(function, time):
    function(time)


def A():
    shared(slow, 80)


def B():
    shared(fast, 20)


def main():
    A()
    B()


EXACT = {
    ("main",): 100,
    ("main", "A"): 80,
    ("main", "A", "shared"): 80,
    ("main", "A", "shared", "slow"): 80,
    ("main", "A", "shared", "slow", "spend"): 80,
    ("main", "B"): 20,
    ("main", "B", "shared"): 20,
    ("main", "B", "shared", "fast"): 20,
    ("main", "B", "shared", "fast", "spend"): 20,
}
# All that callers and callees can tell: 'shared' spent 80 in 'slow' and 20 in 'fast',
# and 80 of its 100 were A's.
ESTIMATED = {
    ("main",): 100,
    ("main", "A"): 80,
    ("main", "A", "shared"): 80,
    ("main", "A", "shared", "slow"): 64,
    ("main", "A", "shared", "slow", "spend"): 64,
    ("main", "A", "shared", "fast"): 16,
    ("main", "A", "shared", "fast", "spend"): 16,
    ("main", "B"): 20,
    ("main", "B", "shared"): 20,
    ("main", "B", "shared", "slow"): 16,
    ("main", "B", "shared", "slow", "spend"): 16,
    ("main", "B", "shared", "fast"): 4,
    ("main", "B", "shared", "fast", "spend"): 4,
}


@pytest.fixture
def exact(tmp_path):
    with Profile(lambda: milliseconds, 0.001) as profile:
        main()
    profile.save(tmp_path / "exact.prof")
    return tmp_path / "exact.prof"


@pytest.fixture
def plain(tmp_path):
    profile = cProfile.Profile(lambda: milliseconds, 0.001)
    profile.runcall(main)
    profile.dump_stats(tmp_path / "plain.prof")
    return tmp_path / "plain.prof"


def picture(file_format, suffix, paths):
    out = paths[0].with_name("out")
    command = [find(), "--quiet", f"--format={file_format}", f"--out={out}", *map(str, paths)]
    subprocess.run(command, check=True)
    return out.with_name(out.name + suffix).read_text(encoding="utf-8")


def pictured(*paths):
    """Of pictures of the files: milliseconds by stack; how many frames are marked as
    estimated, and how many there are.
    """
    widths = stacks(picture("flamegraph", ".flamegraph.svg", paths))
    runs = re.search(r'"estimated":\[([\d,]+)\]', picture("svg", ".svg", paths))
    assert runs is not None
    lengths = [int(length) for length in runs[1].split(",")]
    # In turn exact and estimated, beginning with exact.
    marked = sum(lengths[1::2]), sum(lengths)
    return {names: round(width / 1e6, 3) for names, width in widths.items()}, marked


def test_our_file_says_who_spent_it(exact):
    assert pictured(exact) == (EXACT, (0, len(EXACT)))


def test_cprofiles_file_lets_guess(plain):
    assert pictured(plain) == (ESTIMATED, (len(ESTIMATED), len(ESTIMATED)))


def test_an_aggregate_of_both_keeps_them_apart(exact, plain):
    """Each part of the picture is what it would be alone, and the sum is the sum."""
    added = dict(EXACT)
    for names, time in ESTIMATED.items():
        added[names] = added.get(names, 0) + time
    marked = len(ESTIMATED), len(EXACT) + len(ESTIMATED)
    assert pictured(exact, plain) == (added, marked)


def test_rows_are_the_same_whichever(exact, plain):
    """What pstats shows needs no guess."""

    def times(path):
        rows = marshal.loads(path.read_bytes())
        return {
            label[2]: (nc, round(tt, 9), round(ct, 9))
            for label, (_cc, nc, tt, ct, _callers) in rows.items()
            if label[0] == __file__
        }

    assert times(exact) == times(plain)
