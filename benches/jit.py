"""Measures what recording adds to a call where the interpreter compiles code at run time (PEP 744).

    .venv-3.15/bin/python benches/jit.py

Processes with and without PYTHON_JIT take turns, and each measures its own program with and
without a recording by turns, in processor time. The figures are the fastest of all rounds.
"""

import json
import os
import subprocess
import sys
import time

ROUNDS = 7
CALLS = 400_000


def empty():
    pass


def calling():
    for _ in range(CALLS):
        empty()


def looping():
    total = 0
    for number in range(4 * CALLS):
        total += number & 3
    return total


def measured():
    from edbprof_native import Profile

    profile = Profile()
    times = {}
    for _ in range(ROUNDS):
        for program in calling, looping:
            for recorded in False, True:
                if recorded:
                    profile.enable()
                start = time.process_time_ns()
                program()
                took = time.process_time_ns() - start
                if recorded:
                    profile.disable()
                name = f"{program.__name__} {'recorded' if recorded else 'alone'}"
                times[name] = min(took, times.get(name, took))
    return times


def main():
    jit = getattr(sys, "_jit", None)
    if jit is None or not jit.is_available():
        sys.exit("jit.py: this Python has no JIT")
    best = {}
    for _ in range(3):
        for is_on in "01":
            environment = {**os.environ, "PYTHON_JIT": is_on}
            child = [sys.executable, __file__, "measured"]
            output = subprocess.run(child, env=environment, stdout=subprocess.PIPE, check=True)
            for name, took in json.loads(output.stdout).items():
                best[is_on, name] = min(took, best.get((is_on, name), took))
    for is_on, title in ("0", "without the JIT"), ("1", "with the JIT"):
        alone, recorded = (best[is_on, f"calling {how}"] / CALLS for how in ("alone", "recorded"))
        loop = best[is_on, "looping recorded"] / best[is_on, "looping alone"]
        print(
            f"{title}: a call takes {alone:.0f} ns alone and {recorded - alone:.0f} ns more"
            f" recorded; a loop without calls takes {loop:.2f} times as long"
        )


if sys.argv[1:] == ["measured"]:
    print(json.dumps(measured()))
else:
    main()
