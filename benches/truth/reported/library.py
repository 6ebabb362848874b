"""What programs do with the standard library: parse, walk a syntax tree, wrap text,
compress."""

import ast
import json
import re
import textwrap
import zlib

SOURCE = "def f(a, b=1):\n    return [a + b, {a: b}, (lambda x: x)(a)]\n" * 8
DOCUMENT = json.dumps([{"name": f"n{i}", "values": list(range(i))} for i in range(12)])
PROSE = "the quick brown fox jumps over the lazy dog and runs away " * 6


def syntax_trees(rounds):
    tree = ast.parse(SOURCE)
    for _ in range(rounds):
        for node in ast.walk(tree):
            node.__class__.__name__.lower()


def documents(rounds):
    for _ in range(rounds):
        json.dumps(json.loads(DOCUMENT), indent=1)


def wrapping(rounds):
    for _ in range(rounds):
        textwrap.fill(PROSE, width=40)


def patterns(rounds):
    word = re.compile(r"\b(\w)(\w*)\b")
    for _ in range(rounds):
        word.sub(lambda match: match.group(2) + match.group(1), PROSE)


def compression(rounds):
    data = PROSE.encode() * 20
    for _ in range(rounds):
        zlib.compress(data)


PHASES = [syntax_trees, documents, wrapping, patterns, compression]
