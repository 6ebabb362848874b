"""Sorting and the like with callbacks in Python."""

import bisect
import functools
import heapq
import itertools
import random


class Reversed:
    def __init__(self, value):
        self.value = value

    def __lt__(self, other):
        return other.value < self.value


def by_last_digit(n):
    return n % 10, -n


def compare(a, b):
    return (a > b) - (a < b)


def quicksort(items, key):
    if len(items) < 2:
        return items
    pivot, *rest = items
    smaller = quicksort([x for x in rest if key(x) < key(pivot)], key)
    return smaller + [pivot] + quicksort([x for x in rest if not key(x) < key(pivot)], key)


def main():
    items = random.Random(42).sample(range(1000), 60)
    assert sorted(items, key=by_last_digit)[0] % 10 == 0
    assert sorted(items, key=functools.cmp_to_key(compare)) == sorted(items)
    assert [r.value for r in sorted(map(Reversed, items))] == sorted(items, reverse=True)
    assert quicksort(items, key=lambda x: -x) == sorted(items, key=lambda x: -x)
    heap = []
    for item in items:
        heapq.heappush(heap, Reversed(item))
    assert heapq.heappop(heap).value == max(items)
    assert heapq.nsmallest(3, items, key=by_last_digit) == sorted(items, key=by_last_digit)[:3]
    ranks = []
    for item in items[:10]:
        bisect.insort(ranks, item)
    assert ranks == sorted(items[:10])
    groups = itertools.groupby(sorted(items, key=by_last_digit), key=lambda n: n % 10)
    assert [digit for digit, _ in groups] == sorted({n % 10 for n in items})
