"""Makes NVTX and ITT load edbprof's library in this process: `edbprof run --nvtx` and `--itt`.

Both read a variable of the environment when the program calls them first. A library that is named
there already gets each call before edbprof's, which finds its name in a variable of edbprof's own.
The program sees the variable unchanged, because os.environ keeps the old value.
"""

import os

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from typing import Optional

VARIABLES = {"nvtx": "NVTX_INJECTION64_PATH", "itt": "INTEL_LIBITTNOTIFY64"}


def inject(library: str) -> None:
    """Make `nvtx` or `itt` load edbprof's library when the program calls it."""
    from . import _annotations

    variable, hand_on = VARIABLES[library], f"EDBPROF_NEXT_{library.upper()}"
    path = _annotations.__file__
    found: "Optional[str]" = os.environ.get(variable)
    if found is not None and _is_edbprofs(found):
        # This process inherits what its parent has set.
        found = os.environ.get(hand_on)
        os.environ.pop(variable, None)
        if found is not None:
            os.environ[variable] = found
    os.environ.pop(hand_on, None)
    if found:
        os.putenv(hand_on, found)
    os.putenv(variable, path)


def _is_edbprofs(path: str) -> bool:
    directory, name = os.path.split(path)
    return name.startswith("_annotations.") and os.path.basename(directory) == "edbprof_native"
