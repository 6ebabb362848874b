"""Generic functions, plain and methods."""

import functools


@functools.singledispatch
def show(value):
    return str(value)


@show.register(list)
@show.register(tuple)
def show_items(value):
    return "[" + ", ".join(map(show, value)) + "]"


@show.register(dict)
def show_dict(value):
    return "{" + ", ".join(show(k) + ": " + show(v) for k, v in value.items()) + "}"


@functools.singledispatch
def size(value):
    return 1


@size.register(list)
def size_list(value):
    return sum(size(item) for item in value)


class Visitor:
    @functools.singledispatchmethod
    def visit(self, node):
        return 0

    @visit.register(int)
    def visit_int(self, node):
        return node

    @visit.register(list)
    def visit_list(self, node):
        return sum(self.visit(item) for item in node)


def main():
    assert show([1, {"a": (2, [3])}]) == "[1, {a: [2, [3]]}]"
    assert size([1, [2, 3], []]) == 3
    assert Visitor().visit([1, [2, "x"], 3]) == 6
