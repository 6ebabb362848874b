"""Has the processes of `edbprof run` record themselves: called by the .pth file when Python
starts, if the environment says so. In a virtual environment site.py reads that file twice.

A module of its own beside the package, since even importing that may fail.
"""

import sys

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Set


def start(importers: "Set[str]") -> None:
    """`importers`: the keys of sys.path_importer_cache before this module was imported, which
    the program is to find.
    """
    try:
        from edbprof_native import _startup

        recorder = _startup.recorder()
        _forget_importers(importers)
        if recorder is not None:
            recorder.enable()  # Last of all: whatever comes after it is recorded.
    except Exception as error:
        _forget_importers(importers)
        # An interpreter with a GIL of its own refuses the extension.
        if "subinterpreters" not in str(error) and sys.stderr is not None:
            reason = " ".join(str(error).split())
            print("edbprof: this process is not recorded:", reason, file=sys.stderr)


def _forget_importers(but: "Set[str]") -> None:
    for path in sys.path_importer_cache.keys() - but:
        del sys.path_importer_cache[path]
