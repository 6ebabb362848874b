"""Find the most tangled functions of Python's own standard library, and profile the search.

The job is real: worker processes parse the library's modules and measure every function in them
(cyclomatic complexity, nesting, names assigned but never read, structural duplicates); the parent
ranks what they found. It is written around `functools.singledispatch`. To cProfile, all generic
functions are one function called `wrapper`; edbprof keeps them apart.

    python examples/stdlib_metrics.py
    edbprof --prefix stdlib_metrics_ build/demo

Only the marked lines and the two decorators are there for the profiler.
"""

from __future__ import annotations

import argparse
import ast
import functools
import hashlib
import os
import sysconfig
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

# --- profiling ---------------------------------------------------------------
from edbprof_native import profile, tracing_singledispatch

tracing_singledispatch.patch_functools()

RECORDINGS = str(Path(__file__).resolve().parent.parent / "build" / "demo")
os.makedirs(RECORDINGS, exist_ok=True)
# -----------------------------------------------------------------------------

NOT_OURS = {"site-packages", "dist-packages", "test", "tests", "idle_test", "__pycache__"}
TOP = 10  # How many functions the report names.
DUPLICATE_MIN_COMPLEXITY = 4  # Shorter functions look alike without anybody copying.


@dataclass
class Function:
    """Measures of one function, complete once its body was walked."""

    module: str
    name: str
    line: int
    complexity: int = 1
    nesting: int = 0
    unused: list[str] = field(default_factory=list)
    fingerprint: str = ""


class Scope:
    """The function that is being walked, the depth in it, and its names so far."""

    def __init__(self, function: Function, found: list[Function]) -> None:
        self.function = function
        self.found = found
        self.depth = 0
        self.stored: set[str] = set()
        self.loaded: set[str] = set()

    def enclosed(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Scope:
        """Return the scope of a function or class inside this one, after walking its body."""
        outer = f"{self.function.name}." if self.function.name else ""
        inner = Scope(Function(self.function.module, outer + node.name, node.lineno), self.found)
        inner.walk(node.body)
        self.loaded |= inner.loaded  # A closure reads its maker's names.
        return inner

    def walk(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            measure(node, self)

    def walk_deeper(self, nodes: Iterable[ast.AST]) -> None:
        self.depth += 1
        self.function.nesting = max(self.function.nesting, self.depth)
        self.walk(nodes)
        self.depth -= 1


# Measures that a node adds to the function that it is in.


@functools.singledispatch
def measure(node: ast.AST, scope: Scope) -> None:
    scope.walk(ast.iter_child_nodes(node))


@measure.register(ast.For)
@measure.register(ast.AsyncFor)
@measure.register(ast.While)
@measure.register(ast.ExceptHandler)
def measure_branch(node: ast.AST, scope: Scope) -> None:
    scope.function.complexity += 1
    scope.walk_deeper(ast.iter_child_nodes(node))


if hasattr(ast, "match_case"):  # Python 3.10
    measure.register(ast.match_case, measure_branch)


@measure.register
def measure_if(node: ast.If, scope: Scope) -> None:
    scope.function.complexity += 1
    measure(node.test, scope)
    scope.walk_deeper(node.body)
    is_elif = len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)
    (scope.walk if is_elif else scope.walk_deeper)(node.orelse)


@measure.register
def measure_choice(node: ast.IfExp, scope: Scope) -> None:
    scope.function.complexity += 1
    scope.walk(ast.iter_child_nodes(node))


@measure.register
def measure_boolean(node: ast.BoolOp, scope: Scope) -> None:
    scope.function.complexity += len(node.values) - 1
    scope.walk(node.values)


@measure.register
def measure_comprehension(node: ast.comprehension, scope: Scope) -> None:
    scope.function.complexity += 1 + len(node.ifs)
    scope.walk(ast.iter_child_nodes(node))


@measure.register
def measure_name(node: ast.Name, scope: Scope) -> None:
    names = scope.stored if isinstance(node.ctx, ast.Store) else scope.loaded
    names.add(node.id)


@measure.register(ast.Global)
@measure.register(ast.Nonlocal)
def measure_outer_names(node: ast.Global | ast.Nonlocal, scope: Scope) -> None:
    scope.loaded.update(node.names)  # Somebody else reads them.


@measure.register(ast.FunctionDef)
@measure.register(ast.AsyncFunctionDef)
def measure_function(node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
    scope.walk([*node.decorator_list, node.args])
    inner = scope.enclosed(node)
    inner.function.unused = sorted(inner.stored - inner.loaded - {"_", "__class__"})
    code = "\n".join(shape(statement) for statement in without_docstring(node.body))
    inner.function.fingerprint = hashlib.sha256(code.encode()).hexdigest()
    scope.found.append(inner.function)


@measure.register
def measure_class(node: ast.ClassDef, scope: Scope) -> None:
    scope.walk([*node.decorator_list, *node.bases, *node.keywords])
    scope.enclosed(node)


# A function's form with names and values taken out: equal forms are copies.


@functools.singledispatch
def shape(value: object) -> str:
    return type(value).__name__


@shape.register
def shape_node(node: ast.AST) -> str:
    parts = ",".join(shape(value) for _, value in ast.iter_fields(node))
    return f"{type(node).__name__}({parts})"


@shape.register
def shape_list(items: list) -> str:
    return f"[{','.join(map(shape, items))}]"


@shape.register
def shape_constant(node: ast.Constant) -> str:
    return type(node.value).__name__


@shape.register(ast.expr_context)
@shape.register(ast.Name)
def shape_erased(node: ast.AST) -> str:
    return "_"


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if has_docstring else body


@profile(dir=RECORDINGS, prefix="stdlib_metrics_")
def analyse(path: Path, module: str) -> list[Function]:
    """Measure every function of one source file (in a worker process)."""
    found: list[Function] = []
    measure(ast.parse(path.read_bytes(), filename=str(path)), Scope(Function(module, "", 0), found))
    return found


class Summary(NamedTuple):
    functions: int
    unused: int
    copies: list[list[Function]]
    most_complex: list[Function]


@profile(dir=RECORDINGS, prefix="stdlib_metrics_")
def summarise(modules: list[list[Function]]) -> Summary:
    """Rank what the workers found (in the parent)."""
    functions = [function for found in modules for function in found]
    by_form: defaultdict[str, list[Function]] = defaultdict(list)
    for function in functions:
        if function.complexity >= DUPLICATE_MIN_COMPLEXITY:
            by_form[function.fingerprint].append(function)
    return Summary(
        functions=len(functions),
        unused=sum(len(function.unused) for function in functions),
        copies=[group for group in by_form.values() if len(group) > 1],
        most_complex=sorted(functions, key=lambda f: (-f.complexity, f.module, f.line))[:TOP],
    )


def library_modules(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield path and dotted name of each module of the standard library, always in one order."""
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        if NOT_OURS.isdisjoint(relative.parts):
            yield path, ".".join(relative.with_suffix("").parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=160, help="modules to measure (%(default)s)")
    parser.add_argument("--jobs", type=int, default=3, help="worker processes (%(default)s)")
    options = parser.parse_args()

    modules = list(library_modules(Path(sysconfig.get_path("stdlib"))))[: options.files]
    # The end of the block ends the workers in the ordinary way, so each writes its recording.
    with ProcessPoolExecutor(options.jobs) as workers:
        measured = list(workers.map(analyse, *zip(*modules), chunksize=4))
    summary = summarise(measured)

    print(
        f"{len(modules)} modules of the standard library: {summary.functions} functions, "
        f"{summary.unused} names never read, {len(summary.copies)} groups of copies. "
        "The most complex:"
    )
    for function in summary.most_complex:
        place = f"{function.module}:{function.line}"
        print(f"{function.complexity:5} (nesting {function.nesting})  {function.name}  {place}")


if __name__ == "__main__":
    main()
