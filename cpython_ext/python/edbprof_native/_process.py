"""The recordings of this process, and their being saved when it ends."""

from __future__ import annotations

import atexit
import os
import sys

from . import _native

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from typing import Any

_recorders: dict[tuple[str, str, str], _native.Recorder] = {}

#: Those that record the main thread until the process ends: then they stop, since what
#: recording costs is not measured in a thread that records.
stopped_at_end: list[_native.Recorder] = []


def temporary_directory() -> str:
    """What `tempfile` says, or the current directory where that finds none."""
    from tempfile import gettempdir

    try:
        return gettempdir()
    except OSError:
        return os.curdir


def recorder(
    directory: str,
    prefix: str,
    suffix: str,
    save_every: int,
    threads: bool,
    live_dir: str,
    max_nodes: int,
) -> _native.Recorder:
    """The one recording of this process for that place, made if need be.

    Where several users want it saved at different intervals, the shortest holds; where
    one wants threads recorded that recorded calls start, they are; of several
    `live_dir` and `max_nodes` the first holds.
    """
    known = _recorders.get((directory, prefix, suffix))
    if known is None:
        known = new_recorder(
            directory,
            prefix,
            suffix,
            save_every=save_every,
            live_dir=live_dir,
            max_nodes=max_nodes,
        )
    elif save_every and not 0 < known.save_every <= save_every:
        known.save_every = save_every
    if threads:
        known.threads = True
    return known


def new_recorder(
    directory: str, prefix: str, suffix: str, **options: Any
) -> _native.Recorder:
    """A recording that is saved when the process ends; `options` are `Recorder`'s."""
    from . import _calibration  # noqa: F401  lets recorders measure what they cost
    from . import tracing_singledispatch  # noqa: F401  lets recorders know generic functions

    made = _native.Recorder(
        directory=directory, prefix=prefix, suffix=suffix, **options
    )
    _recorders[directory, prefix, suffix] = made
    return made


def save_all(last: bool = False) -> None:
    """Write every recording for the last time. Failures are told, not raised.

    last: the process will end in os._exit(), so the live files go now. Otherwise they
        go at the very end, after what is recorded until then was saved too. Those of
        a `Profile`, which is its user's to save, go likewise.
    """
    for recorder in stopped_at_end:
        recorder.stop()
    for known in list(_recorders.values()):
        try:
            known.save(final=True, last=last)
        except Exception as error:
            print(f"edbprof: cannot save a recording: {error}", file=sys.stderr)
    _native.process_ends(last)


# Children of multiprocessing end in os._exit(), which runs its finalizers only. Those of
# the parent are dropped on their way, so each child registers its own.


def _save_when_worker_ends(_: object = None) -> None:
    from multiprocessing import util

    util.Finalize(None, save_all, kwargs={"last": True}, exitpriority=-100)


_workers_are_prepared = False


def _prepare_workers() -> None:
    # In the parent: nothing of it shows in the recordings of the children.
    global _workers_are_prepared
    if not _workers_are_prepared and "multiprocessing.util" in sys.modules:
        _workers_are_prepared = True
        from multiprocessing import util

        # Run once a new child has dropped its parent's state.
        util.register_after_fork(save_all, _save_when_worker_ends)


atexit.register(save_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_prepare_workers)
_prepare_workers()
if "multiprocessing.process" in sys.modules:
    from multiprocessing.process import parent_process

    if parent_process() is not None:
        # Imported by a worker; its start may be over.
        _save_when_worker_ends()
