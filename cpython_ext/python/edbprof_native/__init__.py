"""edbprof: an exact, crash-proof, multi-process profiler.

    from edbprof_native import profile

    @profile()
    def handle(request): ...

Every process that calls `handle` leaves one `.prof` file in the temporary directory;
`edbprof` (or `python -m edbprof_native`) merges them into a profile, a table and a
flame graph.
"""

from __future__ import annotations

import os

from . import _native, _steps  # noqa: F401  the latter drives generators

_native.set_package(os.path.dirname(os.path.abspath(__file__)) + os.sep)

from ._decorator import profile  # noqa: E402  the package must be known first
from ._profile import Profile, run, runctx  # noqa: E402  as above

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from types import ModuleType

    from . import tracing_singledispatch as tracing_singledispatch

__all__ = ["Profile", "get_include", "profile", "run", "runctx", "tracing_singledispatch"]
__version__: str = _native.version


def __getattr__(name: str) -> ModuleType:
    # It needs functools, which takes longer to import than all of this package.
    if name == "tracing_singledispatch":
        return __import__("edbprof_native.tracing_singledispatch", fromlist=("_",))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get_include() -> str:
    """The directory of `edbprof.h` and `edbprof_python.h`, for building extensions."""
    package = os.path.dirname(os.path.abspath(__file__))
    installed = os.path.join(package, "include")
    if os.path.isdir(installed):
        return installed
    # An editable install: the checkout's own.
    return os.path.join(package, os.pardir, os.pardir, os.pardir, "include")
