"""What a Python process does at its start when `edbprof run` is at work: it records
itself.

Imported by the .pth file of this package, if the environment says so, before the
program's first line. The variable has lines `name=value`, the directory last.
"""

from __future__ import annotations

import os
import sys

VARIABLE = "EDBPROF_RUN"


def _settings(text: str) -> dict[str, str]:
    lines = text.split("\n", 5)
    return dict(line.split("=", 1) for line in lines)


def _start() -> None:
    settings = _settings(os.environ[VARIABLE])
    if not os.path.isdir(settings["directory"]):
        return  # The run is over; this is a child of what has outlived it.
    with_children = settings["children"] == "1"
    if not with_children:
        del os.environ[VARIABLE]
    from . import _process

    recorder = _process.new_recorder(
        settings["directory"],
        "edbprof_",
        ".prof",
        threads=settings["threads"] == "1",
        builtins=settings["builtins"] == "1",
        clock=settings["clock"],
        hook=settings["hook"],
    )
    if not with_children and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=recorder.stop)
    _process.stopped_at_end.append(recorder)
    recorder.enable()


try:
    _start()
except Exception as error:
    print(f"edbprof: this process is not recorded: {error}", file=sys.stderr)
