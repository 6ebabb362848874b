"""Methods, recursion, keys of a sort, list work in C."""


class Stack:
    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)

    def pop(self):
        return self.items.pop()


def methods(rounds):
    stack = Stack()
    for i in range(rounds * 20):
        stack.push(i)
        stack.pop()


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def recursion(rounds):
    for _ in range(rounds):
        fib(8)


def sorting(rounds):
    for _ in range(rounds):
        sorted(range(50), key=lambda value: -value)


def in_c(rounds):
    for _ in range(rounds):
        sorted(range(300), reverse=True)


PHASES = [methods, recursion, sorting, in_c]
