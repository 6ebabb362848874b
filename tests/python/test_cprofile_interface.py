"""`Profile` in the place of `cProfile.Profile`: the same calls give the same."""

from __future__ import annotations

import _lsprof
import cProfile
import errno
import inspect
import marshal
import pstats
import threading
import time

import edbprof_native
import pytest
from edbprof_native import Profile
from prof_file import ProfFile, cprofile_label, saved

import __main__

THEIR_DISABLE = "<method 'disable' of '_lsprof.Profiler' objects>"


def callee(n):
    return abs(n)


def program(n=3):
    for i in range(n):
        callee(i)
        if n > 1:
            program(n - 1)


def counts(stats):
    """Without times and what cProfile records of itself."""
    return {
        label: (cc, nc, {caller: figures[:2] for caller, figures in callers.items()})
        for label, (cc, nc, _, _, callers) in stats.items()
        if label[2] != THEIR_DISABLE
    }


def entries(recorded):
    def calls(entry):
        return {sub.code: (sub.callcount, sub.reccallcount) for sub in entry.calls or ()}

    return {
        entry.code: (entry.callcount, entry.reccallcount, calls(entry))
        for entry in recorded.getstats()
        if entry.code != THEIR_DISABLE
    }


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("subcalls", [True, False])
@pytest.mark.parametrize("builtins", [True, False])
def test_stats_and_entries(subcalls, builtins):
    theirs, ours = cProfile.Profile(), Profile()
    for recorded in (theirs, ours):
        recorded.enable(subcalls=subcalls, builtins=builtins)
        program()
        recorded.disable()
        recorded.create_stats()
    assert counts(ours.stats) == counts(theirs.stats)
    assert entries(ours) == entries(theirs)
    for entry in ours.getstats():
        assert type(entry) is _lsprof.profiler_entry
        assert 0 <= entry.inlinetime <= entry.totaltime
        assert entry.calls is None or type(entry.calls[0]) is _lsprof.profiler_subentry


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("subcalls", [True, False])
def test_arguments_of_the_class(subcalls):
    """cProfile's `enable()` forgets them from Python 3.14 on, so it is told again."""
    theirs, ours = cProfile.Profile(), Profile(time.perf_counter, 0.0, subcalls, False)
    theirs.enable(subcalls=subcalls, builtins=False)
    program()
    theirs.disable()
    ours.enable()
    program()
    ours.disable()
    for recorded in (theirs, ours):
        recorded.snapshot_stats()
    assert counts(ours.stats) == counts(theirs.stats)


def test_enable_again_changes_nothing():
    """Where cProfile raises ValueError from Python 3.12 on."""
    recorded = Profile()
    recorded.enable()
    recorded.enable()
    callee(1)
    recorded.disable()
    callee(1)
    assert entries(recorded)[callee.__code__][0] == 1


def test_builtins_switched_while_recording():
    recorded = Profile()
    recorded.enable()
    abs(1)
    recorded.enable(builtins=False)
    abs(1)
    recorded.enable(builtins=True)
    abs(1)
    abs(1)
    recorded.create_stats()
    assert recorded.stats["~", 0, "<built-in method builtins.abs>"][:2] == (3, 3)


def test_times_by_a_timer_are_cprofiles():
    now = 0

    def busy():
        nonlocal now
        now += 10
        rest()

    def rest():
        nonlocal now
        now += 100

    times = []
    for kind in (cProfile.Profile, Profile):
        recorded = kind(lambda: now, 0.5)
        recorded.runcall(busy)
        recorded.create_stats()
        code = {label[2]: row for label, row in recorded.stats.items()}
        times.append((code["busy"][:4], code["rest"][:4], *code["rest"][4].values()))
    assert times[0] == times[1]
    assert times[0][0] == (1, 1, 5.0, 55.0)


def test_pstats_takes_it():
    recorded = Profile()
    recorded.enable()
    program()
    stats = pstats.Stats(recorded)  # It disables.
    program()
    stats.add(recorded)
    label = callee.__code__.co_filename, callee.__code__.co_firstlineno, "callee"
    assert stats.stats[label][1] == 2 * entries(recorded)[callee.__code__][0] == 30


def test_print_stats(capsys):
    recorded = Profile()
    recorded.runcall(program)
    for sort, title in ((-1, "standard name"), ("tottime", "internal time")):
        recorded.print_stats(sort)
        assert f"Ordered by: {title}" in capsys.readouterr().out
    recorded.print_stats(("ncalls", "name"))
    assert "Ordered by: call count, function name" in capsys.readouterr().out


def test_dump_stats(tmp_path):
    recorded = Profile()
    recorded.enable()
    program()
    recorded.dump_stats(tmp_path / "dumped.prof")
    program()
    with open(tmp_path / "dumped.prof", "rb") as opened:
        assert marshal.load(opened) == recorded.stats
    dumped, later = ProfFile(tmp_path / "dumped.prof"), saved(recorded, tmp_path)
    assert dumped.paths() == later.paths()
    assert pstats.Stats(str(tmp_path / "dumped.prof")).stats == recorded.stats


@pytest.mark.parametrize(
    "name, number", [("no/such/x", errno.ENOENT), ("x" * 300, errno.ENAMETOOLONG)]
)
def test_dump_stats_fails_as_cprofiles(tmp_path, name, number):
    for kind in (cProfile.Profile, Profile):
        with pytest.raises(OSError) as raised:
            kind().dump_stats(tmp_path / name)
        assert raised.value.errno == number


def test_snapshot_stats_goes_on():
    recorded = Profile()
    with recorded:
        callee(1)
        recorded.snapshot_stats()
        first = recorded.stats
        callee(1)
    recorded.snapshot_stats()
    label = callee.__code__.co_filename, callee.__code__.co_firstlineno, "callee"
    assert (first[label][1], recorded.stats[label][1]) == (1, 2)


def test_nothing_recorded():
    for kind in (cProfile.Profile, Profile):
        recorded = kind()
        assert not hasattr(recorded, "stats")
        assert recorded.getstats() == []
        recorded.create_stats()
        assert recorded.stats == {}
        recorded.disable()
        recorded.clear()


def test_clear(tmp_path):
    theirs, ours = cProfile.Profile(), Profile()
    for recorded in (theirs, ours):
        recorded.enable()
        program()
        recorded.clear()
        callee(1)
        recorded.disable()
        callee(1)
        recorded.create_stats()
    assert counts(ours.stats) == counts(theirs.stats)
    assert saved(ours, tmp_path).calls("callee") == 1


def test_clear_keeps_the_switches():
    recorded = Profile(builtins=False)
    recorded.clear()
    recorded.runcall(callee, 1)
    assert entries(recorded) == {callee.__code__: (1, 0, {})}


def test_clear_in_the_middle_of_nested_ones():
    recorded = Profile()
    with recorded:
        with recorded:
            recorded.clear()
            callee(1)
        callee(1)
    callee(1)
    assert entries(recorded)[callee.__code__] == (2, 0, {"<built-in method builtins.abs>": (2, 0)})


def test_clear_is_refused_while_another_thread_records():
    recorded = Profile()
    enabled, may_end = threading.Event(), threading.Event()

    def thread():
        with recorded:
            enabled.set()
            may_end.wait()

    other = threading.Thread(target=thread)
    other.start()
    enabled.wait()
    recorded.enable()
    try:
        with pytest.raises(RuntimeError, match="another thread"):
            recorded.clear()
        callee(1)
    finally:
        may_end.set()
        other.join()
    recorded.disable()
    assert entries(recorded)[callee.__code__][0] == 1


def test_run_and_runctx(monkeypatch):
    monkeypatch.setattr(__main__, "seen", [], raising=False)
    for kind in (cProfile.Profile, Profile):
        recorded = kind()
        assert recorded.run("seen.append(1)") is recorded
        names = {"program": program}
        assert recorded.runctx("done = program()", names, names) is recorded
        assert names["done"] is None
        with pytest.raises(KeyError):
            recorded.runctx("{}[1]", {}, {})
        callee(1)
        assert entries(recorded)[callee.__code__][0] == 15
    assert __main__.seen == [1, 1]


def test_runcall():
    def function(*arguments, **keywords):
        return arguments, keywords

    for kind in (cProfile.Profile, Profile):
        assert kind().runcall(function, 1, func=2, self=3) == ((1,), {"func": 2, "self": 3})
        with pytest.raises(ZeroDivisionError):
            kind().runcall(lambda: 1 / 0)


def test_functions_of_the_module(tmp_path, capsys):
    for module in (cProfile, edbprof_native):
        path = tmp_path / module.__name__
        module.run("raise SystemExit", str(path))
        assert pstats.Stats(str(path)).total_calls > 0
        module.runctx("callee(1)", {"callee": callee}, {}, sort="name")
        assert "Ordered by: function name" in capsys.readouterr().out
        with pytest.raises(KeyError):
            module.runctx("{}[1]", {}, {})
        assert "function calls" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["run", "runctx"])
def test_signatures(name):
    theirs = inspect.signature(getattr(cProfile, name)).parameters
    ours = inspect.signature(getattr(edbprof_native, name)).parameters
    assert [(each.name, each.default, each.kind) for each in ours.values()] == [
        (each.name, each.default, each.kind) for each in theirs.values()
    ]


def test_it_has_all_that_cprofiles_has():
    public = {name for name in dir(cProfile.Profile) if not name.startswith("_")}
    assert public <= set(dir(Profile))
    names = {*cProfile.__all__, "label", "main"}
    for module in (edbprof_native, edbprof_native.tracing):
        assert all(callable(getattr(module, name)) for name in names)
    assert sorted(edbprof_native.tracing.__all__) == sorted(cProfile.__all__)


def test_label():
    for code in (callee.__code__, "<built-in method builtins.abs>"):
        assert edbprof_native.label(code) == cprofile_label(code)


def methods_called(kind, use):
    """The methods of a subclass that are called, in their order."""
    called = []

    def noting(name):
        def method(self, *arguments, **keywords):
            called.append(name)
            return getattr(super(noted, self), name)(*arguments, **keywords)

        return method

    names = "enable disable create_stats snapshot_stats getstats run runctx runcall".split()
    noted = type("Noted", (kind,), {name: noting(name) for name in names})
    use(noted())
    return called


@pytest.mark.parametrize(
    "use",
    [
        lambda profile: profile.runcall(callee, 1),
        lambda profile: profile.runctx("1", {}, {}),
        lambda profile: profile.run("1"),
        lambda profile: profile.__enter__().__exit__(None, None, None),
        lambda profile: profile.create_stats(),
        lambda profile: profile.dump_stats("/dev/null"),
        lambda profile: (profile.runcall(callee, 1), profile.print_stats()),
        lambda profile: (profile.runcall(callee, 1), pstats.Stats(profile)),
        lambda profile: pytest.raises(ZeroDivisionError, profile.runcall, lambda: 1 / 0),
    ],
)
def test_methods_of_a_subclass_are_called(use, capsys):
    assert methods_called(Profile, use) == methods_called(cProfile.Profile, use) != []


def test_methods_of_an_instance_are_called():
    recorded, called = Profile(), []
    recorded.enable = lambda: called.append("enable")
    recorded.disable = lambda: called.append("disable")
    recorded.runcall(callee, 1)
    assert called == ["enable", "disable"]
    assert recorded.getstats() == []


def test_a_subclass_may_change_what_is_dumped(tmp_path):
    def without_builtins(kind):
        class Chosen(kind):
            def getstats(self):
                return [entry for entry in super().getstats() if not isinstance(entry.code, str)]

        recorded = Chosen()
        recorded.runcall(program)
        recorded.dump_stats(tmp_path / "dumped.prof")
        return counts(pstats.Stats(str(tmp_path / "dumped.prof")).stats)

    assert without_builtins(Profile) == without_builtins(cProfile.Profile)

    class Fewer(Profile):
        def create_stats(self):
            super().create_stats()
            self.stats.clear()

    Fewer().dump_stats(tmp_path / "dumped.prof")
    with open(tmp_path / "dumped.prof", "rb") as opened:
        assert marshal.load(opened) == {}


def test_a_subclass_need_not_call_our_init():
    class Own(Profile):
        def __init__(self, name):
            self.name = name

    recorded = Own("x")
    recorded.runcall(callee, 1)
    assert entries(recorded)[callee.__code__][0] == 1
    with pytest.raises(AttributeError, match="other"):
        _ = recorded.other
    Own("never used").__del__()


def test_one_inside_another_and_beside_it():
    """As above."""
    outer, inner = Profile(), Profile()

    def thread():
        inner.runcall(callee, 1)

    def both():
        inner.runcall(callee, 1)
        callee(1)
        other = threading.Thread(target=thread)
        other.start()
        other.join()

    outer.runcall(both)
    assert entries(outer)[callee.__code__][0] == 2
    assert entries(inner)[callee.__code__][0] == 2
