"""Functions that call functions, builtins on strings and dicts, chained generators,
comprehension and arithmetic."""


def clamp(value, low, high):
    if value < low:
        return low
    return high if value > high else value


def smooth(previous, value):
    return clamp((previous * 7 + value) // 8, 10, 250)


def small_functions(rounds):
    level = 100
    for i in range(rounds * 20):
        level = smooth(level, i % 256)
    return level


def builtins(rounds):
    seen = {}
    for i in range(rounds * 20):
        key = str(i % 97)
        seen[key] = seen.get(key, 0) + ord(key[0])
        if key.startswith("9"):
            seen.pop(key)
    return seen


def evens(values):
    for value in values:
        if value % 2 == 0:
            yield value


def squares(values):
    for value in values:
        yield value * value


def chained_generators(rounds):
    return sum(squares(evens(range(rounds * 40))))


def arithmetic(rounds):
    a, b = 1, 1
    table = [0] * 64
    for i in range(rounds * 40):
        a, b = b, (a + b) & 0xFFFF
        table[b & 63] += a
    return [value >> 1 for value in table]


PHASES = [small_functions, builtins, chained_generators, arithmetic]
