"""Programs that are called in more ways than there is room for: what is exact all the same."""

from __future__ import annotations

import cProfile
import importlib
import itertools
import pkgutil
from collections import Counter

import pytest
from edbprof_native import Profile, profile
from prof_file import ProfFile, all_files, counts_of_cprofile, saved, without_address
from programs import compared

NAMES = sorted(module.name for module in pkgutil.iter_modules(compared.__path__))
OVERFLOW = ("~", 0, "<overflow>")


def figures(file):
    """Calls, resumes and self time of each function, of the tree and calls."""
    found = {}
    for thread in file.threads:
        nodes = [node for node in thread.nodes if node.label != OVERFLOW]
        for one in [*nodes, *thread.overflow]:
            old = found.get(one.label, (0, 0, 0))
            new = (one.calls, one.resumes, one.self_time)
            found[one.label] = tuple(map(sum, zip(old, new)))
    return found


def recorded(main, tmp_path, **options):
    """`main` by a clock that ticks at each event."""
    ticks = itertools.count(1)
    profile = Profile(lambda: next(ticks), 1e-9, **options)
    with profile:
        main()
    return saved(profile, tmp_path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("hook", ["setprofile", "auto"])
def test_what_is_known_by_function_is_exact(name, hook, tmp_path):
    main = importlib.import_module(f"programs.compared.{name}").main
    main()  # Fills caches, imports.
    main()
    whole = recorded(main, tmp_path, hook=hook)
    part = recorded(main, tmp_path, hook=hook, max_nodes=64)
    assert figures(part) == figures(whole)
    assert not any(thread.overflow for thread in whole.threads)
    assert part.process["dropped_calls"] == 0
    for thread in part.threads:
        assert len([node for node in thread.nodes if node.label != OVERFLOW]) < 64
        assert sum(node.total for node in thread.nodes if node.label == OVERFLOW) == sum(
            calls.self_time for calls in thread.overflow
        )
    # As pstats has it: all calls, and the time that was theirs alone.
    assert OVERFLOW not in part.rows
    for label, (calls, _, self_time) in figures(whole).items():
        cc, nc, tt, ct, _ = part.rows[label]
        assert (nc, round(tt * 1e9)) == (calls, self_time)
        assert cc <= nc and tt <= ct <= whole.rows[label][3]


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("name", NAMES)
def test_calls_are_cprofiles(name, tmp_path):
    main = importlib.import_module(f"programs.compared.{name}").main
    main()
    main()
    theirs, ours = cProfile.Profile(), Profile(max_nodes=64)
    theirs.enable()
    main()
    theirs.disable()
    with ours:
        main()
    counted = {
        label: nc for label, (_, nc, _) in counts_of_cprofile(theirs, without_address).items()
    }
    del counted["~", 0, "<method 'disable' of '_lsprof.Profiler' objects>"]
    found = figures(saved(ours, tmp_path))
    assert {label: calls + resumes for label, (calls, resumes, _) in found.items()} == counted


def spread(depth):
    """Calls in 2 ** depth - 1 ways, each of them by its own path."""
    if depth:
        left(depth - 1)
        right(depth - 1)


def left(depth):
    spread(depth)


def right(depth):
    spread(depth)


def test_a_decorated_function_may_have_little_room(run, tmp_path):
    program = """
        import sys
        from edbprof_native import profile
        from test_overflow import spread
        recorded = profile(dir=sys.argv[1], max_nodes=64)
        recorded(spread)(8)
        recorded.save()
    """
    directory = tmp_path / "profiles"
    directory.mkdir()
    calls = Counter()
    for _ in range(2):
        run(program, directory)
    for file in all_files(directory):
        assert any(thread.overflow for thread in file.threads)
        calls.update({label[2]: counts[0] for label, counts in figures(file).items()})
    assert calls == {"spread": 2 * (2**9 - 1), "left": 2 * (2**8 - 1), "right": 2 * (2**8 - 1)}
    merged = tmp_path / "merged.prof"
    assert profile(dir=directory).aggregate(merged, quiet=True) == (2, 0)
    found = figures(ProfFile(merged))
    assert {label[2]: counts[0] for label, counts in found.items()} == calls
    table = merged.with_suffix(".pstats").read_text()
    assert "calls of 3 functions, whose callers and totals are unknown." in table


@pytest.mark.parametrize("max_nodes", [-1, 1, 63, 134_217_728, 2**40])
def test_room_that_makes_no_sense(max_nodes, tmp_path):
    for make in (Profile, lambda **options: profile(dir=tmp_path, **options)):
        with pytest.raises(ValueError, match="max_nodes must be between 64 and 134217727"):
            make(max_nodes=max_nodes)
