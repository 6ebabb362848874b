"""Generators through generators into C, methods of strings, instances of classes, a loop."""


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def moved(self, by):
        return Point(self.x + by, self.y)


def instances(rounds):
    point = Point(0, 0)
    for i in range(rounds * 20):
        point = point.moved(i)
    return point


def upper(words):
    for word in words:
        yield word.upper()


def long_words(words):
    for word in words:
        if len(word) > 3:
            yield word


def chains(rounds):
    words = ["one", "three", "seven", "two"] * (rounds * 5)
    return max(long_words(upper(words)))


def strings(rounds):
    found = 0
    for i in range(rounds * 20):
        text = str(i).zfill(6)
        if text.endswith("7") and text.find("3") > 0:
            found += int(text.strip("0") or "0")
    return found


def lists(rounds):
    rows = [list(range(8)) for _ in range(8)]
    for _ in range(rounds):
        rows = [[row[column] + 1 for row in rows] for column in range(8)]
    return rows


PHASES = [instances, chains, strings, lists]
