"""Exceptions: through frames, re-raised, in finally, in context managers, in C."""

import contextlib


class Problem(Exception):
    def __init__(self, depth):
        super().__init__(depth)
        self.depth = depth


def dive(n):
    if n == 0:
        raise Problem(n)
    dive(n - 1)


def wrap(n):
    try:
        dive(n)
    except Problem as error:
        raise ValueError(n) from error


def cleaning(n, log):
    try:
        wrap(n)
    finally:
        log.append(n)


class Manager:
    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        return kind is ValueError


@contextlib.contextmanager
def suppressing():
    try:
        yield
    except Problem:
        pass


def key(n):
    if n == 3:
        dive(2)
    return n


def main():
    log = []
    for n in range(5):
        with Manager():
            cleaning(n, log)
        with suppressing():
            dive(n)
        with contextlib.suppress(Problem):
            sorted(range(5), key=key)
    assert log == [0, 1, 2, 3, 4]
    try:
        raise Problem(2)
    except Problem:
        pass
    for _ in range(2):
        try:
            dive(100)
        except Problem:
            pass
