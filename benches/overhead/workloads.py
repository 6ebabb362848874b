"""Programs that are recorded: four small ones, two of pyperformance, a large one, five hard shapes."""

from __future__ import annotations

import ast
import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any, Callable

from hard import HARD


def fib(n: int = 19) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def c_calls() -> None:
    values = []
    for i in range(6000):
        values.append(len(str(i)))
        abs(i)


def generators() -> None:
    def numbers(n: int) -> Any:
        for i in range(n):
            yield i

    for _ in range(60):
        for _ in numbers(150):
            pass


def json_and_ast() -> None:
    document = {f"key {i}": [i, str(i), {"nested": i * 1.5}] for i in range(60)}
    for _ in range(3):
        json.loads(json.dumps(document, indent=1))
        for node in ast.walk(ast.parse("def f(a, b=1):\n    return [a + b, {a: b}]\n" * 12)):
            list(ast.iter_child_nodes(node))


def _pyperformance(name: str) -> types.ModuleType:
    """A benchmark's program, where pip has put it. What would run it, pyperf, is not used."""
    package = importlib.util.find_spec("pyperformance")
    if package is None or package.origin is None:
        raise ImportError("pyperformance is not installed: pip install -r benches/requirements.txt")
    data = Path(package.origin).parent / "data-files" / "benchmarks"
    spec = importlib.util.spec_from_file_location(name, data / f"bm_{name}" / "run_benchmark.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault("pyperf", types.ModuleType("pyperf"))
    spec.loader.exec_module(module)
    return module


def deltablue() -> Callable[[], Any]:
    program = _pyperformance("deltablue")
    return lambda: program.delta_blue(100)


def richards() -> Callable[[], Any]:
    program = _pyperformance("richards")
    return lambda: program.Richards().run(1)


SECTION = """
Section {i} with *emphasis*
---------------------------

A paragraph with ``literal``, **strong**, a link_{i}_ and a footnote [#f{i}]_; {words}

1. first of {i}
2. second

   - nested :math:`x^{i}`
   - list

     term
         definition

.. _link_{i}: https://example.org/{i}
.. [#f{i}] The footnote.

.. note:: Beware of {i}.

+-----+-----+
| a   | b   |
+=====+=====+
| 1   | {i:3} |
+-----+-----+

.. code:: python

   def function_{i}(argument):
       return [argument, {i}]
"""


def docutils() -> Callable[[], Any]:
    """HTML of a document of 40 sections."""
    import docutils.core

    sections = [
        SECTION.format(i=i, words=" ".join(f"word{j}" for j in range(i, i + 40))) for i in range(40)
    ]
    text = "=====\nTitle\n=====\n\n:Author: Somebody\n" + "".join(sections)
    settings = {"_disable_config": True, "report_level": 5, "datestamp": None}

    def render() -> None:
        html = docutils.core.publish_string(text, writer_name="html5", settings_overrides=settings)
        assert b"function_39" in html

    return render


SMALL = {
    "fib": lambda: fib,
    "C calls": lambda: c_calls,
    "generators": lambda: generators,
    "json+ast": lambda: json_and_ast,
    "deltablue": deltablue,
    "richards": richards,
}
# By name, what makes the function to run.
WORKLOADS = {**SMALL, "docutils": docutils, **HARD}
