"""What calibration times: loops that call, and do nothing else.

Two of each, since sys.monitoring switches events for code objects: one is timed as the
program runs without a profiler, the other while it is recorded.
"""

import types

from . import _native


def _nothing():
    pass


def _generator(rounds):
    for _ in rounds:
        yield


def _no_calls(rounds, callee):
    for _ in rounds:
        pass


def _calls(rounds, callee):
    for _ in rounds:
        callee()


def _resumes(rounds, callee):
    for _ in callee(rounds):
        pass


def _copy(function):
    # With a code object of its own: the interpreter specializes code for what it calls.
    return types.FunctionType(function.__code__.replace(), {}, function.__name__)


def _loops():
    """(loop, what it calls) for Python calls, C calls and resumes."""
    return (
        (_copy(_calls), _copy(_nothing)),
        (_copy(_calls), _native.nothing),
        (_copy(_resumes), _copy(_generator)),
    )


_native.set_calibration_loops(_no_calls, _loops(), _loops())
