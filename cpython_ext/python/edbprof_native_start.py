"""Makes the processes of `edbprof run` record themselves. The .pth file calls it when Python
starts, if this may be such a process. In a virtual environment, site.py reads the .pth file twice.
Pythons that run no code of .pth files call it by the .start file, in each process.

A module of its own beside the package, since even importing that may fail. pytest leaves it as
it is: PYTEST_DONT_REWRITE.
"""

import os
import sys

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Optional, Set

VARIABLE = "EDBPROF_RUN"
_is_entered = False


def start(importers: "Set[str]") -> None:
    """Record, if this process belongs to a run. `importers`: the keys of sys.path_importer_cache
    before this module was imported, to which the cache is reset for the program.
    """
    own = os.environ.get(VARIABLE, "")
    settings = own
    if not own or "\nstart=off\n" in own:
        # Children of `edbprof run --start=off` belong to the `edbprof attach` to it, if there is
        # one.
        settings = _settings_by_descent() or own
    directory = settings.partition("\ndirectory=")[2] if settings else ""
    # Without the directory the run is over; this is a child of what has outlived it.
    if not settings or directory and not os.path.isdir(directory):
        _forget_importers(importers)
        sys.modules.pop(__name__, None)
        return
    is_main = True
    try:
        from edbprof_native import _native, _startup

        is_main = _native.is_main_interpreter()
        if own and own != settings:
            _startup.recorder(own)  # Opens the door, and records nothing.
        recorder = _startup.recorder(settings)
        _forget_importers(importers)
        # This comes last, because everything after it is recorded.
        if recorder is not None and is_main:
            recorder.enable()
        elif recorder is not None:
            recorder.enable_in_interpreter()
    except Exception as error:
        _forget_importers(importers)
        reason = " ".join(str(error).split())
        if not is_main or "subinterpreters" in reason:
            _note(directory, "interpreter", "")
        elif not _note(directory, "failed", reason) and sys.stderr is not None:
            print("edbprof: this process is not recorded:", reason, file=sys.stderr)


def start_at_entry() -> None:
    """Call start() for `edbprof_native.start`, whose functions get no arguments."""
    global _is_entered
    if _is_entered:
        return
    _is_entered = True
    importers = {*sys.path_importer_cache}
    user = getattr(os, "geteuid", int)()
    if os.environ.get(VARIABLE) or (
        VARIABLE not in os.environ and os.access(f"/dev/shm/edbprof-runs-{user}", os.F_OK)
    ):
        start(importers)
    else:
        sys.modules.pop(__name__, None)


def _settings_by_descent() -> "Optional[str]":
    """Return the settings of the run that an ancestor belongs to, for processes that were started
    with an environment of their own. None if there is no such run.

    Each run has an entry in a directory of its user's, named after its process: see
    commands/run/registry.rs.
    """
    try:
        user = os.geteuid()
        runs = f"/dev/shm/edbprof-runs-{user}"
        status = os.lstat(runs)
        if status.st_uid != user or status.st_mode != 0o40700:
            return None  # Somebody else's.
        namespace = os.stat("/proc/self/ns/pid").st_ino
        pid = os.getpid()
        while pid > 0:
            with open(f"/proc/{pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            try:
                settings = os.readlink(f"{runs}/{pid}-{int(fields[19])}-{namespace}")
            except FileNotFoundError:
                settings = ""
            # A killed `edbprof attach` leaves the entry, which has the name of a process that runs.
            run = settings.partition("run=")[2].partition("\n")[0]
            if run and os.access(f"/proc/{run}", os.F_OK):
                return settings
            pid = int(fields[1])
    except (OSError, IndexError):
        pass  # There is no /proc, or it does not show all ancestors.
    return None


def _note(directory: str, cause: str, about: str) -> bool:
    """Leave a note for the run that something here is not recorded. Returns False if that fails."""
    if not directory:
        return False
    path = f"{directory}/unrecorded_{os.getpid()}_{cause}"
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        return not os.path.isdir(directory)
    try:
        os.write(file, os.fsencode(about + "\n"))
    except OSError:
        pass  # The file's name says enough.
    finally:
        os.close(file)
    return True


def _forget_importers(but: "Set[str]") -> None:
    for path in sys.path_importer_cache.keys() - but:
        del sys.path_importer_cache[path]
