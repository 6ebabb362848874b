"""Python code that runs while a recorder is switched on or off may switch recorders itself."""

from __future__ import annotations

import sys

import pytest

MONITORING = sys.version_info >= (3, 12)
HOOKS = ["setprofile", "monitoring"] if MONITORING else ["setprofile"]

# Memory that is freed or overrun is noticed.
STRICT = ["-X", "dev"]

# `during(action, function)` plays an action, and calls the function in the middle of it.
PROGRAM = """
import sys, threading
from edbprof_native._native import Recorder
from prof_file import ProfFile

hook = sys.argv[1]
pending = []

def audit(event, arguments):
    if pending and event in ("sys.setprofile", "sys.monitoring.register_callback"):
        pending.pop()()

sys.addaudithook(audit)

def during(action, function):
    if hook == "monitoring":
        # Then switching on takes one again, which is audited.
        sys.monitoring.free_tool_id(4)
    pending.append(function)
    result = action()
    assert not pending
    return result

def callee():
    pass

def calls(recorder):
    recorder.save("x.prof")
    return ProfFile("x.prof").calls("callee")
"""


@pytest.fixture
def play(run):
    def play(program, hook):
        run(PROGRAM + program, hook, options=STRICT)

    return play


@pytest.mark.parametrize("hook", HOOKS)
def test_the_same_recorder_is_enabled_while_it_is_enabled(play, hook):
    """It then records each call once, until it has been disabled twice."""
    play(
        """
recorder = Recorder(hook=hook)
during(recorder.enable, recorder.enable)
callee()
assert not recorder.disable()
callee()
assert recorder.disable()
callee()
assert not recorder.disable()
assert calls(recorder) == 2
""",
        hook,
    )


@pytest.mark.parametrize("hook", HOOKS)
def test_a_name_of_a_thread_enables_the_recorder(play, hook):
    play(
        """
class Thread(threading.Thread):
    @property
    def _name(self):
        if pending:
            pending.pop()()
        return "named"

    @_name.setter
    def _name(self, name):
        pass

def work():
    pending.append(recorder.enable)
    recorder.enable()
    assert not pending
    callee()
    recorder.stop()
    callee()

recorder = Recorder(hook=hook)
thread = Thread(target=work)
thread.start()
thread.join()
assert calls(recorder) == 1
""",
        hook,
    )


@pytest.mark.parametrize("hook", HOOKS)
def test_others_are_enabled_while_one_is(play, hook):
    """As many as there is room for: the array has to grow afterwards."""
    play(
        """
recorder, *others = [Recorder(hook=hook) for _ in range(5)]
during(recorder.enable, lambda: [other.enable() for other in others])
callee()
for each in others + [recorder]:
    assert each.disable()
assert [calls(each) for each in others + [recorder]] == [1] * 5
""",
        hook,
    )


@pytest.mark.parametrize("hook", HOOKS)
def test_a_recorder_is_enabled_and_disabled_while_another_is_enabled(play, hook):
    play(
        """
foreign = []
def profile(frame, event, argument):
    foreign.append(frame.f_code.co_name)
if hook == "setprofile":
    sys.setprofile(profile)

def in_between():
    other.enable()
    other.disable()

recorder, other = Recorder(hook=hook), Recorder(hook=hook)
during(recorder.enable, in_between)
callee()
recorder.disable()
assert calls(recorder) == 1
if hook == "setprofile":
    assert sys.getprofile() is profile and "callee" in foreign
""",
        hook,
    )


@pytest.mark.parametrize("hook", HOOKS)
def test_a_recorder_is_closed_while_it_is_enabled(play, hook):
    play(
        """
recorder, other = Recorder(hook=hook), Recorder(hook=hook)
try:
    during(recorder.enable, recorder.close)
except ValueError as error:
    assert "closed" in str(error)
else:
    raise AssertionError
before = sys.getprofile()
assert before is None
with_other = during(other.enable, lambda: None)
callee()
other.disable()
assert calls(other) == 1
""",
        hook,
    )


def test_a_recorder_is_enabled_while_another_is_disabled(play):
    """The program's profile function, too, gets its events all the time."""
    play(
        """
foreign = []
def other_profile():
    def profile(frame, event, argument):
        foreign.append(frame.f_code.co_name)
    sys.setprofile(profile)

other_profile()
recorder, other = Recorder(hook=hook), Recorder(hook=hook)
recorder.enable()
during(recorder.disable, other.enable)
callee()
other.disable()
assert calls(other) == 1
assert sys.getprofile().__name__ == "profile" and "callee" in foreign
sys.setprofile(None)
""",
        "setprofile",
    )
