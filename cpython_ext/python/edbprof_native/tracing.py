"""All names of `cProfile` and `profiling.tracing`, with edbprof behind them. `python -m
edbprof_native.tracing` has their command line.

    import edbprof_native.tracing as cProfile
"""

import sys

from ._profile import Profile, run, runctx
from ._profile import label as label

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

__all__ = ("run", "runctx", "Profile")

_NAMES = ("cProfile", "profiling.tracing")


def _original() -> "ModuleType":
    """Return a new copy of the module that is `cProfile` in this Python's library."""
    import os
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    library = os.path.dirname(os.__file__)
    spec = None
    if sys.version_info >= (3, 15):
        spec = PathFinder.find_spec("profiling.tracing", [os.path.join(library, "profiling")])
    spec = spec or PathFinder.find_spec("cProfile", [library])
    if spec is None or spec.loader is None:
        raise ImportError("this Python has no module cProfile", name="cProfile")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> "Any":
    """Run the command line of this Python's own cProfile, with a `Profile` of edbprof."""
    from types import FunctionType

    theirs: "Any" = _original().main
    usage = tuple(
        each.replace("cProfile.py", "python -m edbprof_native.tracing", 1)
        if isinstance(each, str)
        else each
        for each in theirs.__code__.co_consts
    )
    names = {**theirs.__globals__, "run": run, "runctx": runctx, "Profile": Profile}
    return FunctionType(theirs.__code__.replace(co_consts=usage), names, "main")()


def install() -> None:
    """Replace `cProfile` and `profiling.tracing` in this process from now on.

    This serves programs that can't be changed. Modules that have imported `cProfile` already find a
    `Profile` of edbprof in it, too. May be called at any time and repeatedly.
    """
    this = sys.modules[__name__]
    for name in _NAMES:
        before = sys.modules.get(name)
        if before is not None and before is not this:
            for each in ("Profile", "label", "run", "runctx"):
                setattr(before, each, getattr(this, each))
        sys.modules[name] = this
    parent = _parent()
    if parent is not None:
        parent.tracing = this


def _parent() -> "Any":
    """Return the package `profiling`, made if this Python has none; None if it is the program's."""
    if sys.version_info >= (3, 15):
        import profiling

        return profiling
    if "profiling" not in sys.modules:
        from importlib.machinery import PathFinder

        if PathFinder.find_spec("profiling") is not None:
            return None
        from types import ModuleType

        package = ModuleType("profiling", "The package of Python 3.15, with edbprof in it.")
        package.__path__ = []
        sys.modules["profiling"] = package
    found = sys.modules["profiling"]
    return found if getattr(found, "__path__", None) == [] else None


if __name__ == "__main__":
    main()
