"""A profile for people: the page of `edbprof view`, and a table in Markdown.

Imported when a notebook or a browser asks for one of them.
"""

import os

from . import _program

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from typing import List, Sequence

    from ._data import Function

#: Packages that execute cells. Their calls are excluded, and count under their callers.
NOTEBOOK = ("IPython", "ipykernel", "traitlets", "jupyter_client", "zmq", "comm", "marimo")

_ROWS = 20

# Left where a host takes frames away, as Jupyter does in a notebook that is not trusted. Browsers
# that show the frame do not show it.
_UNSHOWN = "A profile by edbprof: it is shown once you trust this notebook."

# Characters that could end a table cell or begin a link or other markup.
_SPECIAL = str.maketrans({mark: "\\" + mark for mark in "\\`*_{}[]<>|~$#"})


def render(encoded: bytes, exclude: "Sequence[str]" = (), max_size: str = "50MB") -> bytes:
    """Return the page of `edbprof view` for a `.prof` file's content.

    exclude: patterns of functions to leave out. Raises OSError, FileNotFoundError without the
        program.
    """
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory(prefix="edbprof-page-") as scratch:
        path = os.path.join(scratch, "recorded.prof")
        with open(path, "wb") as file:
            file.write(encoded)
        options = [f"--exclude={pattern}" for pattern in exclude]
        done = subprocess.run(
            [_program.find(), "view", "--output=-", f"--max-size={max_size}", *options, path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    if done.returncode != 0:
        raise OSError(os.fsdecode(done.stderr).strip() or "edbprof view has failed")
    return done.stdout


def html(encoded: bytes) -> str:
    """Return the page in a frame that may only run its own scripts, for a notebook."""
    from ._data import load

    # Patterns also match the ends of paths, and a directory may have the name of a package.
    modules = {each.module for each in load(encoded).functions if _is_of_notebook(each)}
    return frame(render(encoded, [f"{module}:*" for module in sorted(modules)], "5MB"))


def frame(page: bytes) -> str:
    """Return an element that holds the whole page, and asks no server for it."""
    text = page.decode().replace("&", "&amp;").replace('"', "&quot;")
    return (
        '<iframe title="Profile by edbprof" sandbox="allow-scripts" allow="clipboard-write" '
        'style="width: 100%; height: 640px; border: 1px solid #8884; box-sizing: border-box" '
        f'srcdoc="{text}">{_UNSHOWN}</iframe>'
    )


def markdown(encoded: bytes) -> str:
    """Return the functions with the largest self times, as a table."""
    from ._data import load

    data = load(encoded)
    functions = [each for each in data.functions if not _is_of_notebook(each)]
    functions.sort(key=lambda each: -each.self_ns)
    total = sum(each.self_ns for each in functions)
    calls = sum(each.calls for each in functions)
    lines = [
        f"{calls:,} calls of {len(functions):,} functions in {_duration(total)}",
        "",
        "| calls | self | total | function | file |",
        "|---:|---:|---:|---|---|",
        *(_row(each) for each in functions[:_ROWS]),
    ]
    if len(functions) > _ROWS:
        rest = functions[_ROWS:]
        own = _duration(sum(each.self_ns for each in rest))
        lines.append(f"| {sum(each.calls for each in rest):,} | {own} | | {len(rest):,} others | |")
    return "\n".join(lines) + "\n"


def _is_of_notebook(function: "Function") -> bool:
    return function.module.partition(".")[0] in NOTEBOOK


def _row(function: "Function") -> str:
    place = "" if function.file == "~" else f"{os.path.basename(function.file)}:{function.line}"
    cells: "List[str]" = [
        f"{function.calls:,}",
        _duration(function.self_ns),
        _duration(function.total_ns),
        _text(function.qualified_name),
        _text(place),
    ]
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    return " ".join(text.translate(_SPECIAL).split())


def _duration(nanoseconds: int) -> str:
    """Return a text with the digits and units of the program's reports: src/report/numbers.rs."""
    seconds = nanoseconds / 1e9
    for unit, number, least in (("s", 1, 0.9995), ("ms", 1e3, 0.9995e-3), ("µs", 1e6, 0.9995e-6)):
        if seconds >= least:
            value = seconds * number
            return f"{value:.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f} {unit}"
    return f"{nanoseconds} ns" if nanoseconds else "0 s"
