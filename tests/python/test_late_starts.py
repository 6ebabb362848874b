"""Exceptions that come before a function's first instruction: of signal handlers, of other
threads, of other tools, for want of stack. The calls after them stand where they were made.
"""

from __future__ import annotations

import sys
import textwrap

import pytest

MONITORING = sys.version_info >= (3, 12)
HOOKS = ["setprofile", "monitoring"] if MONITORING else ["setprofile"]

# What raises -> the kinds of calls: see the program.
WAYS = {
    "setprofile": {"signal": 4, "asynchronous": 4, "setprofile": 4, "settrace": 1},
    "monitoring": {"signal": 4, "asynchronous": 4},
}
if MONITORING:
    WAYS["setprofile"]["monitoring"] = WAYS["monitoring"]["monitoring"] = 4
if sys.version_info >= (3, 13):
    WAYS["monitoring"].update(setprofile=4, settrace=4)


@pytest.mark.parametrize("hook, way", [(hook, way) for hook in HOOKS for way in WAYS[hook]])
@pytest.mark.parametrize("seed", [1, 2])
def test_calls_stand_where_they_were_made(run, hook, way, seed):
    run("late_starts.py", hook, way, seed, WAYS[hook][way], options=["-W", "ignore"])


@pytest.mark.parametrize("hook", HOOKS)
def test_recursion_error(run, hook):
    run(
        """
        import sys
        from edbprof_native import Profile
        from prof_file import ProfFile

        truth = [0] * 200

        def after(depth):
            truth[depth] += 1

        def descend(depth):
            try:
                descend(depth + 1)
            except RecursionError:
                after(depth)
                if depth % 3:
                    raise

        sys.setrecursionlimit(150)
        with Profile(hook=sys.argv[1]) as recorded:
            for _ in range(5):
                descend(1)
        sys.setrecursionlimit(1000)
        recorded.save("x.prof")
        found = [0] * 200
        for path, calls in ProfFile("x.prof").paths().items():
            if path[-1] == "after":
                found[path.count("descend")] += calls
        assert sum(truth) >= 5
        assert found == truth, (found, truth)
        """,
        hook,
    )


@pytest.mark.parametrize("hook", HOOKS)
def test_signal_while_a_function_is_described(run, hook):
    """Its handler runs where it would without us, and what it raises is not lost."""
    run(
        """
        import ctypes, functools, signal, sys
        from edbprof_native import Profile

        class Late(Exception):
            pass

        def handler(number, frame):
            raise Late

        signal.signal(signal.SIGUSR1, handler)

        class Ambush(int):
            now = property(functools.partial(ctypes.CDLL(None)["raise"], int(signal.SIGUSR1)))

        ambush = Ambush()
        raised = 0
        with Profile(hook=sys.argv[1]):
            for function in (b"".hex, "".isidentifier, {}.copy, [].clear):
                try:
                    ambush.now
                    function()
                    for _ in "xx":
                        pass  # At the latest here.
                except Late:
                    raised += 1
        assert raised == 4, raised
        """,
        hook,
    )


@pytest.mark.parametrize("hook", HOOKS)
def test_an_exception_at_the_cache_of_an_instruction(record, hook):
    """Its counters change as the instruction is used, and may look like the instruction RESUME."""
    source = """
    class Items:
        def __init__(self, number):
            self.number = number

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.number:
                raise StopAsyncIteration
            self.number -= 1

    async def consumes(items):
        return [item async for item in items]

    def generates(number):
        yield from range(number)

    async def generates_async(number):
        for item in range(number):
            yield item

    def finish(coroutine):
        try:
            coroutine.send(None)
        except StopIteration:
            return
        assert False

    def run(number):
        finish(consumes(Items(number)))
        finish(consumes(generates_async(number)))
        list(generates(number))
    """
    for number in range(80):
        # Code that has not run yet.
        namespace = {}
        exec(textwrap.dedent(source), namespace)
        file = record(lambda: namespace["run"](number), hook=hook)
        called = {name: file.calls(name) for name in ("consumes", "generates", "run")}
        assert called == {"consumes": 2, "generates": 1, "run": 1}, number
        assert file.resumes("consumes") == 0, number
        assert file.resumes("generates") == number
