"""Everything at once in several threads, and every call counted.

Arguments: directory, hook, seed of the first round, rounds, seconds (0: no limit). Each round makes
its own recordings. A wrong count ends the program with what was expected.
"""

import collections
import os
import queue
import random
import sys
import threading
import time
import warnings

from edbprof_native import Profile, profile
from prof_file import ProfFile

WORKERS = 6
STEPS = 30
CODES = 5


def leaf():
    pass


def recursive(depth):
    leaf()
    if depth:
        recursive(depth - 1)


def steps():
    for number in range(STEPS):
        leaf()
        yield number


def short_lived():
    leaf()


def fresh(number):
    """Functions with code objects that nothing has seen, some at addresses of freed ones."""
    names = {}
    exec(f"def fresh_{number}():\n    return leaf()", {"leaf": leaf}, names)
    return names[f"fresh_{number}"]


class Round:
    def __init__(self, directory, hook, seed):
        self.directory = directory
        self.random = random.Random(seed)
        self.recorded = Profile(hook=hook, threads=True)
        self.decorate = profile(dir=directory, prefix=f"d{seed}_", save_every_n_calls=0)
        self.expected = collections.Counter()
        self.expected_decorated = collections.Counter()
        self.counting = threading.Lock()
        self.generators = queue.SimpleQueue()
        self.failures = []
        self.over = threading.Event()
        self.decorated = self.decorate(self.body)

    def body(self, depth):
        recursive(depth)

    def work(self, seed):
        chance = random.Random(seed)
        counts = collections.Counter()
        decorated = collections.Counter()
        try:
            for _ in range(STEPS):
                self.one(chance, counts, decorated)
        except BaseException as error:
            self.failures.append(error)
            raise
        with self.counting:
            self.expected += counts
            self.expected_decorated += decorated

    def one(self, chance, counts, decorated):
        depth = chance.randrange(8)
        recursive(depth)
        counts["recursive"] += depth + 1
        counts["leaf"] += depth + 1
        self.decorated(depth)
        for each in (counts, decorated):
            each["body"] += 1
            each["recursive"] += depth + 1
            each["leaf"] += depth + 1
        kind = chance.randrange(5)
        if kind == 0:
            fresh(chance.randrange(10**9))()
            counts["leaf"] += 1
        elif kind == 1:
            thread = threading.Thread(target=short_lived)
            thread.start()
            counts["short_lived"] += 1
            counts["leaf"] += 1
            thread.join()
        elif kind == 2:
            list(map(str, range(depth)))
            sorted(range(depth), key=lambda number: leaf() or number)
            counts["leaf"] += depth
        elif kind == 3:
            with Profile(hook=self.hook_of_second(chance)) as second:
                recursive(depth)
            counts["recursive"] += depth + 1
            counts["leaf"] += depth + 1
            self.check(second, {"recursive": depth + 1, "leaf": depth + 1})
        self.step(counts)

    def hook_of_second(self, chance):
        return chance.choice(["auto", "setprofile"])

    def step(self, counts):
        """One step of a generator that other threads drive, too."""
        try:
            generator = self.generators.get_nowait()
        except queue.Empty:
            generator = steps()
            counts["steps"] += 1
        if next(generator, None) is not None:
            counts["leaf"] += 1
            self.generators.put(generator)

    def check(self, recorded, expected):
        path = os.path.join(self.directory, f"second_{threading.get_ident()}.prof")
        recorded.save(path)
        recorded.close()
        compare(ProfFile(path), expected, "a second recording")

    def disturb(self):
        """Saves, tools of others, forks."""
        path = os.path.join(self.directory, "meanwhile.prof")
        chance = random.Random(self.random.random())
        while not self.over.is_set():
            kind = chance.randrange(4)
            if kind == 0:
                self.recorded.save(path)
            elif kind == 1:
                self.decorate.save()
            elif kind == 2 and hasattr(sys, "monitoring"):
                other_tool()
            elif kind == 3:
                self.fork()

    def fork(self):
        pid = os.fork()
        if pid == 0:
            try:
                recursive(3)
                os._exit(0)
            finally:
                os._exit(1)
        _, status = os.waitpid(pid, 0)
        if status != 0:
            self.failures.append(RuntimeError(f"the child ended with {status}"))

    def run(self):
        disturber = threading.Thread(target=self.guarded_disturb)
        disturber.start()
        threads = [
            threading.Thread(target=self.recorded_work, args=(self.random.random(),))
            for _ in range(WORKERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.over.set()
        disturber.join()
        if self.failures:
            raise self.failures[0]
        path = os.path.join(self.directory, "recorded.prof")
        self.recorded.save(path)
        self.recorded.close()
        compare(ProfFile(path), self.expected, "the recording")
        self.decorate.save()
        (own,) = [
            name
            for name in os.listdir(self.directory)
            if name.startswith(self.decorate_prefix()) and name.endswith(".prof")
        ]
        compare(
            ProfFile(os.path.join(self.directory, own)), self.expected_decorated, "decorated calls"
        )

    def decorate_prefix(self):
        return self.prefix

    def guarded_disturb(self):
        try:
            self.disturb()
        except BaseException as error:
            self.failures.append(error)
            raise

    def recorded_work(self, seed):
        with self.recorded:
            self.work(seed)


def other_tool():
    monitoring = sys.monitoring
    events = monitoring.events
    try:
        monitoring.use_tool_id(1, "stress")
    except ValueError:
        return
    for event in (events.PY_START, events.LINE):
        monitoring.register_callback(1, event, lambda *_: None)
    monitoring.set_events(1, events.PY_START)
    monitoring.set_events(1, 0)
    monitoring.free_tool_id(1)


def compare(file, expected, what):
    found = collections.Counter()
    for thread in file.threads:
        for node in thread.nodes:
            found[node.name] += node.calls
    wrong = {name: (found[name], count) for name, count in expected.items() if found[name] != count}
    if wrong:
        raise AssertionError(f"{what}: (found, expected) {wrong}")


def main():
    directory, hook = sys.argv[1:3]
    seed, rounds, seconds = map(int, sys.argv[3:6])
    sys.setswitchinterval(1e-5)
    warnings.simplefilter("ignore", DeprecationWarning)  # A fork while threads run.
    begun = time.monotonic()
    calls = done = 0
    while done < rounds if seconds == 0 else time.monotonic() - begun < seconds:
        one = Round(directory, hook, seed + done)
        one.prefix = f"d{seed + done}_"
        one.run()
        for name in os.listdir(directory):
            os.remove(os.path.join(directory, name))
        calls += sum(one.expected.values())
        done += 1
    print(done, "rounds,", calls, "calls")


if __name__ == "__main__":
    main()
