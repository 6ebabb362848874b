"""edbprof: an exact, crash-proof, multi-process profiler.

    from edbprof_native import profile

    @profile
    def handle(request): ...

Every process that calls `handle` leaves one `.prof` file in the temporary directory;
`edbprof` (or `python -m edbprof_native`) merges them into a profile, a table and a
flame graph. `import edbprof_native as cProfile` works, too.

pytest leaves these modules as they are: PYTEST_DONT_REWRITE.
"""

import os

from . import _native
from ._native import counter as counter
from ._native import mark as mark
from ._native import span as span

_native.set_package(os.path.dirname(os.path.abspath(__file__)) + os.sep)

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from . import tracing as tracing
    from . import tracing_singledispatch as tracing_singledispatch
    from ._async_spans import async_span as async_span
    from ._data import ProfileData as ProfileData
    from ._data import ProfileError as ProfileError
    from ._data import load as load
    from ._data import merge as merge
    from ._decorator import profile as profile
    from ._door import listen as listen
    from ._profile import Profile as Profile
    from ._profile import label as label
    from ._profile import run as run
    from ._profile import runctx as runctx
    from .tracing import install as install
    from .tracing import main as main

__all__ = [
    "Profile",
    "ProfileData",
    "ProfileError",
    "async_span",
    "counter",
    "get_include",
    "install",
    "keep_timeline",
    "label",
    "listen",
    "load",
    "mark",
    "merge",
    "profile",
    "run",
    "runctx",
    "span",
    "tracing",
    "tracing_singledispatch",
]
__version__: str = _native.version

# Imported at their first use: processes of `edbprof run` need none of them.
_MODULES = {
    "async_span": "_async_spans",
    "Profile": "_profile",
    "ProfileData": "_data",
    "ProfileError": "_data",
    "install": "tracing",
    "label": "_profile",
    "listen": "_door",
    "load": "_data",
    "load_ipython_extension": "_notebook",
    "main": "tracing",
    "merge": "_data",
    "profile": "_decorator",
    "run": "_profile",
    "runctx": "_profile",
    "tracing": "tracing",
    "tracing_singledispatch": "tracing_singledispatch",
    "unload_ipython_extension": "_notebook",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = __import__(f"{__name__}.{_MODULES[name]}", fromlist=("_",))
    found = globals()[name] = getattr(module, name, module)
    return found


def __dir__() -> "list[str]":
    return sorted({*globals(), *__all__})


def keep_timeline() -> None:
    """Keep everything that the timelines of this process have now from being overwritten.

    The latest 100 such parts are kept, like those of slow calls (`@profile(slower_than=...)`). A
    quarter of each timeline remains free for later events.
    """
    _native.keep_timelines(100)


def get_include() -> str:
    """Return the directory of `edbprof.h` and `edbprof_python.h`, for building extensions."""
    package = os.path.dirname(os.path.abspath(__file__))
    installed = os.path.join(package, "include")
    if os.path.isdir(installed):
        return installed
    # An editable install: the checkout's own.
    return os.path.join(package, os.pardir, os.pardir, os.pardir, "include")
