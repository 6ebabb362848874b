"""Objects that send each other messages; a recursive search; numbers in a plain loop."""

import heapq


class Account:
    def __init__(self, balance):
        self._balance = balance

    @property
    def balance(self):
        return self._balance

    def move(self, amount, other):
        if self.balance >= amount:
            self._balance -= amount
            other.receive(amount)

    def receive(self, amount):
        self._balance += amount


def messages(rounds):
    accounts = [Account(100) for _ in range(7)]
    for i in range(rounds * 10):
        accounts[i % 7].move(i % 13, accounts[(i * 3 + 1) % 7])


def place(columns, row, size):
    if row == size:
        return 1
    found = 0
    for column in range(size):
        if all(column != c and abs(column - c) != row - r for r, c in enumerate(columns)):
            found += place(columns + [column], row + 1, size)
    return found


def queens(rounds):
    for _ in range(rounds):
        place([], 0, 4)


def events(rounds):
    queue = []
    for i in range(rounds * 10):
        heapq.heappush(queue, (i * 7919) % 1000)
        if len(queue) > 20:
            heapq.heappop(queue)


def orbit(rounds):
    x, y, dx, dy = 1.0, 0.0, 0.0, 1.0
    for _ in range(rounds * 20):
        r = (x * x + y * y) ** -1.5
        dx -= x * r * 0.01
        dy -= y * r * 0.01
        x += dx * 0.01
        y += dy * 0.01
    return x, y


PHASES = [messages, queens, events, orbit]
