"""What calibration times: loops that call, and do nothing else.

The calls are of the kinds that programs make most, and that the interpreter has short cuts
for as long as nobody listens: of a method, of a builtin.
"""

import types

from . import _native


def _no_calls(rounds, _):
    for _ in rounds:
        pass


def _loops():
    """(loop, its argument, what it calls) for Python calls, C calls and resumes."""

    class Called:
        def method(self, argument):
            return argument

    def generator(rounds):
        for _ in rounds:
            yield

    def python_calls(rounds, called):
        for _ in rounds:
            called.method(1)

    def c_calls(rounds, values):
        for _ in rounds:
            len(values)

    def resumes(rounds, generator):
        for _ in generator(rounds):
            pass

    return (
        (python_calls, Called(), Called.method),
        (c_calls, (), len),
        (resumes, generator, generator),
    )


def _other_loops():
    """The same with code objects of their own, for which events can be switched on."""
    return types.FunctionType(_copy(_loops.__code__), globals())()


def _copy(code):
    constants = (
        _copy(constant) if isinstance(constant, types.CodeType) else constant
        for constant in code.co_consts
    )
    return code.replace(co_consts=tuple(constants))


_native.set_calibration_loops(_no_calls, _loops(), _other_loops())
