"""Closures, lambdas, comprehensions, partials, decorators, eval and exec.

Each lambda has a line of its own: cProfile takes functions of one label for one, and
keeps the counts of the last.
"""

import functools
import itertools


def counter():
    count = 0

    def step(by=1):
        nonlocal count
        count += by
        return count

    return step


def traced(function):
    @functools.wraps(function)
    def wrapper(*arguments, **more):
        return function(*arguments, **more)

    return wrapper


@traced
@traced
def add(a, b=0):
    return a + b


@functools.lru_cache(maxsize=None)
def cached(n):
    return n * n


def compose(*functions):
    return functools.reduce(
        lambda f, g: (
            lambda x: f(g(x))  # under itself, as f
        ),
        functions,
    )


def main():
    steps = [counter() for _ in range(3)]
    assert [step(n) for n, step in enumerate(steps)] == [0, 1, 2]
    assert compose(str, abs, lambda x: x - 5)(2) == "3"
    assert {k: v for k, v in zip("ab", (f(2) for f in (abs, lambda x: -x)))} == {"a": 2, "b": -2}
    assert {add(i, b=j) for i in range(3) for j in range(3) if i != j} == {1, 2, 3}
    assert functools.partial(add, 1)(b=2) == 3
    cached.cache_clear()
    assert [cached(n % 3) for n in range(9)][-1] == 4
    assert sorted(itertools.starmap(add, [(1, 2), (0, 1)])) == [1, 3]
    odd = filter(
        lambda x: x % 2,
        map(
            lambda x: x + 1,
            range(5),
        ),
    )
    assert list(odd) == [1, 3, 5]
    assert eval(compile("(lambda n: n + 1)(1)", "<eval>", "eval"), {}) == 2
    namespace = {}
    exec("def made(n):\n    return [n for n in range(n)]", namespace)
    assert namespace["made"](2) == [0, 1]
