"""The recordings of this process, which are saved when it ends.

`edbprof run` imports this module before the program's first line, so it imports only modules that
every Python has imported by then.
"""

import os
import sys

from . import _calibration, _choice, _native  # noqa: F401  the first lets recorders measure their cost

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable, Dict, List, Optional, Tuple, Union

    from ._choice import Patterns

_recorders: "Dict[Tuple[str, str, str], _native.Recorder]" = {}

#: Choices of the recorders that record some functions only.
_choices: "Dict[Tuple[str, str, str], Dict[str, Tuple[str, ...]]]" = {}

#: Recorders of the main thread that stop when the process ends, because the cost of recording
#: can't be measured in a thread that records.
stopped_at_end: "List[_native.Recorder]" = []

#: Process id of the `edbprof run` that waits for the files in each directory.
runs: "Dict[str, int]" = {}

#: Directory in which `edbprof run` looks for the exception that has ended the process.
exception_directory: "Optional[str]" = None


#: Called when the process ends by itself.
at_end: "List[Callable[[], object]]" = []


_LIBRARY = os.path.dirname(getattr(os, "__file__", ""))


def _standard_module(name: str, file: str) -> "Optional[ModuleType]":
    """Return a module of the standard library if the program has imported it, not one of its own.

    Makes no call, because calls at a fork would be recorded.
    """
    try:
        found = sys.modules[name]
        is_standard = found.__file__ in (f"{_LIBRARY}/{file}", f"{_LIBRARY}/{file}c")
    except (AttributeError, KeyError):
        return None
    return found if is_standard else None


def temporary_directory() -> str:
    """Return what `tempfile.gettempdir()` would return, without importing `tempfile`."""
    tempfile = _standard_module("tempfile", "tempfile.py")
    if tempfile is not None:
        try:
            return str(tempfile.gettempdir())
        except OSError:
            return os.curdir
    named = (os.environ.get(variable) for variable in ("TMPDIR", "TEMP", "TMP"))
    for place in (*filter(None, named), "/tmp", "/var/tmp", "/usr/tmp"):
        if os.path.isdir(place) and os.access(place, os.W_OK | os.X_OK):
            return os.path.abspath(place)
    return os.curdir


def timeline_bytes(timeline: "Union[bool, int]") -> int:
    """Return the bytes of a timeline that a user wants; 0: none. Raises TypeError, ValueError."""
    if not isinstance(timeline, int):
        raise TypeError(f"timeline must be a bool or an int, not {type(timeline).__name__}")
    if timeline < 0:
        raise ValueError("timeline must not be negative")
    return 256 << 20 if timeline is True else int(timeline)


def recorder(
    directory: str,
    prefix: str,
    suffix: str,
    save_every: int,
    threads: bool,
    live_dir: str,
    max_nodes: int,
    timeline: int,
    record: "Patterns",
    no_record: "Patterns",
    timeline_kept: bool,
) -> _native.Recorder:
    """Return the one recording of this process for that directory, prefix and suffix.

    Raises ValueError if another user records a different choice of functions there.

    If users ask for different intervals between saves, the shortest holds. If one of them asks for
    threads that recorded calls start, they are recorded. Of `live_dir`, `max_nodes` and `timeline`,
    those of the first user hold.
    """
    place = (directory, prefix, suffix)
    known = _recorders.get(place)
    choice = _choice.options(record, no_record)
    if known is not None and choice not in ({}, _choices.get(place)):
        raise ValueError(
            "record and no_record differ from those of another decorator with the same dir, "
            "prefix and suffix: use another prefix"
        )
    if known is None:
        known = new_recorder(
            directory,
            prefix,
            suffix,
            save_every=save_every,
            live_dir=live_dir,
            max_nodes=max_nodes,
            timeline_bytes=timeline,
            **choice,
            timeline_kept=timeline_kept,
        )
        _choices[place] = choice
    elif save_every and not 0 < known.save_every <= save_every:
        known.save_every = save_every
    if threads:
        known.threads = True
    return known


def new_recorder(directory: str, prefix: str, suffix: str, **options: "Any") -> _native.Recorder:
    """Return a new recording that is saved when the process ends; `options` are `Recorder`'s."""
    made = _native.Recorder(directory=directory, prefix=prefix, suffix=suffix, **options)
    _recorders[directory, prefix, suffix] = made
    return made


def recorder_of_run() -> "Optional[_native.Recorder]":
    """Return the recorder of the main thread if `edbprof run` has started this process."""
    return next((made for (place, _, _), made in _recorders.items() if place in runs), None)


def forget(recorder: _native.Recorder) -> None:
    """Never save this recording again, and stop it in threads that still record."""
    for place, known in list(_recorders.items()):
        if known is recorder:
            del _recorders[place]
    if recorder in stopped_at_end:
        stopped_at_end.remove(recorder)
    recorder.abandon()
    try:
        recorder.close()
    except RuntimeError:
        pass  # Another thread has not noticed yet.


def _make_directory_of_run(directory: str) -> bool:
    """Make the directory again, which the program may have removed, if its run continues."""
    try:
        run = runs[directory]
        os.kill(run, 0)
    except KeyError:
        return False
    except PermissionError:
        pass  # The run belongs to another user, and continues.
    except OSError:
        return False  # The run is over, and nobody would remove the directory.
    os.makedirs(directory, 0o700, exist_ok=True)
    return True


def _call_at_end() -> None:
    for call in at_end:
        call()


def save_all(last: bool = False) -> None:
    """Write every recording for the last time. Failures are printed, not raised.

    last: the process will end in os._exit(), so the live files are removed now. Otherwise they
        are removed at the very end, after a last save. Live files of a `Profile`, which its user
        saves, are removed likewise.
    """
    if last:
        _call_at_end()
    for recorder in stopped_at_end:
        recorder.stop()
    for (directory, _, _), known in list(_recorders.items()):
        try:
            try:
                known.save(final=True, last=last)
            except FileNotFoundError:
                if not _make_directory_of_run(directory):
                    raise
                known.save(final=True, last=last)
        except Exception as error:
            is_over = known in stopped_at_end and not os.path.isdir(directory)
            if sys.stderr is not None and not is_over:
                print(f"edbprof: cannot save a recording: {error}", file=sys.stderr)
    _native.process_ends(last)


# Children of multiprocessing run only its finalizers before they end in os._exit(). A child drops
# the finalizers of its parent, so each child registers its own.

_UTIL = "multiprocessing/util.py"


def _save_when_worker_ends(_: object = None) -> None:
    util = _standard_module("multiprocessing.util", _UTIL)
    if util is not None:
        util.Finalize(None, save_all, kwargs={"last": True}, exitpriority=-100)


_workers_are_prepared = False


def _prepare_workers() -> None:
    # Called in the parent, so that no child records it.
    global _workers_are_prepared
    if _workers_are_prepared:
        return
    util = _standard_module("multiprocessing.util", _UTIL)
    if util is not None:
        _workers_are_prepared = True
        # Run once a new child has dropped its parent's state.
        util.register_after_fork(save_all, _save_when_worker_ends)


def _end() -> None:
    _call_at_end()
    save_all()
    # `sys.last_value` is set if an exception has ended the program, or was shown before.
    if exception_directory is not None and getattr(sys, "last_value", None) is not None:
        from . import _exception

        _exception.note(exception_directory)


def _save_at_exit() -> None:
    """Register `_end`. Before Python 3.10 each module `atexit` has functions of its own, so the
    program has to get the one with ours. Otherwise no `atexit` is left in sys.modules.
    """
    if "atexit" in sys.modules or sys.version_info < (3, 10):
        import atexit
    else:
        import _frozen_importlib
        import _imp

        spec = _frozen_importlib.BuiltinImporter.find_spec("atexit")
        assert spec is not None, "atexit is compiled into every interpreter"
        atexit = _imp.create_builtin(spec)
        _imp.exec_builtin(atexit)
    atexit.register(_end)


_save_at_exit()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_native.before_fork,
        after_in_parent=_native.after_fork,
        after_in_child=_native.after_fork,
    )
    os.register_at_fork(before=_prepare_workers, after_in_child=_native.forked)
_prepare_workers()
_process = _standard_module("multiprocessing.process", "multiprocessing/process.py")
if _process is not None and _process.parent_process() is not None:
    # Imported by a worker; its start may be over.
    _save_when_worker_ends()
