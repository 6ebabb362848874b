"""Threads call objects whose types other threads change meanwhile. Without the GIL a type's
`__call__` may be freed while a recorder looks at it.

Arguments: calls of each thread. Prints the calls that were recorded.
"""

import operator
import sys
import threading

from edbprof_native import Profile

CALLERS = 2


class Meta(type):
    pass


class Called(metaclass=Meta):
    __call__ = operator.itemgetter(0)


def callee(called):
    return called([1])


def caller(calls):
    called = Called()
    for _ in range(calls):
        callee(called)


def changer(done):
    while not done.is_set():
        Called.__call__ = operator.itemgetter(0)
        Called.__qualname__ = f"Called{id(done)}"


def main(calls):
    done = threading.Event()
    changing = threading.Thread(target=changer, args=(done,))
    changing.start()
    profiler = Profile(threads=True, record_types=True, live_dir="")
    with profiler:
        callers = [threading.Thread(target=caller, args=(calls,)) for _ in range(CALLERS)]
        for each in callers:
            each.start()
        for each in callers:
            each.join()
    done.set()
    changing.join()
    profiler.create_stats()
    print(sum(row[1] for label, row in profiler.stats.items() if label[2] == "callee"))


main(int(sys.argv[1]))
