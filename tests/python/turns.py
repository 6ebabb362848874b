"""Greenlets that take turns, for tests."""

from __future__ import annotations

from collections import Counter
from typing import Any, Callable

import greenlet
from prof_file import ProfFile


def callee() -> None:
    pass


def to_parent(value: Any = None) -> Any:
    return greenlet.getcurrent().parent.switch(value)


def in_turns(name: str, turns: int) -> Callable[[], None]:
    """A function of that name, which calls and goes to its parent by turns."""

    def body() -> None:
        for _ in range(turns):
            callee()
            to_parent()

    body.__code__ = body.__code__.replace(co_name=name)
    return body


def run_all(*functions: Callable[[], Any]) -> None:
    """Runs functions in greenlets, one step of each by turns, to their ends."""
    waiting = [greenlet.greenlet(function) for function in functions]
    while waiting:
        for one in waiting:
            one.switch()
        waiting = [one for one in waiting if not one.dead]


def calls_under(file: ProfFile, name: str) -> "Counter[str]":
    """Calls of `callee` by who called it, all of them somewhere below `name`."""
    return Counter(
        {
            node.parent.name: node.calls
            for node in file.nodes
            if node.name == "callee" and node.parent and name in node.names
        }
    )
