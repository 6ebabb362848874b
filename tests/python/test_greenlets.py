"""Greenlets: each keeps its place in the call tree while others have their turns."""

from __future__ import annotations

import gc
import os
import random
import sys
import threading
from collections import Counter

import greenlet
import pytest
from edbprof_native import Profile, profile
from greenlet import getcurrent
from prof_file import all_files, only_file, saved

HOOKS = [
    "setprofile",
    pytest.param(
        "monitoring",
        marks=pytest.mark.skipif(
            sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12"
        ),
    ),
]


@pytest.fixture(params=HOOKS)
def hook(request):
    return request.param


def callee():
    pass


def to_parent(value=None):
    return getcurrent().parent.switch(value)


def in_turns(name, turns):
    """A function of that name, which calls and goes to its parent by turns."""

    def body():
        for _ in range(turns):
            callee()
            to_parent()

    body.__code__ = body.__code__.replace(co_name=name)
    return body


def run_all(*functions):
    """Runs functions in greenlets, one step of each by turns, to their ends."""
    waiting = [greenlet.greenlet(function) for function in functions]
    while waiting:
        for one in waiting:
            one.switch()
        waiting = [one for one in waiting if not one.dead]


def calls_under(file, name):
    """Calls of `callee` by who called it, all of them somewhere below `name`."""
    return Counter(
        {
            node.parent.name: node.calls
            for node in file.nodes
            if node.name == "callee" and name in node.names
        }
    )


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


def test_a_decorated_call_records_its_greenlet_alone(tmp_path):
    decorate = profile(dir=tmp_path)

    @decorate
    def decorated(turns):
        for _ in range(turns):
            callee()
            to_parent()

    def other():
        for _ in range(7):
            callee()
            to_parent()

    run_all(lambda: decorated(2), other, lambda: decorated(4))
    for _ in range(3):
        callee()
    decorate.save()
    file = only_file(tmp_path)
    assert file.paths()[("decorated",)] == 2
    assert file.paths()[("decorated", "callee")] == 6
    assert file.calls("callee") == 6


def test_what_a_decorated_call_begins_belongs_to_it(tmp_path):
    decorate = profile(dir=tmp_path)

    @decorate
    def decorated(one):
        callee()
        one.switch()

    one = greenlet.greenlet(in_turns("begun", 5))
    decorated(one)
    # Outside of any decorated call it goes on, and is recorded as long as it lives.
    while not one.dead:
        callee()
        one.switch()
    callee()
    decorate.save()
    file = only_file(tmp_path)
    assert calls_under(file, "decorated") == {"decorated": 1, "begun": 5}
    assert file.calls("callee") == 6


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


def test_other_threads_have_their_own(tmp_path, hook):
    profile = Profile(hook=hook, threads=True)

    def work():
        run_all(in_turns("a", 3), in_turns("b", 4))

    profile.enable()
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    run_all(in_turns("a", 5))
    for thread in threads:
        thread.join()
    profile.disable()
    file = saved(profile, tmp_path)
    counted = [
        sorted((node.parent.name, node.calls) for node in thread.nodes if node.name == "callee")
        for thread in file.threads
    ]
    assert sorted(counted) == [[("a", 3), ("b", 4)]] * 3 + [[("a", 5)]]


def test_the_programs_own_trace_function_goes_on(run):
    done = run(
        """
        import greenlet
        from edbprof_native import Profile

        def body():
            greenlet.getcurrent().parent.switch()

        seen = []
        greenlet.settrace(lambda event, args: seen.append(event))
        with Profile():
            one = greenlet.greenlet(body)
            one.switch()
            one.switch()
        print(seen)
        """
    )
    assert done.out.strip() == str(["switch"] * 4)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_goes_on_with_any_of_them(tmp_path, run):
    done = run(
        """
        import os, sys
        import greenlet
        from edbprof_native import profile

        def callee():
            pass

        def body():
            callee()
            greenlet.getcurrent().parent.switch()
            callee()

        decorate = profile(dir=sys.argv[1])

        @decorate
        def program():
            one = greenlet.greenlet(body)
            one.switch()
            child = os.fork()
            callee()
            one.switch()
            callee()
            if child:
                assert os.waitpid(child, 0)[1] == 0
            return child

        child = program()
        decorate.save()
        if not child:
            os._exit(0)
        """,
        tmp_path,
    )
    assert done.out == ""
    child, parent = sorted(all_files(tmp_path), key=lambda file: file.calls("callee"))
    assert calls_under(parent, "program") == {"program": 2, "body": 2}
    # The child does not know what was open in the greenlet.
    assert child.calls("callee") == 3
    assert child.paths()[("program", "callee")] == 2
