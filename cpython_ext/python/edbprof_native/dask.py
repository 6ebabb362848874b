"""Record the tasks of a dask cluster as one profile.

    from edbprof_native.dask import profiled

    with profiled(client) as recorded:
        graph.compute()
    recorded.save("run.prof")

Every worker process records its tasks into a live file on its own disk. At the end, tasks of the
cluster itself merge the recordings in pairs, so that no worker needs more memory than two profiles
and their sum. A worker that was killed leaves its live file, which the other workers on its machine
read.
"""

from __future__ import annotations

import os
import secrets
import socket
import stat
import tempfile
import threading
from typing import TYPE_CHECKING, Any

from dask.utils import key_split
from distributed import WorkerPlugin

from ._data import ProfileData, load, merge
from ._native import span
from ._profile import Profile

if TYPE_CHECKING:
    from distributed import Client, Worker
    from typing_extensions import Self


class profiled:
    """Records the tasks that a cluster runs during a `with` block, or an `async with` block.

    Tasks are frames named after the prefix of their keys, such as `inc (dask task)`. Workers that
    join during the block are recorded, too. A task that is still running at the end of the block
    is recorded until then.

    Args:
        client: Client of the cluster. edbprof must be installed in the same version on all workers.
        options: Arguments of `Profile`, such as `record="mypackage.*"`.

    Attributes:
        content: The merged profile as the content of a `.prof` file, once the block has ended.
            None before, and if no worker recorded a task.
    """

    def __init__(self, client: "Client", **options: Any) -> None:
        self.content: "bytes | None" = None
        self._client = client
        self._plugin = _Recording(secrets.token_hex(16), options)

    def __enter__(self) -> "Self":
        self._client.sync(self._begin)
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self._client.sync(self._end)

    async def __aenter__(self) -> "Self":
        await self._begin()
        return self

    async def __aexit__(self, kind: object, error: object, traceback: object) -> None:
        await self._end()

    def save(self, path: "str | os.PathLike[str]") -> None:
        """Write the profile to `path`, a `.prof` file.

        Raises:
            OSError: The file can't be written.
            ValueError: Nothing was recorded, or the block has not ended.
        """
        content = self._recorded()
        with open(path, "wb") as file:
            file.write(content)

    def load(self) -> ProfileData:
        """Return the profile as data.

        Raises:
            ValueError: Nothing was recorded, or the block has not ended.
        """
        return load(self._recorded())

    def _recorded(self) -> bytes:
        if self.content is None:
            raise ValueError("no task was recorded, or the block of profiled() has not ended")
        return self.content

    async def _begin(self) -> None:
        await self._client.register_plugin(self._plugin)

    async def _end(self) -> None:
        client, directory = self._client, self._plugin.directory
        # Workers save when the plugin leaves them; what killed workers have left is there already.
        await client.unregister_worker_plugin(self._plugin.name)
        found = await client.run(_recordings, directory, on_error="ignore")
        workers: "dict[object, list[str]]" = {}
        files: "dict[object, list[str]]" = {}
        for worker, (place, paths) in found.items():
            workers.setdefault(place, []).append(worker)
            files[place] = paths
        try:
            parts = [
                client.submit(_read, path, workers=workers[place], pure=False)
                for place, paths in files.items()
                for path in paths
            ]
            while len(parts) > 1:
                pairs = [parts[at : at + 2] for at in range(0, len(parts), 2)]
                parts = [
                    client.submit(_merge, *pair, pure=False) if len(pair) > 1 else pair[0]
                    for pair in pairs
                ]
            self.content = await parts[0] if parts else None
        finally:
            await client.run(_remove, directory, on_error="ignore")


class _Recording(WorkerPlugin):
    """The plugin that records in each worker process."""

    def __init__(self, token: str, options: "dict[str, Any]") -> None:
        self.name = f"edbprof-{token}"
        self.directory = f"edbprof-dask-{token}"
        self._options = options

    def setup(self, worker: "Worker") -> None:
        path = _own_directory(self.directory)
        self.profile = Profile(live_dir=path, **self._options)
        self.has_recorded = False
        self._path = os.path.join(path, f"worker-{os.getpid()}-{secrets.token_hex(8)}.prof")
        self._tasks = _Tasks.of(worker)
        self._tasks.recordings.append(self)

    def teardown(self, worker: "Worker") -> None:
        self._tasks.recordings.remove(self)
        if self.has_recorded:
            self.profile.save(self._path)
        try:
            self.profile.close()
        except RuntimeError:
            pass  # A task still runs. Its recording counts once, in the file and live.


class _Tasks(dict):  # type: ignore[type-arg]
    """The running tasks of a worker by their threads: `Worker.active_threads`.

    A worker enters each task from the task's own thread, immediately before it calls the task's
    function, and deletes it there afterwards.
    """

    def __init__(self, tasks: "dict[int, object]") -> None:
        super().__init__(tasks)
        self.recordings: "list[_Recording]" = []
        self._running = threading.local()

    @classmethod
    def of(cls, worker: "Worker") -> "_Tasks":
        """Return the tasks of `worker`, which are made once."""
        with worker.active_threads_lock:
            if not isinstance(worker.active_threads, cls):
                worker.active_threads = cls(worker.active_threads)
            return worker.active_threads

    def __setitem__(self, thread: int, key: object) -> None:
        super().__setitem__(thread, key)
        recordings = tuple(self.recordings)
        if recordings:
            part = span(f"{key_split(key)} (dask task)")
            self._running.parts = (part, recordings)
            for recording in recordings:
                recording.has_recorded = True
                recording.profile.enable()
            part.__enter__()

    def __delitem__(self, thread: int) -> None:
        part, recordings = self._running.__dict__.pop("parts", (None, ()))
        if part is not None:
            part.__exit__(None, None, None)
        for recording in recordings:
            recording.profile.disable()
        super().__delitem__(thread)


def _own_directory(name: str) -> str:
    """Return the path of a directory in the temporary one, made for this user alone."""
    path = os.path.join(tempfile.gettempdir(), name)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:  # Another worker of this machine was first.
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise
    return path


def _recordings(directory: str) -> "tuple[object, list[str]]":
    """Return an id of the place that this worker writes to, and the recordings there."""
    path = _own_directory(directory)
    found = os.stat(path)
    place = (socket.gethostname(), found.st_dev, found.st_ino)
    names = [name for name in sorted(os.listdir(path)) if name.endswith((".prof", ".prof.live"))]
    return place, [os.path.join(path, name) for name in names]


def _read(path: str) -> bytes:
    return merge([path])


def _merge(*parts: bytes) -> bytes:
    return merge(parts)


def _remove(directory: str) -> None:
    """Remove the directory with all recordings, if no other worker has done so."""
    import shutil

    shutil.rmtree(os.path.join(tempfile.gettempdir(), directory), ignore_errors=True)
