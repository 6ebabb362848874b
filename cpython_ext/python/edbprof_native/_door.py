"""Requests of `edbprof attach` and `edbprof dump` to this process: see cpython_ext/door.c.

Each request is a word and the lines below it; each answer begins with `ok` or `error`. All of it
runs in the thread of the door, while the program's threads continue.
"""

import os
import sys

from . import _native, _process

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Dict, Iterator, Optional, Tuple

#: Recorder of the connection, and the directory that it records into.
_recording: "Optional[_native.Recorder]" = None

#: Times that the directory is made again, because the end of another process has removed it.
_ATTEMPTS = 10

#: Most bytes of a directory's path that leave room for a process id in a socket's address.
_LONGEST_DIRECTORY = 99

#: Fork warns about a second thread, which the door has.
_FORK_WARNS = sys.version_info >= (3, 12)


def directory() -> str:
    """Return the directory of this user's sockets. Raises OSError if others may write there."""
    path = os.path.join(_process.temporary_directory(), f"edbprof-doors-{os.geteuid()}")
    if len(os.fsencode(path)) > _LONGEST_DIRECTORY:
        path = f"/tmp/edbprof-doors-{os.geteuid()}"
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    status = os.lstat(path)
    if status.st_uid != os.geteuid() or status.st_mode != 0o40700:
        raise PermissionError(f"{path} is not a directory of this user alone")
    return path


def _open() -> None:
    for attempts_left in reversed(range(_ATTEMPTS)):
        try:
            path = os.path.join(directory(), str(os.getpid()))
            return _native.open_door(path, handle, False)
        except FileNotFoundError:
            if not attempts_left:
                raise


def _close() -> None:
    _native.close_door()
    try:
        os.rmdir(directory())
    except OSError:
        pass  # Others have doors there.


_is_open = False


def listen() -> None:
    """Let `edbprof attach PID` record this process, and `edbprof dump PID` show its stacks.

    A socket, which only this user and root may connect to, waits in a thread that Python does not
    know. Forked processes get sockets of their own. Calling `listen` again does nothing. Raises
    OSError.
    """
    global _is_open
    _open()
    if _is_open:
        return
    _is_open = True
    if _FORK_WARNS:
        os.register_at_fork(before=_native.pause_door, after_in_parent=_native.resume_door)
    os.register_at_fork(after_in_child=_reopen)
    _process.at_end.append(_close)


def _reopen() -> None:
    global _recording
    _recording = None
    try:
        _open()
    except OSError:
        pass  # The child works without a door.


def open_once(path: str) -> None:
    """Open the door at `path`, for an `edbprof attach` that runs this by `sys.remote_exec`."""
    _native.open_door(path, handle, True)


def handle(request: "Optional[bytes]") -> bytes:
    """Answer a request, which is None when the connection ends."""
    try:
        # No function may be called meanwhile, since it would be recorded.
        if request is None or request == b"end":
            return _end()
        word, _, rest = os.fsdecode(request).partition("\n")
        if word == "hello":
            return b"ok\n"
        if word == "begin":
            return _begin(rest)
        if word == "dump":
            return os.fsencode("ok\n" + "\n".join(_stacks()))
        return b"error\nthis version of edbprof knows no such request"
    except Exception as error:
        return os.fsencode(f"error\n{type(error).__name__}: {error}")


def _begin(settings: str) -> bytes:
    global _recording
    if _recording is not None or _process.recorder_of_run() is not None:
        return b"error\nit is recorded already"
    from . import _startup

    made = _startup.attached_recorder(settings)
    try:
        made.begin_everywhere()
    except BaseException:
        _process.forget(made)
        raise
    _recording = made
    return b"ok\n"


def _end() -> bytes:
    global _recording
    made, _recording = _recording, None
    if made is None:
        return b"ok\n"
    made.end_everywhere()
    saved = made.save(final=True, last=True)
    _process.forget(made)
    return b"ok\n" if saved else b"ok\nnothing"


def _stacks() -> "Iterator[str]":
    """Yield the stacks of all threads, the innermost call last."""
    names = _names()
    for ident, frame in sys._current_frames().items():
        frames = list(_frames(frame))
        if not frames:
            continue
        yield f"thread\t{ident}\t{names.get(ident, '')}"
        for code, line in reversed(frames):
            name = getattr(code, "co_qualname", code.co_name)
            yield f"frame\t{name}\t{code.co_filename}\t{line}"


def _frames(frame: "Optional[FrameType]") -> "Iterator[Tuple[CodeType, int]]":
    package = os.path.dirname(os.path.abspath(__file__)) + os.sep
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(package):
            yield code, frame.f_lineno or 0
        frame = frame.f_back


def _names() -> "Dict[int, str]":
    threading = sys.modules.get("threading")
    known = getattr(threading, "_active", {})
    return {ident: str(getattr(thread, "_name", "")) for ident, thread in known.copy().items()}
