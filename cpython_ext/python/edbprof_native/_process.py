"""The recordings of this process, and their being saved when it ends."""

from __future__ import annotations

import atexit
import os
import sys

from . import _native

_recorders: dict[tuple[str, str, str], _native.Recorder] = {}


def recorder(
    directory: str, prefix: str, suffix: str, save_every: int
) -> _native.Recorder:
    """The one recording of this process for that place, made if need be.

    Where several users want it saved at different intervals, the shortest holds.
    """
    key = (directory, prefix, suffix)
    known = _recorders.get(key)
    if known is None:
        known = _recorders[key] = _native.Recorder(
            directory=directory, prefix=prefix, suffix=suffix, save_every=save_every
        )
    elif save_every and not 0 < known.save_every <= save_every:
        known.save_every = save_every
    return known


def save_all() -> None:
    """Write every recording for the last time. Failures are told, not raised."""
    for known in list(_recorders.values()):
        try:
            known.save(final=True)
        except Exception as error:
            print(f"edbprof: cannot save a recording: {error}", file=sys.stderr)


def _save_when_worker_ends() -> None:
    # Children of multiprocessing end in os._exit(), which runs its finalizers only.
    # Registered in the child: on its way there the parent's finalizers are dropped.
    from multiprocessing import util

    util.Finalize(None, save_all, exitpriority=-100)


def _prepare_worker() -> None:
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        # Called by multiprocessing once a new child has dropped its parent's state.
        util.register_after_fork(save_all, lambda _: _save_when_worker_ends())


atexit.register(save_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_prepare_worker)
_prepare_worker()
