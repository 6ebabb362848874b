"""The decorator `profile`."""

import os

from . import _native, _process, _steps  # noqa: F401  the last drives generators

TYPE_CHECKING = False  # typing takes longer to import than all of this package
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Tuple, TypeVar, Union, overload

    from ._choice import Patterns

    F = TypeVar("F", bound=Callable[..., Any])
    Path = Union[str, "os.PathLike[str]"]


class profile:
    """Record every call of the decorated function, and only while it runs.

        @profile
        def handle(request): ...

        @profile(dir="/var/tmp", threads=True)
        def work(): ...

    Works on functions, methods, static and class methods, generator functions,
    `async def` and async generators; of the latter three what happens while they are
    suspended is not recorded. The function keeps its name, docstring, signature and
    attributes, and pickles as before.

    Each process writes one file, `<dir>/<prefix><pid>_<digits><suffix>`, none before
    the first recorded call. Decorators with the same `dir`, `prefix` and `suffix`
    share it, so nothing is counted twice when one such function calls another; with
    different ones each file has its complete data.

    prefix, suffix: what the file's name begins and ends with.
    dir: where it lies; the temporary directory by default.
    save_every_n_calls: after how many outermost calls the file is written, as long as
        all writing takes less than a hundredth of the time; 0 writes at exit only.
        It is written at the process's exit in any case.
    live_dir: where the live file lies, which has all that was recorded if the process is
        killed: beside the file by default; on a tmpfs (/dev/shm) the disk's other users
        slow down nothing; '' does without. Of those who share a file the first says.
    threads: whether threads that a recorded call starts are recorded too, from the start
        of their `run()` to its end, however long that is, and so are those that they
        start. Those of `_thread` are recorded until they end, and those that C code makes
        meanwhile while such a call runs (see `Profile`). One decorator that says so says it for all that share its file.
    max_nodes: how many ways of being called are told apart, between 64 and 134,217,727;
        each takes 64 to 80 bytes. Calls in further ones overflow: they count under
        their functions, with the time that was theirs alone, and reports say how many
        there were. Of those who share a file the first says.
    timeline: whether every event is kept with its time, in as many bytes; True: 256 MiB (see
        `Profile`). It is written at exit, beside the file with `.timeline` behind its name. Of
        those who share a file the first says.
    record, no_record: patterns of the Python functions to record and of those to leave out
        (see `Profile`). Those who share a file can't say different things: ValueError.
    slower_than: seconds. Only calls of this function that last as long are kept in the timeline,
        each with all that the process recorded meanwhile; of generators and coroutines from the
        first start to the end, waits included. The trees count every call. Implies `timeline`.
    keep: how many such calls are kept: the latest ones, as far as there is room.
    """

    _directory: str
    _live_directory: str
    _prefix: str
    _suffix: str
    _recorder: _native.Recorder
    _slower_than_ns: int
    _keep: int

    if TYPE_CHECKING:

        @overload
        def __new__(cls, function: F, /) -> F: ...  # type: ignore[misc]  # @profile alone
        @overload
        def __new__(
            cls,
            *,
            prefix: str = ...,
            suffix: str = ...,
            dir: Optional[Path] = ...,
            save_every_n_calls: int = ...,
            live_dir: Optional[Path] = ...,
            threads: bool = ...,
            max_nodes: int = ...,
            timeline: Union[bool, int] = ...,
            record: Patterns = ...,
            no_record: Patterns = ...,
            slower_than: Optional[float] = ...,
            keep: int = ...,
        ) -> "profile": ...

    # Not __init__: @profile alone makes no profile.
    def __new__(  # type: ignore[misc]  # as above
        cls,
        function: "Any" = None,
        /,
        *,
        prefix: str = "edbprof_",
        suffix: str = ".prof",
        dir: "Optional[Path]" = None,
        save_every_n_calls: int = 1,
        live_dir: "Optional[Path]" = None,
        threads: bool = False,
        max_nodes: int = 4_194_304,
        timeline: "Union[bool, int]" = False,
        record: "Patterns" = (),
        no_record: "Patterns" = (),
        slower_than: "Optional[float]" = None,
        keep: int = 100,
    ) -> "Any":
        for name, value in (("prefix", prefix), ("suffix", suffix)):
            if not isinstance(value, str):
                raise TypeError(f"{name} must be a str, not {type(value).__name__}")
            if os.sep in value or "\0" in value or (os.altsep and os.altsep in value):
                raise ValueError(f"{name} must be part of a file name, not {value!r}")
        if not isinstance(save_every_n_calls, int):
            raise TypeError("save_every_n_calls must be an int")
        if save_every_n_calls < 0:
            raise ValueError("save_every_n_calls must not be negative")
        if slower_than is not None and not slower_than > 0:
            raise ValueError("slower_than must be positive")
        if not isinstance(keep, int):
            raise TypeError("keep must be an int")
        if keep < 1:
            raise ValueError("keep must be positive")
        if dir is None:
            dir = _process.temporary_directory()
        self = super().__new__(cls)
        self._directory = os.path.abspath(os.fsdecode(dir))
        self._live_directory = self._directory
        if live_dir is not None:
            live_dir = os.fsdecode(live_dir)
            self._live_directory = os.path.abspath(live_dir) if live_dir else ""
        if slower_than is not None and timeline is False:
            timeline = True
        self._slower_than_ns = 0 if slower_than is None else max(1, int(slower_than * 1e9))
        self._keep = keep
        self._prefix = prefix
        self._suffix = suffix
        self._recorder = _process.recorder(
            self._directory,
            prefix,
            suffix,
            save_every_n_calls,
            threads,
            self._live_directory,
            max_nodes,
            _process.timeline_bytes(timeline),
            record,
            no_record,
            slower_than is not None,
        )
        return self if function is None else self(function)

    def __call__(self, function: "F") -> "F":
        """Decorate `function`."""
        if type(function) in (staticmethod, classmethod):
            descriptor: "Any" = function
            return type(descriptor)(self(descriptor.__func__))  # type: ignore[no-any-return]
        if not callable(function) or isinstance(function, type):
            raise TypeError(f"@profile() decorates functions and methods, not {function!r}")
        return _native.Decorated(  # type: ignore[return-value]  # stands in for it in every respect
            function, self._recorder, slower_than_ns=self._slower_than_ns, keep=self._keep
        )

    def save(self) -> None:
        """Write what this process has recorded so far; nothing if that is nothing.

        Raises OSError.
        """
        self._recorder.save()

    def aggregate(
        self,
        out_path: "Path",
        *,
        sort_by: str = "",
        width: int = 0,
        threshold: float = 0.0001,
        quiet: bool = False,
    ) -> "Tuple[int, int]":
        """Merge the files of this `dir`, `prefix` and `suffix`, as `edbprof` does.

        Those in `live_dir` are among them.

        out_path: the result's file name or directory, as for `edbprof --out`.
        sort_by: pstats' sort keys for the table, comma-separated.
        width: of the picture, in pixels.
        threshold: share of the whole time below which the picture leaves out frames.
        quiet: print nothing.

        Returns how many files succeeded and how many failed, (0, 0) when there are
        none. Raises ValueError for arguments that make no sense, OSError when the
        result can't be written or the program `edbprof` is missing.
        """
        self.save()  # Before the import, which would stand in it where a call records.

        from ._program import aggregate

        return aggregate(
            [self._directory, self._live_directory],
            out_path,
            prefix=self._prefix,
            suffix=self._suffix,
            sort_by=sort_by,
            width=width,
            threshold=threshold,
            quiet=quiet,
        )
