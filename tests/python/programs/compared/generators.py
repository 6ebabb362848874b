"""Generators of every sort, coroutines included."""

import asyncio
import itertools


def primes():
    yield 2
    known = []
    for n in itertools.count(3, 2):
        if all(n % p for p in itertools.takewhile(lambda p: p * p <= n, known)):
            known.append(n)
            yield n


def tree(n):
    if n:
        yield from tree(n - 1)
        yield n
        yield from tree(n - 1)


def echo():
    received = None
    while True:
        try:
            received = yield received
        except ValueError:
            received = "caught"


def queens(n, row=0, columns=()):
    if row == n:
        yield columns
        return
    for column in range(n):
        if all(abs(column - c) not in (0, row - r) for r, c in enumerate(columns)):
            yield from queens(n, row + 1, columns + (column,))


async def leaf(n):
    for _ in range(n):
        await asyncio.sleep(0)
    return n


async def ticks(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


async def awaiting():
    total = sum([i async for i in ticks(4)])
    for n in range(4):
        total += await leaf(n)
    return total


def drive(coroutine):
    """An event loop that does nothing else: asyncio's own depends on the time."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


def main():
    assert list(itertools.islice(primes(), 30))[-1] == 113
    assert sum(tree(6)) == sum(n * 2 ** (6 - n) for n in range(1, 7))
    echoing = echo()
    next(echoing)
    assert [echoing.send(1), echoing.throw(ValueError()), echoing.send(2)] == [1, "caught", 2]
    echoing.close()
    abandoned = tree(3)
    next(abandoned)
    del abandoned
    tree(3).close()
    try:
        tree(3).throw(KeyError())
    except KeyError:
        pass
    assert len(list(queens(6))) == 4
    assert drive(awaiting()) == 12
