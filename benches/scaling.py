"""Does recording scale? Processor time of a call in one thread and in four at once.

    python benches/scaling.py [--rounds 9] [--threads 4] [--calls 200000]

Of calls within a `Profile`, of a decorated function, and of the same function without edbprof, which
shows what the interpreter itself takes more with several threads. Each thread has functions of its
own, or all share one; they always share the recording. Prints medians of the rounds, which take turns.
"""

from __future__ import annotations

import argparse
import atexit
import shutil
import statistics
import sys
import tempfile
import threading
import time

from edbprof_native import Profile, profile

TWO_FUNCTIONS = """
def callee():
    pass

def caller(calls):
    for _ in range(calls):
        callee()
"""


def make_functions(decorate=None) -> tuple:
    """A function, decorated if wanted, and one that calls it."""
    names: dict = {}
    exec(TWO_FUNCTIONS, names)
    if decorate is not None:
        names["callee"] = decorate(names["callee"])
    return names["callee"], names["caller"]


def time_of_call(threads: int, calls: int, caller_of, around) -> float:
    """Nanoseconds of processor time for a call, over all threads."""
    begun: list = []
    ready = threading.Barrier(threads, lambda: begun.append(time.process_time_ns()))
    done = threading.Barrier(threads + 1)

    def work(caller) -> None:
        with around():
            caller(1000)
            ready.wait()
            caller(calls)
            done.wait()

    each = [threading.Thread(target=work, args=(caller_of(),)) for _ in range(threads)]
    for thread in each:
        thread.start()
    done.wait()
    spent = time.process_time_ns() - begun[0]
    for thread in each:
        thread.join()
    return spent / (threads * calls)


class Nothing:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how recording scales.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--calls", type=int, default=200_000)
    options = parser.parse_args()
    recorded = Profile()
    directory = tempfile.mkdtemp(prefix="edbprof-scaling-")
    # Before edbprof's own, which saves there, so that it runs after that.
    atexit.register(shutil.rmtree, directory)
    decorate = profile(dir=directory)
    plain, decorated = make_functions()[1], make_functions(decorate)[1]
    programs = {
        "without edbprof": (lambda: make_functions()[1], Nothing),
        "without, shared": (lambda: plain, Nothing),
        "within a Profile": (lambda: make_functions()[1], lambda: recorded),
        "the same, shared": (lambda: plain, lambda: recorded),
        "decorated": (lambda: make_functions(decorate)[1], Nothing),
        "decorated, shared": (lambda: decorated, Nothing),
    }
    times: dict = {(name, count): [] for name in programs for count in (1, options.threads)}
    for _ in range(options.rounds):
        for (name, count), results in times.items():
            results.append(time_of_call(count, options.calls, *programs[name]))
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    print(f"Python {sys.version.split()[0]}, {'with' if has_gil else 'without'} GIL")
    for name in programs:
        one, many = (statistics.median(times[name, count]) for count in (1, options.threads))
        print(
            f"{name:18}{one:8.1f} ns a call in 1 thread,"
            f"{many:8.1f} ns in {options.threads}: {many / one:.2f} times"
        )


if __name__ == "__main__":
    main()
