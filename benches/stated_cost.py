"""Compares the cost of recording that the summary states with the cost that the system counts.

Runs whole programs with and without `edbprof run` in turns, and takes the median of the pairs'
differences in processor time (user and system) of the Python process.

    .venv-3.13/bin/python -m pip install docutils pylint sphinx pytest
    .venv-3.13/bin/python -m pip install --no-binary black black
    .venv-3.13/bin/python benches/stated_cost.py --rounds 9
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SECTION = """
Section {i} with *emphasis*
---------------------------

A paragraph with ``literal``, **strong** and a link_{i}_; {words}

1. first of {i}
2. second

   - nested

.. _link_{i}: https://example.org/{i}
"""

DOCUTILS = """
import docutils.core, sys
text = open(sys.argv[1]).read()
docutils.core.publish_string(text, writer_name="html", settings_overrides={"report_level": 5})
"""

LOOP = """
class Number:
    def __init__(self, value):
        self.value = value

    def plus(self, other):
        return Number(self.value + other.value)

for _ in range(60):
    total = Number(0)
    for i in range(6000):
        total = total.plus(Number(i))
"""

IMPORTS = """
import argparse, ast, asyncio, concurrent.futures, ctypes, decimal, difflib, doctest
import email.mime.multipart, http.server, logging.config, multiprocessing.pool, pydoc
import sqlite3, statistics, tarfile, tokenize, typing, unittest, urllib.request, xml.dom.minidom
source = open(argparse.__file__).read()
for _ in range(3):
    ast.walk(ast.parse(source))
    list(tokenize.generate_tokens(iter(source.splitlines(True)).__next__))
"""

FEW = """
import json, re
for _ in range(150):
    total = 0
    for number in range(40000):
        if number % 3 and number & 4:
            total += number * 2
"""

BLACK = """
import black, sys
black.format_str(open(sys.argv[1]).read(), mode=black.Mode())
"""

COLLATZ = """
def longest(most):
    best = 0
    for first in range(1, most):
        number, steps = first, 0
        while number != 1:
            number = number // 2 if number % 2 == 0 else 3 * number + 1
            steps += 1
        if steps > best:
            best = steps
    return best

longest(40000)
"""

SIEVE = """
def primes(most):
    found = []
    flags = [True] * most
    for number in range(2, most):
        if flags[number]:
            found.append(number)
            other = number * number
            while other < most:
                flags[other] = False
                other += number
    return found

for _ in range(3):
    primes(700000)
"""

TEXTS = """
def build():
    rows = []
    for i in range(60000):
        row = f"{i}: {i * i} {'x' * (i % 7)}"
        rows.append(row)
        parts = {"a": i, "b": row, "c": [i, i + 1]}
        last = parts["b"][:10] + str(parts["c"][1])
    return last, rows

for _ in range(8):
    build()
"""

TOKENS = """
import argparse, io, tokenize
source = open(argparse.__file__).read()
for _ in range(5):
    list(tokenize.generate_tokens(io.StringIO(source).readline))
"""

TESTS = """
import pytest

@pytest.mark.parametrize("n", range(150))
def test(n, tmp_path):
    assert n < 1000
"""

UNITS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}


def programs(place: Path) -> dict[str, list[str]]:
    sections = [SECTION.format(i=i, words="word " * 30) for i in range(40)]
    (place / "index.rst").write_text("Title\n=====\n" + "".join(sections))
    (place / "conf.py").write_text("project = 'x'\n")
    (place / "test_many.py").write_text(TESTS)
    for name, source in {
        "docutils": DOCUTILS,
        "loop": LOOP,
        "imports": IMPORTS,
        "few": FEW,
        "black": BLACK,
        "collatz": COLLATZ,
        "sieve": SIEVE,
        "texts": TEXTS,
        "tokens": TOKENS,
    }.items():
        (place / f"run_{name}.py").write_text(source)
    package = Path(json.__file__).parent
    return {
        "docutils": [str(place / "run_docutils.py"), str(place / "index.rst")],
        "loop": [str(place / "run_loop.py")],
        "imports": [str(place / "run_imports.py")],
        **{
            name: [str(place / f"run_{name}.py")]
            for name in ("few", "collatz", "sieve", "texts", "tokens")
        },
        "black": [str(place / "run_black.py"), difflib.__file__],
        "pylint": ["-m", "pylint", "-j1", "--disable=all", "--enable=E", f"{package}/decoder.py"],
        "pytest": ["-m", "pytest", "-q", "-p", "no:cacheprovider", str(place / "test_many.py")],
        "sphinx": ["-m", "sphinx", "-q", "-E", str(place), str(place / "html")],
    }


def seconds(arguments: list[str], out: Path | None) -> tuple[float, float]:
    """Processor time of the program, and what the summary states of it."""
    script = 'TIMEFORMAT="spent %U %S"; exec 3>&2 2>&1; time "$@" >/dev/null 2>&1'
    command = ["bash", "-c", script, "bash", sys.executable, *arguments]
    if out is not None:
        command = [str(Path(sys.executable).parent / "edbprof"), "run", f"--out={out}/", *command]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    spent = re.search(r"spent ([\d.]+) ([\d.]+)", done.stdout)
    assert spent, done.stdout
    stated = re.search(r"Recording took about ([\d.]+) (\S+)", done.stdout)
    return float(spent[1]) + float(spent[2]), float(stated[1]) * UNITS[stated[2]] if stated else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    os.environ.pop("EDBPROF_RUN", None)
    print("| program | without | measured | stated | stated / measured |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        known = programs(Path(place))
        for name in options.names or known:
            out = Path(place) / "out"
            rounds = []
            for _ in range(options.rounds + 1):
                plain, _ = seconds(known[name], None)
                rounds.append((plain, *seconds(known[name], out)))
            rounds = rounds[1:]  # The first one compiles what is imported.
            without = statistics.median(plain for plain, _, _ in rounds)
            measured = statistics.median(recorded - plain for plain, recorded, _ in rounds)
            stated = statistics.median(stated for _, _, stated in rounds)
            figures = " | ".join(f"{ms * 1e3:.0f} ms" for ms in (without, measured, stated))
            print(f"| {name} | {figures} | {stated / measured:.2f} |", flush=True)


if __name__ == "__main__":
    main()
