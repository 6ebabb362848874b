"""Tasks and worker threads that a recorded request of an event loop makes.

asyncio does not report when a task or a call in a thread begins. So while a request is recorded in
a loop, three functions are replaced by functions that look at the context variable of the request:
the loop's factory of tasks, its `run_in_executor` and anyio's `run_sync`. anyio's function remains
replaced.
"""

import contextlib
import contextvars
import functools
import inspect
import sys

from .. import _native
from .._steps import _coroutine

TYPE_CHECKING = False  # see ../_decorator.py
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, Optional

    from .requests import Recording

_current: "contextvars.ContextVar[Optional[Recording]]" = contextvars.ContextVar(
    "edbprof_request", default=None
)

#: The loops in which requests are recorded, by their ids.
_loops: "Dict[int, _Loop]" = {}


@contextlib.contextmanager
def following(recording: "Recording") -> "Iterator[None]":
    """Record tasks and calls in threads that the running request begins, if asyncio runs it."""
    asyncio = sys.modules.get("asyncio")
    loop = asyncio._get_running_loop() if asyncio is not None else None
    before = _current.get()
    _current.set(recording)
    if loop is not None:
        _loops.setdefault(id(loop), _Loop(loop)).begin()
    try:
        yield
    finally:
        if loop is not None:
            _loops[id(loop)].end()
        # Not reset(): a coroutine that is thrown away may end in another context.
        _current.set(before)


async def in_thread(function: "Callable[..., Any]", *arguments: "Any") -> "Any":
    """Call a slow function in a worker thread, or in this thread without asyncio."""
    asyncio = sys.modules.get("asyncio")
    loop = asyncio._get_running_loop() if asyncio is not None else None
    if loop is None:
        return function(*arguments)
    return await loop.run_in_executor(None, functools.partial(function, *arguments))


def _recorded() -> "Optional[Recording]":
    """Return the request that the running code belongs to, while it is recorded."""
    recording = _current.get()
    return None if recording is None or recording.is_over else recording


class _Loop:
    """Replaced parts of one loop, while at least one request is recorded there."""

    def __init__(self, loop: "Any") -> None:
        self._loop = loop
        self._requests = 0
        self._factory: "Any" = None

    def begin(self) -> None:
        self._requests += 1
        if self._requests == 1:
            self._factory = self._loop.get_task_factory()
            self._loop.set_task_factory(self._make_task)
            self._executor = self._loop.run_in_executor
            with contextlib.suppress(AttributeError):  # Some loops may not allow it.
                self._loop.run_in_executor = self._run_in_executor
            _patch_anyio()

    def end(self) -> None:
        self._requests -= 1
        if self._requests == 0:
            del _loops[id(self._loop)]
            if self._loop.get_task_factory() == self._make_task:
                self._loop.set_task_factory(self._factory)
            replaced = getattr(self._loop, "__dict__", {}).get("run_in_executor")
            if replaced == self._run_in_executor:
                del self._loop.run_in_executor

    def _make_task(self, loop: "Any", coroutine: "Any", **options: "Any") -> "Any":
        recording = _recorded()
        if recording is not None and inspect.iscoroutine(coroutine):
            coroutine = _driven(recording, coroutine)
        if self._factory is not None:
            return self._factory(loop, coroutine, **options)
        return sys.modules["asyncio"].Task(coroutine, loop=loop, **options)

    def _run_in_executor(
        self, executor: "Any", function: "Callable[..., Any]", *arguments: "Any"
    ) -> "Any":
        recording = _recorded()
        if recording is not None:
            function = recording.decorate(functools.partial(function))
        return self._executor(executor, function, *arguments)


def _driven(recording: "Recording", coroutine: "Any") -> "Any":
    driven: "Any" = _coroutine(_native.Steps(coroutine, recording.recorder))
    driven.__name__, driven.__qualname__ = coroutine.__name__, coroutine.__qualname__
    return driven


def _patch_anyio() -> None:
    """Replace `run_sync`, by which Starlette calls functions that are no coroutines, for good."""
    module: "Any" = sys.modules.get("anyio.to_thread")
    if module is None or getattr(module.run_sync, "__module__", None) == __name__:
        return
    original = module.run_sync

    @functools.wraps(original, assigned=("__name__", "__qualname__", "__doc__"))
    async def run_sync(
        function: "Callable[..., Any]", *arguments: "Any", **options: "Any"
    ) -> "Any":
        recording = _recorded()
        if recording is not None:
            function = recording.decorate(functools.partial(function))
        return await original(function, *arguments, **options)

    module.run_sync = run_sync
