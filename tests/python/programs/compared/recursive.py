"""Direct recursion: fib, ackermann, permutations, a tree walk."""


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def ackermann(m, n):
    if m == 0:
        return n + 1
    return ackermann(m - 1, ackermann(m, n - 1) if n else 1)


def permutations(items):
    if len(items) < 2:
        return [items]
    found = []
    for i, item in enumerate(items):
        for rest in permutations(items[:i] + items[i + 1 :]):
            found.append([item] + rest)
    return found


def depth(tree):
    return 1 + max(map(depth, tree), default=0)


def main():
    assert fib(15) == 610
    assert ackermann(2, 3) == 9
    assert len(permutations([1, 2, 3, 4, 5])) == 120
    assert depth([[], [[], [[]]], []]) == 4
