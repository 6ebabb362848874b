"""Classes: descriptors, properties, metaclasses, operators, __getattr__, inheritance."""

import abc
import dataclasses
import enum
import functools


class Typed:
    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner):
        return self if instance is None else getattr(instance, self.name)

    def __set__(self, instance, value):
        setattr(instance, self.name, float(value))


class Registry(type):
    known = []

    def __new__(mcs, name, bases, namespace):
        return super().__new__(mcs, name, bases, namespace)

    def __call__(cls, *arguments):
        return super().__call__(*arguments)


@functools.total_ordering
class Vector(metaclass=Registry):
    x, y = Typed(), Typed()

    def __init__(self, x, y):
        self.x, self.y = x, y

    @property
    def length(self):
        return (self.x**2 + self.y**2) ** 0.5

    @classmethod
    def unit(cls):
        return cls(1, 0)

    @staticmethod
    def dot(a, b):
        return a.x * b.x + a.y * b.y

    def __add__(self, other):
        return type(self)(self.x + other.x, self.y + other.y)

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)

    def __lt__(self, other):
        return self.length < other.length

    def __hash__(self):
        return hash((self.x, self.y))

    def __repr__(self):
        return f"<{self.x!r}, {self.y!r}>"

    def __getattr__(self, name):
        if name.startswith("twice_"):
            return 2 * getattr(self, name[6:])
        raise AttributeError(name)

    def __iter__(self):
        return iter((self.x, self.y))

    def __len__(self):
        return 2


class Derived(Vector):
    def __init__(self, *arguments):
        super().__init__(*arguments)


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...


@dataclasses.dataclass(order=True)
class Square(Shape):
    side: int

    def area(self):
        return self.side**2


class Colour(enum.Enum):
    RED = 1
    GREEN = 2

    def other(self):
        return Colour(3 - self.value)


def main():
    vectors = [Vector(3, 4), Derived(1, 1), Vector.unit()]
    assert sum(vectors, Vector(0, 0)) == Vector(5, 5)
    assert max(vectors).length == 5 and vectors[0] >= vectors[1]
    assert Vector.dot(*vectors[:2]) == 7 and vectors[0].twice_x == 6
    assert repr(vectors[1]) == "<1.0, 1.0>" and len({*vectors, *vectors}) == 3
    assert [list(v) for v in vectors][2] == [1, 0] and len(vectors[0]) == 2
    assert not hasattr(vectors[0], "missing")
    assert sorted([Square(3), Square(1)])[0].area() == 1
    assert isinstance(Square(1), Shape) and Square(2) == Square(2)
    assert Colour.RED.other() is Colour["GREEN"]
