"""The section of the terminal that says where tests spend their time."""

TYPE_CHECKING = False  # see ../_decorator.py
if TYPE_CHECKING:
    from typing import Iterator, List

    from .figures import Figures, Test

#: Share of a time below which nothing is named.
_LEAST_SHARE = 0.01
_INDENT = " " * 10


def duration(ns: float) -> str:
    """Return three digits and a unit, like the program's: `1.23 s`, `45.6 ms`."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size * 0.9995:
            figure = ns / size
            digits = 0 if figure >= 99.95 else 1 if figure >= 9.995 else 2
            return f"{figure:.{digits}f} {unit}"
    return f"{ns:.0f} ns"


def lines(figures: "Figures", slowest: int, width: int) -> "Iterator[str]":
    """Yield the lines for the slowest tests; 0: all."""
    tests = figures.tests
    itself = sum(test.itself for test in tests)
    fixtures = sum(sum(test.fixtures.values()) for test in tests)
    pytest = sum(test.pytest for test in tests)
    yield (
        f"tests {duration(itself)}, fixtures {duration(fixtures)}, pytest and plugins "
        f"{duration(pytest)}, collection {duration(figures.collection)}"
    )
    for test in tests[: slowest or None]:
        runs = f" ({test.runs} runs)" if test.runs > 1 else ""
        yield f"{duration(test.total):>8}  {test.name}{runs}"
        yield _of_test(figures, test, width)
        yield _of_fixtures(test, width)


def _of_test(figures: "Figures", test: "Test", width: int) -> str:
    waiting = ""
    if test.waiting * 20 >= test.itself > 0:
        waiting = f", of which waiting {duration(test.waiting)}"
    named = [
        f"{figures.name(number)} {duration(time)}" + (f" in {calls:,} calls" if calls > 1 else "")
        for time, calls, number in test.most(_LEAST_SHARE)
    ]
    return _cut(f"{_INDENT}test {duration(test.itself)}{waiting}", named, "", width)


def _of_fixtures(test: "Test", width: int) -> str:
    rows = sorted(test.fixtures.items(), key=lambda row: (-row[1], row[0]))
    total = sum(test.fixtures.values())
    named = [f"{name} {duration(time)}" for name, time in rows if time >= total * _LEAST_SHARE]
    pytest = f"; pytest and plugins {duration(test.pytest)}"
    return _cut(f"{_INDENT}fixtures {duration(total)}", named, pytest, width)


def _cut(begin: str, named: "List[str]", end: str, width: int) -> str:
    """Return a line with as many names as there is room for, but at least one."""
    for count in range(len(named), 1, -1):
        line = f"{begin}: {', '.join(named[:count])}{', ...' if named[count:] else ''}{end}"
        if len(line) <= width:
            return line
    more = ", ..." if named[1:] else ""
    return f"{begin}: {named[0]}{more}{end}" if named else begin + end
