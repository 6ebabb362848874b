"""One way to call a phase: of classes, operators, by C code, generators, exceptions."""


class Empty:
    pass


class Point:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return self.x == other.x

    def __lt__(self, other):
        return self.x < other.x

    @property
    def value(self):
        return self.x


class Derived(Point):
    def __init__(self, x):
        super().__init__(x)
        self.y = x


def conversions(rounds):
    for i in range(rounds * 20):
        int("12")
        str(i)
        list((1, 2))


def ranges(rounds):
    for _ in range(rounds * 20):
        range(1)
        type(rounds)


def empty_instances(rounds):
    for _ in range(rounds * 20):
        Empty()


def instances(rounds):
    for i in range(rounds * 20):
        Point(i)


def derived_instances(rounds):
    for i in range(rounds * 20):
        Derived(i)


def operators(rounds):
    one, two = Point(1), Point(2)
    for _ in range(rounds * 20):
        one == two
        one < two


def properties(rounds):
    point = Point(1)
    for _ in range(rounds * 20):
        point.value


def count(end):
    for i in range(end):
        yield i


def short_generators(rounds):
    for _ in range(rounds * 5):
        sum(count(5))


def closed_generators(rounds):
    for _ in range(rounds * 10):
        for _ in count(9):
            break


def keys(rounds):
    for _ in range(rounds):
        sorted(range(20), key=lambda value: -value)


def mapped(rounds):
    for _ in range(rounds):
        list(map(lambda value: value * 2, range(20)))


def exceptions(rounds):
    def fails():
        raise KeyError

    for _ in range(rounds * 10):
        try:
            fails()
        except KeyError:
            pass


def keywords(rounds):
    def sums(a, b=1, *, c=2):
        return a + b + c

    for i in range(rounds * 20):
        sums(i, c=3)


def plain_loop(rounds):
    total = 0
    for i in range(rounds * 100):
        total = (total * 3 + i) % 1000003


PHASES = [
    conversions,
    ranges,
    empty_instances,
    instances,
    derived_instances,
    operators,
    properties,
    short_generators,
    closed_generators,
    keys,
    mapped,
    exceptions,
    keywords,
    plain_loop,
]
