"""The same programs under cProfile and under edbprof: the same functions, calls, callers.

What "the same" means. Times aside, for each function (cc, nc, callers with their counts):

- The rows in our file are counted with `calls`, which a generator's resumes are no part
  of. cProfile counts every resume as a call (cpython#86717). So cProfile's counts are
  compared with those that follow from our trees when `calls + resumes` are counted, and
  our file's rows with those that follow from `calls` alone. Where a program has no
  generator both are one and the same.
- Addresses in cProfile's labels are dropped, and functions whose labels become equal so
  are added up: ours hold none (DESIGN 3.4).
- cProfile's own `disable` is dropped. Of ours there is nothing to drop.
"""

from __future__ import annotations

import cProfile
import gc
import importlib
import pkgutil
import pstats
from collections import Counter
from pathlib import Path

import pytest
from edbprof_native import Profile
from prof_file import (
    ProfFile,
    counts_of_cprofile,
    counts_of_rows,
    counts_of_trees,
    without_address,
)
from programs import compared

NAMES = sorted(module.name for module in pkgutil.iter_modules(compared.__path__))
WITHOUT_RESUMES = {"recursive"}


@pytest.fixture(scope="module", params=NAMES)
def played(request, tmp_path_factory):
    """A program under both: its name, what cProfile counted, and our file."""
    main = importlib.import_module(f"programs.compared.{request.param}").main
    main()  # Fills caches, imports.
    main()
    theirs, ours = cProfile.Profile(), Profile()
    gc.collect()
    gc.disable()  # Finalizers would run anywhere.
    try:
        theirs.enable()
        main()
        theirs.disable()
        ours.enable()
        main()
        ours.disable()
    finally:
        gc.enable()
    path = tmp_path_factory.mktemp(request.param) / "ours.prof"
    ours.save(path)
    counted = counts_of_cprofile(theirs, without_address)
    del counted["~", 0, "<method 'disable' of '_lsprof.Profiler' objects>"]
    return request.param, counted, ProfFile(path)


def test_counts_and_callers_are_cprofiles(played):
    _, theirs, ours = played
    found = counts_of_trees(ours, lambda node: node.calls + node.resumes)
    assert set(found) == set(theirs)
    assert found == theirs


def test_rows_follow_from_the_trees(played):
    name, theirs, ours = played
    rows = counts_of_rows(ours.rows)
    assert rows == counts_of_trees(ours, lambda node: node.calls)
    if name in WITHOUT_RESUMES:
        assert not any(node.resumes for node in ours.nodes)
        assert rows == theirs


def test_times_of_rows_follow_from_the_trees(played):
    _, _, ours = played
    own: Counter = Counter()
    total: Counter = Counter()
    for node in ours.nodes:
        own[node.label] += node.self_time
        above = node.parent
        while above and above.label != node.label:
            above = above.parent
        total[node.label] += 0 if above else node.total
    for label, (_cc, _nc, tt, ct, callers) in ours.rows.items():
        assert tt == own[label] / 1e9
        assert ct == total[label] / 1e9
        assert sum(edge[2] for edge in callers.values()) <= tt + 1e-9


def test_sums_hold_exactly(played):
    """Self times add up to the roots' totals; no child is longer than its parent."""
    _, _, ours = played
    roots = sum(node.total for node in ours.nodes if node.parent is None)
    assert sum(node.self_time for node in ours.nodes) == roots
    assert min(node.self_time for node in ours.nodes) >= 0


def test_nothing_of_ours_is_in_the_file(played):
    _, _, ours = played
    import edbprof_native

    package = str(Path(edbprof_native.__file__).parent)
    for kind, _flags, file, _line, name, *_ in ours.functions:
        assert not file.startswith(package)
        assert "edbprof" not in name
        assert kind in (0, 1)


def test_pstats_works_on_it(played, tmp_path, capsys):
    _, _, ours = played
    stats = pstats.Stats(str(ours.path))
    assert stats.total_calls == sum(row[1] for row in ours.rows.values())
    assert stats.prim_calls == sum(row[0] for row in ours.rows.values())
    stats.sort_stats("cumulative", "name").print_stats()
    stats.print_callers()
    stats.print_callees()
    printed = capsys.readouterr().out
    assert "main" in printed and "was called by" in printed and "called..." in printed
    before = stats.total_calls
    stats.add(str(ours.path))
    assert stats.total_calls == 2 * before
    doubled = counts_of_rows(stats.stats)
    for label, (cc, nc, callers) in counts_of_rows(ours.rows).items():
        assert doubled[label][:2] == (2 * cc, 2 * nc)
        assert doubled[label][2] == {by: (2 * a, 2 * b) for by, (a, b) in callers.items()}
    stats.strip_dirs().sort_stats("stdname").print_stats()
    assert stats.total_calls == 2 * before
    stats.dump_stats(tmp_path / "again.prof")
    assert pstats.Stats(str(tmp_path / "again.prof")).total_calls == 2 * before


def test_there_are_enough_programs():
    assert len(NAMES) >= 8
