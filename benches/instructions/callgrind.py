"""Runs programs under callgrind and reads the instruction counts it writes.

The format is https://valgrind.org/docs/manual/cl-format.html, without compression.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Mapping, NamedTuple, Sequence


class Place(NamedTuple):
    """Where an instruction is: the program or library, and its function's source file."""

    object: str
    file: str


class Dump(NamedTuple):
    """What was executed by one call of a function and all that it called."""

    function: str
    instructions: Counter[Place]


def read(path: Path) -> Dump:
    function, place = "", Place("", "")
    instructions: Counter[Place] = Counter()
    lines = iter(path.read_text(encoding="utf-8", errors="replace").splitlines())
    for line in lines:
        key, _, value = line.partition("=")
        if line.startswith("desc: Trigger: --dump-after="):
            function = value
        elif key == "ob":
            place = place._replace(object=value)
        elif key == "fl":
            place = place._replace(file=value)
        elif key == "calls":
            next(lines)  # What the callee took: that stands with the callee, too.
        elif line[:1].isdigit():
            instructions[place] += int(line.split()[1])
    return Dump(function, instructions)


def run(
    command: Sequence[object], functions: Sequence[str], environment: Mapping[str, str] = {}
) -> tuple[str, list[Dump]]:
    """What the program prints, and a dump for each call of one of the functions, in order."""
    with tempfile.TemporaryDirectory(prefix="edbprof-callgrind-") as directory:
        options = [
            f"--{when}={name}" for name in functions for when in ("zero-before", "dump-after")
        ]
        done = subprocess.run(
            [
                *("valgrind", "--quiet", "--tool=callgrind"),
                *("--compress-strings=no", "--compress-pos=no"),
                f"--callgrind-out-file={directory}/dump",
                *options,
                *map(str, command),
            ],
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            env={**os.environ, **environment},
        )
        # The last one, without a number, is of the rest of the program.
        found = sorted(Path(directory).glob("dump.*"), key=lambda path: int(path.suffix[1:]))
        return done.stdout, [read(path) for path in found]
