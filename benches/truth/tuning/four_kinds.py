"""Python calls, C calls, a generator, a plain loop: one of each."""


def add(a, b):
    return a + b


def python_calls(rounds):
    total = 0
    for i in range(rounds * 100):
        total = add(total, i)


def c_calls(rounds):
    values = []
    for i in range(rounds * 100):
        values.append(i)
        len(values)


def numbers(count):
    for i in range(count):
        yield i


def generator(rounds):
    for _ in numbers(rounds * 100):
        pass


def plain_loop(rounds):
    total = 0
    for i in range(rounds * 100):
        total = (total * 3 + i) % 1000003


PHASES = [python_calls, c_calls, generator, plain_loop]
