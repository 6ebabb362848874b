"""Loops that calibration times: they call functions, and do nothing else.

The calls are of the kinds that programs make most, for which the interpreter has shortcuts while no
tool listens. A round makes several, of different functions, so that the recorder has no easier task
than in a program.
"""

from . import _native


def _no_calls(rounds, _):
    for _ in rounds:
        pass


def _loops():
    """Return (loop, argument, functions that it calls) for each kind of call: see calibrate.c."""

    class Called:
        def one(self, argument):
            return argument

        def two(self, argument):
            return argument

        def three(self, argument):
            return argument

        def __eq__(self, argument):
            return argument

        def __lt__(self, argument):
            return argument

        @property
        def value(self):
            return self

    class Empty:
        pass

    class One:
        def __init__(self, argument):
            self.argument = argument

    class Two:
        def __init__(self, argument):
            self.argument = argument

    class Three:
        def __init__(self, argument):
            self.argument = argument

    def generator(rounds):
        for _ in rounds:
            yield

    def python_calls(rounds, called):
        for _ in rounds:
            called.one(1)
            called.two(1)
            called.three(1)

    def c_calls(rounds, values):
        for _ in rounds:
            len(values)
            isinstance(values, list)
            values.append(1)
        del values[:]

    def resumes(rounds, generator):
        for _ in generator(rounds):
            pass

    def implicit_calls(rounds, called):
        for _ in rounds:
            called == 1
            called < 1
            called.value

    def class_calls(rounds, empty):
        for _ in rounds:
            range(1)
            list()
            empty()

    def init_calls(rounds, classes):
        one, two, three = classes
        for _ in rounds:
            one(1)
            two(1)
            three(1)

    def instructions(rounds, _):
        for number in rounds:
            pair = [number * 300, number]
            last = {number: pair}
            if number & 1:
                last = (number, f"{number}")
        return last

    return (
        (python_calls, Called(), (Called.one, Called.two, Called.three)),
        (c_calls, [], (len, isinstance)),
        (resumes, generator, (generator,)),
        (implicit_calls, Called(), (Called.__eq__, Called.__lt__, Called.value.fget)),
        (class_calls, Empty, ()),
        (init_calls, (One, Two, Three), (One.__init__, Two.__init__, Three.__init__)),
        (instructions, None, ()),
    )


def _with_other_code(function):
    """Return a copy with code objects of its own, for which events can be switched on."""
    return type(function)(_copy(function.__code__), globals())


def _copy(code):
    constants = (
        _copy(constant) if type(constant) is type(code) else constant for constant in code.co_consts
    )
    return code.replace(co_consts=tuple(constants))


def _make():
    return _no_calls, _loops(), _with_other_code(_loops)()


_native.set_calibration_loops(_make)
