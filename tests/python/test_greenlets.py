"""Greenlets: each keeps its place in the call tree while others have their turns."""

from __future__ import annotations

import gc
import random
import sys
from collections import Counter

import greenlet
import pytest
from edbprof_native import Profile
from greenlet import getcurrent
from prof_file import saved
from turns import callee, calls_under, in_turns, run_all, to_parent

HOOKS = ["setprofile", *(["monitoring"] if sys.version_info >= (3, 12) else [])]


@pytest.fixture(params=HOOKS)
def hook(request):
    return request.param


def test_each_goes_on_where_it_was(record, hook):
    def program():
        run_all(in_turns("first", 3), in_turns("second", 5))
        callee()

    file = record(program, hook=hook)
    assert calls_under(file, "program") == {"first": 3, "second": 5, "program": 1}
    # Only the program is called by nobody.
    assert [node.name for node in file.nodes if node.parent is None] == ["program"]
    (first,) = [node for node in file.nodes if node.name == "first"]
    assert first.parent.name.endswith("switch' of 'greenlet.greenlet' objects>")


class RandomGreenlets:
    """Functions that call each other and switch at random, and count their call paths."""

    def __init__(self, seed):
        self.draw = random.Random(seed)
        self.counted = Counter()
        self.paths = {}
        self.waiting = []
        self.steps = 400

    def called(self, name):
        path = self.paths.setdefault(getcurrent(), self.paths.get(getcurrent().parent, ()))
        self.paths[getcurrent()] = (*path, name)
        self.counted[self.paths[getcurrent()]] += 1
        for _ in range(self.draw.randrange(4)):
            self.step()
        self.paths[getcurrent()] = path

    def step(self):
        self.steps -= 1
        if self.steps < 0:
            return
        what = self.draw.randrange(8)
        if what < 4:
            self.functions[what]()
        elif what < 6:
            self.waiting.append(greenlet.greenlet(self.functions[what - 4]))
            self.waiting[-1].switch()
        elif self.waiting:
            self.draw.choice(self.waiting).switch()

    def f0(self):
        self.called("f0")

    def f1(self):
        try:
            self.called("f1")
        except KeyError:
            callee()

    def f2(self):
        self.called("f2")

    def f3(self):
        self.called("f3")

    def run(self):
        self.functions = [self.f0, self.f1, self.f2, self.f3]
        while self.steps > 0:
            self.step()
        for one in self.waiting:
            while not one.dead:
                one.switch()


@pytest.mark.parametrize("seed", range(10))
def test_any_switches_against_paths_that_the_program_notes(record, hook, seed):
    program = RandomGreenlets(seed)
    file = record(program.run, hook=hook)
    found = Counter()
    for node in file.nodes:
        if node.name in ("f0", "f1", "f2", "f3"):
            found[tuple(name for name in node.names if name[0] == "f" and name[1:].isdigit())] += (
                node.calls
            )
    assert found == program.counted
    assert all(node.self_time >= 0 for node in file.nodes)


def test_a_suspended_greenlet_takes_no_time(record, hook):
    ticks = iter(range(10**9))

    def waits():
        to_parent()

    def program():
        one = greenlet.greenlet(waits)
        one.switch()
        for _ in range(1000):
            callee()
        one.switch()

    file = record(program, hook=hook, timer=lambda: next(ticks))
    (waiting,) = [node for node in file.nodes if node.name == "waits"]
    (calling,) = [node for node in file.nodes if node.name == "callee"]
    # A tick is a second.
    assert calling.total >= 1000e9
    assert waiting.total < 20e9


def test_exceptions_that_are_thrown_and_greenlets_that_are_dropped(record, hook):
    def waits():
        try:
            callee()
            to_parent()
        finally:
            callee()

    def program():
        thrown, dropped = greenlet.greenlet(waits), greenlet.greenlet(waits)
        unstarted = greenlet.greenlet(waits)
        for one in (thrown, dropped):
            one.switch()
        for one in (thrown, unstarted):
            with pytest.raises(KeyError):
                one.throw(KeyError)
        del one, dropped
        gc.collect()
        callee()

    file = record(program, hook=hook)
    assert calls_under(file, "program") == {"waits": 4, "program": 1}


def test_greenlets_that_were_running_before(tmp_path, hook):
    one = greenlet.greenlet(in_turns("before", 3))
    one.switch()
    profile = Profile(hook=hook)

    def program():
        callee()
        one.switch()
        callee()

    profile.enable()
    program()
    program()
    profile.disable()
    file = saved(profile, tmp_path)
    assert file.paths()[("program", "callee")] == 4
    assert file.paths()[("callee",)] == 2


def test_greenlets_that_were_suspended_while_nothing_was_recorded(tmp_path, hook):
    def suspended():
        to_parent()

    def waits():
        suspended()
        callee()

    def idle():
        pass

    profile = Profile(hook=hook)
    one = greenlet.greenlet(waits)
    profile.enable()
    one.switch()
    profile.disable()
    # Until sys.monitoring's events are off.
    for _ in range(40_000):
        idle()
    profile.enable()
    one.switch()
    profile.disable()
    # What was open then is not any more.
    assert saved(profile, tmp_path).paths()[("callee",)] == 1
