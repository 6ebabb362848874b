"""Mutual recursion: a parser and evaluator of expressions, Hofstadter's sequences."""

import re

TOKENS = re.compile(r"\d+|[-+*/()]")


class Parser:
    def __init__(self, text):
        self.tokens = TOKENS.findall(text)
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def sum(self):
        value = self.product()
        while self.peek() in ("+", "-"):
            value = value + self.product() if self.take() == "+" else value - self.product()
        return value

    def product(self):
        value = self.factor()
        while self.peek() in ("*", "/"):
            value = value * self.factor() if self.take() == "*" else value // self.factor()
        return value

    def factor(self):
        if self.peek() == "(":
            self.take()
            value = self.sum()
            assert self.take() == ")"
            return value
        if self.peek() == "-":
            self.take()
            return -self.factor()
        return int(self.take())


def female(n):
    return 1 if n == 0 else n - male(female(n - 1))


def male(n):
    return 0 if n == 0 else n - female(male(n - 1))


def main():
    assert Parser("2*(3+4*(5-(1+1)))-((((7))))").sum() == 23
    assert Parser("-(2+-3)*(4*(4+4*(4+4)))").sum() == 144
    assert [female(n) for n in range(12)] == [1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6, 7]
