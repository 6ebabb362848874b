"""Makes many calls that an exception ends before their first instruction.

Arguments: the hook, what raises, a seed, and how many kinds of calls are made. Each call of
after() notes its own path; the recorded paths must be the same.
"""

import collections
import ctypes
import functools
import random
import signal
import sys
import threading

from edbprof_native import Profile
from prof_file import ProfFile

hook, way, seed = sys.argv[1:4]
choose = random.Random(int(seed))
KINDS = int(sys.argv[4])
# By sys.setprofile() a generator that has caught such an exception is not seen to run.
CATCHES = hook == "monitoring" or sys.version_info < (3, 11) or sys.version_info[:2] == (3, 12)
truth = collections.Counter()


class Late(Exception):
    pass


def after():
    frame, path = sys._getframe(), []
    while frame.f_code.co_name != "<module>":
        path.append(frame.f_code.co_name)
        frame = frame.f_back
    truth[tuple(reversed(path))] += 1


def handler(number, frame):
    raise Late


armed = False


def may_raise(code):
    global armed
    if armed and code.co_name in TARGETS:
        armed = False
        raise Late


def on_start(code, offset):
    may_raise(code)


def on_call(frame, event, argument):
    if event == "call":
        may_raise(frame.f_code)


def arm(*_):
    global armed
    armed = True
    if way == "settrace":
        sys.settrace(on_call)  # Python has removed one that has raised.


# Nothing checks for what is pending before the next function starts: these are written in C,
# and a property calls them.
if way == "signal":
    pend = functools.partial(ctypes.CDLL(None)["raise"], int(signal.SIGUSR1))
    signal.signal(signal.SIGUSR1, handler)
elif way == "asynchronous":
    pend = functools.partial(
        ctypes.pythonapi.PyThreadState_SetAsyncExc,
        ctypes.c_ulong(threading.get_ident()),
        ctypes.py_object(Late),
    )
else:
    pend = arm


class Ambush(int):
    now = property(pend)


ambush = Ambush()
remaining = 0


def due():
    return choose.random() < 0.1


def recurse(depth):
    try:
        if depth:
            late = due()
            if late:
                ambush.now
            recurse(depth - 1)
            mix(depth - 1)
    except Late:
        after()
    after()


def generate(depth):
    try:
        after()
        yield
        after()
        if depth:
            late = due()
            inner = generate(depth - 1)
            if late:
                ambush.now
            yield from inner
            mix(depth - 1)
            late = due()
            for _ in generate(depth - 1):
                if late:
                    ambush.now
                yield
    finally:
        CATCHES and after()


def catch(depth):
    for _ in range(3):
        try:
            yield
            if depth:
                for _ in catch(depth - 1):
                    if due():
                        ambush.now
                    yield
                    after()
        except Late:
            CATCHES and after()


class Awaited:
    def __await__(self):
        late = due()
        if late:
            ambush.now
        yield
        after()


async def coroutine(depth):
    try:
        await Awaited()
        if depth:
            late = due()
            inner = coroutine(depth - 1)
            if late:
                ambush.now
            await inner
            mix(depth - 1)
    except Late:
        after()
    after()


def drive(steps):
    try:
        while True:
            late = due()
            if late:
                ambush.now
            steps.send(None)
    except StopIteration:
        pass
    after()


def mix(depth):
    kind = choose.randrange(KINDS)
    try:
        if kind == 0:
            recurse(depth)
        elif kind == 1:
            drive(coroutine(depth))
        elif kind == 2:
            drive(generate(depth))
        else:
            drive(catch(depth))
    except Late:
        after()
    after()


TARGETS = {"recurse", "generate", "catch", "coroutine", "drive"}


def attempt():
    try:
        mix(4)
        for _ in range(3):
            pass  # What is pending is raised here at the latest.
    except Late:
        pass


if way == "monitoring":
    monitoring = sys.monitoring
    monitoring.use_tool_id(2, "other")
    for event in (monitoring.events.PY_START, monitoring.events.PY_RESUME):
        monitoring.register_callback(2, event, on_start)
    monitoring.set_events(2, monitoring.events.PY_START | monitoring.events.PY_RESUME)

recorded = Profile(hook=hook)
for _ in range(300):
    sys.setprofile(on_call if way == "setprofile" else None)
    with recorded:
        attempt()
    armed = False
    sys.settrace(None)
    sys.setprofile(None)

recorded.save("x.prof")
found = collections.Counter()
for path, calls in ProfFile("x.prof").paths().items():
    if path[-1] == "after":
        found[tuple(name for name in path if name[0] != "<")] += calls
lost = {
    "-".join(path): (number, found[path]) for path, number in truth.items() if found[path] != number
}
assert sum(truth.values()) > 1000, truth
assert found == truth, (len(lost), len(truth), list(lost.items())[:5])
