"""A save lets other threads run meanwhile."""

from __future__ import annotations

# Whoever wants the GIL gets it when its holder lets go, and not before.
PROGRAM = """
import os, sys, threading
from edbprof_native import Profile, profile
from prof_file import ProfFile

def callee():
    pass

def runs_meanwhile(action):
    \"\"\"Tells if another thread runs while `action` is repeated: 1,000 times at most.\"\"\"
    go, seen = threading.Lock(), []
    go.acquire()

    def other():
        go.acquire()
        seen.append(1)

    thread = threading.Thread(target=other)
    thread.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e6)
    try:
        go.release()
        for _ in range(1000):
            action()
            if seen:
                break
        return bool(seen)
    finally:
        sys.setswitchinterval(interval)
        thread.join()

# Without the GIL other threads always run.
if getattr(sys, "_is_gil_enabled", lambda: True)():
    assert not runs_meanwhile(callee)
"""


def test_of_a_profile(run):
    run(
        PROGRAM
        + """
recorded = Profile(live_dir="")
recorded.runcall(callee)
assert runs_meanwhile(lambda: recorded.save("x.prof"))
assert runs_meanwhile(recorded.create_stats)
assert ProfFile("x.prof").calls("callee") == 1
"""
    )


def test_after_a_decorated_call(run):
    run(
        PROGRAM
        + """
# Each has a file of its own, which its first call makes.
functions = [
    profile(dir=".", prefix=f"p{n}_", live_dir="", max_nodes=64)(callee) for n in range(1000)
]
functions = iter(functions)
assert runs_meanwhile(lambda: next(functions)())
"""
    )


def test_a_profile_may_be_cleared_closed_and_saved_meanwhile(run):
    """Whichever comes first: a save is whole, or there is nothing to save."""
    run(
        PROGRAM
        + """
sys.setswitchinterval(1e-6)
recorded = Profile(live_dir="")
errors = []

def save(path):
    for _ in range(200):
        try:
            recorded.save(path)
        except ValueError as error:
            errors.append(error)
        else:
            assert ProfFile(path).calls("callee") <= 1

def clear():
    for _ in range(200):
        recorded.clear()
        recorded.runcall(callee)

threads = [threading.Thread(target=save, args=(f"{n}.prof",)) for n in range(2)]
threads.append(threading.Thread(target=clear))
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert all(str(error) == "the recording is closed" for error in errors)
recorded.close()
"""
    )


def test_a_forked_child_saves_though_a_thread_was_saving(run):
    run(
        PROGRAM
        + """
import warnings

warnings.simplefilter("ignore", DeprecationWarning)
decorate = profile(dir=".", save_every_n_calls=0)
decorated = decorate(callee)
decorated()
is_over = False

def save():
    while not is_over:
        decorate.save()

thread = threading.Thread(target=save)
thread.start()
for _ in range(50):
    child = os.fork()
    if child == 0:
        decorated()
        decorate.save()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
is_over = True
thread.join()
"""
    )
