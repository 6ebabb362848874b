"""The choice of the functions that are recorded, as options of `Recorder`.

This module imports only modules that every Python has imported by then: see _process.py.
"""

import os
import sys

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from typing import Dict, Iterator, Sequence, Tuple, Union

    Patterns = Union[str, Sequence[str]]

#: Word for the functions of the program itself, used as a pattern.
MINE = "mine"


def _tuple(patterns: "Patterns") -> "Tuple[str, ...]":
    return (patterns,) if isinstance(patterns, str) else tuple(patterns)


def _libraries() -> "Iterator[str]":
    """Yield the directories of the standard library, as `sysconfig` has them, and of edbprof."""
    yield os.path.dirname(os.path.abspath(__file__))
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    library = os.path.dirname(getattr(os, "__file__", ""))
    found = [library, os.path.realpath(library), getattr(sys, "_stdlib_dir", None)]
    for prefix in (sys.base_prefix, sys.base_exec_prefix, sys.exec_prefix):
        found += [f"{prefix}/{sys.platlibdir}/{version}", f"{prefix}/lib/{version}"]
        found.append(f"{prefix}/{sys.platlibdir}/{version.replace('.', '')}.zip")
    for place in found:
        if place:
            yield place


def options(record: "Patterns", no_record: "Patterns") -> "Dict[str, Tuple[str, ...]]":
    """Return options of `Recorder` for one pattern or any number of them."""
    chosen = {"record": _tuple(record), "no_record": _tuple(no_record)}
    if any(MINE in patterns for patterns in chosen.values()):
        chosen["libraries"] = tuple(_libraries())
    return {name: value for name, value in chosen.items() if value}
