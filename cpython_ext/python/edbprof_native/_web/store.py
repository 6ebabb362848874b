"""The recorded requests, in a directory of the user that is bounded in bytes."""

import contextlib
import fcntl
import json
import os
import re
import stat
import time
from typing import NamedTuple

from .. import _process

TYPE_CHECKING = False  # see ../_decorator.py
if TYPE_CHECKING:
    from typing import Dict, Iterator, List, Optional, Tuple

# A recording, its description, and a part that a killed process has left of either.
_NAMES = re.compile(r"edbprof_([0-9a-f]{32})\.(prof|json|part)")
_ID = re.compile("[0-9a-f]{32}")
# File with the number of bytes that all recordings have together.
_NOTE = "edbprof_bytes"
_LOCK_SECONDS = 10


class About(NamedTuple):
    """A request that was recorded."""

    time: float
    """Seconds since 1970."""
    method: str
    path: str
    status: int
    """0 if the request has failed before it was answered."""
    seconds: float


def new_id() -> str:
    """Return 128 random bits that name a recording."""
    return os.urandom(16).hex()


def is_id(text: str) -> bool:
    """Return true if a recording may have that name."""
    return _ID.fullmatch(text) is not None


def _lock(directory: int) -> None:
    """Lock out other processes, threads and greenlets. Raises TimeoutError.

    A call that blocks would stop the greenlet that has the lock, too.
    """
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            return fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError("another process uses the store for too long") from None
            time.sleep(0.001)


class Store:
    """The store that all processes of a server share, so that each finds all recordings."""

    def __init__(self, directory: "Optional[str]", max_bytes: int) -> None:
        if max_bytes <= 0:
            raise ValueError("max_bytes must be positive")
        if directory is None:
            place = _process.temporary_directory()
            directory = os.path.join(place, f"edbprof-requests-{os.geteuid()}")
        self.directory = os.path.abspath(directory)
        self._max_bytes = max_bytes

    def put(self, id: str, encoded: bytes, about: About) -> bool:
        """Keep a recording; the oldest ones make room for it. Returns False if it is too large.

        Raises OSError, and PermissionError for a directory that others may read or change.
        """
        described = json.dumps(about._asdict()).encode()
        size = len(encoded) + len(described)
        if size > self._max_bytes:
            return False
        os.makedirs(self.directory, 0o700, exist_ok=True)
        with self._locked() as directory:
            self._reserve(directory, size)
            self._write(directory, id, "prof", encoded)
            # Written last, because a recording is listed by this file.
            self._write(directory, id, "json", described)
        return True

    def get(self, id: str) -> "Optional[bytes]":
        """Return the content of a recording's `.prof` file, or None. `id` must pass `is_id`."""
        try:
            with self._opened() as directory:
                return self._read(directory, id, "prof")
        except OSError:
            return None

    def list(self) -> "List[Tuple[str, About]]":
        """Return the ids and descriptions of all recordings, the latest first."""
        found = []
        with contextlib.suppress(OSError), self._opened() as directory:
            for name in os.listdir(directory):
                match = _NAMES.fullmatch(name)
                if match is None or match[2] != "json":
                    continue
                with contextlib.suppress(OSError, ValueError, TypeError):
                    about = About(**json.loads(self._read(directory, match[1], "json")))
                    found.append((match[1], about))
        return sorted(found, key=lambda each: -each[1].time)

    @contextlib.contextmanager
    def _opened(self) -> "Iterator[int]":
        directory = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            status = os.fstat(directory)
            if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
                raise PermissionError(
                    f"{self.directory} is open to other users: give `store` a directory that "
                    "belongs to you and has the mode 0700"
                )
            yield directory
        finally:
            os.close(directory)

    @contextlib.contextmanager
    def _locked(self) -> "Iterator[int]":
        with self._opened() as directory:
            _lock(directory)
            try:
                yield directory
            finally:
                # Not by closing: gevent's os.close() lets other greenlets run before it closes.
                fcntl.flock(directory, fcntl.LOCK_UN)

    def _reserve(self, directory: int, size: int) -> None:
        """Make room for so many bytes, and note them before they are written.

        With the note, most calls need no search. It is never less than the bytes that are there.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        with open(os.open(_NOTE, flags, 0o600, dir_fd=directory), "r+b") as note:
            noted = note.read(20)
            total = int(noted) if noted.isdigit() else self._max_bytes
            if total + size > self._max_bytes:
                # More than is needed, so that the next search is some time off.
                total = self._make_room(directory, self._max_bytes * 7 // 8 - size)
            note.seek(0)
            note.write(b"%d" % (total + size))
            note.truncate()

    def _make_room(self, directory: int, most: int) -> int:
        """Remove the oldest recordings until all have at most so many bytes; return how many."""
        sizes: "Dict[str, int]" = {}
        times: "Dict[str, int]" = {}
        names: "Dict[str, List[str]]" = {}
        for name in os.listdir(directory):
            match = _NAMES.fullmatch(name)
            if match is None:
                continue
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            id = match[1]
            sizes[id] = sizes.get(id, 0) + status.st_size
            times[id] = max(times.get(id, 0), status.st_mtime_ns)
            names.setdefault(id, []).append(name)
        total = sum(sizes.values())
        for id in sorted(sizes, key=lambda id: times[id]):
            if total <= most:
                break
            for name in names[id]:
                os.unlink(name, dir_fd=directory)
            total -= sizes[id]
        return total

    def _write(self, directory: int, id: str, suffix: str, content: bytes) -> None:
        part = f"edbprof_{id}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(part, flags, 0o600, dir_fd=directory), "wb") as file:
            file.write(content)
        os.rename(part, f"edbprof_{id}.{suffix}", src_dir_fd=directory, dst_dir_fd=directory)

    def _read(self, directory: int, id: str, suffix: str) -> bytes:
        flags = os.O_RDONLY | os.O_NOFOLLOW
        with open(os.open(f"edbprof_{id}.{suffix}", flags, dir_fd=directory), "rb") as file:
            return file.read()
