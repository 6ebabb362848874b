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
    """Record every call of the decorated function, and nothing between the calls.

        @profile
        def handle(request): ...

        @profile(dir="/var/tmp", threads=True)
        def work(): ...

    Functions, methods, static and class methods, generator functions, `async def` functions and
    async generators can be decorated. A generator or coroutine is not recorded while it is
    suspended. The decorated function keeps its name, docstring, signature and attributes, and
    pickles as before.

    Each process writes one file, `<dir>/<prefix><pid>_<digits><suffix>`, which appears with the
    first recorded call. Decorators with the same `dir`, `prefix` and `suffix` share the file, so a
    call counts once even if one decorated function calls another. Otherwise each file is complete.
    Among decorators that share a file, the first one determines `live_dir`, `max_nodes` and
    `timeline`.

    Args:
        prefix: Beginning of the file's name.
        suffix: End of the file's name.
        dir: Directory of the file; the temporary directory by default.
        save_every_n_calls: Number of outermost calls between two writes of the file. Writes are
            postponed while they would exceed a hundredth of the time, and left out once the
            recording is large and the live file has everything. With 0, the file is written at
            exit only. It is always written at exit.
        live_dir: Directory of the live file, which keeps what was recorded if the process is
            killed; `dir` by default. A tmpfs such as /dev/shm keeps the file away from busy disks.
            With "", there is no live file.
        threads: If true, threads that a recorded call starts are recorded too, as by `Profile`. One
            decorator with `threads=True` is enough for all that share its file.
        max_nodes: Number of call paths that are told apart, from 64 to 134,217,727, at 72 to 80
            bytes each. Calls on further paths overflow: they count by function, with their self
            time, and reports state their number.
        timeline: If true, every event is kept with its time, in 256 MiB; a number sets another size
            in bytes. The timeline is written at exit, beside the file, with `.timeline` appended to
            the name.
        record: Patterns of the Python functions to record, as for `Profile`.
        no_record: Patterns of the Python functions to leave out, as for `Profile`.
        slower_than: Seconds. The timeline keeps only calls of this function that take at least as
            long, each with everything that the process recorded meanwhile. A generator or coroutine
            counts from its start to its end, waits included. The call trees count every call.
            Implies `timeline`.
        keep: Number of slow calls that are kept; the latest ones, if there is room.

    Raises:
        ValueError: An argument is out of its range, or decorators that share a file have different
            patterns.
        TypeError: An argument has the wrong type.
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
        """Write everything that this process has recorded so far, if there is anything.

        Raises:
            OSError: The file can't be written.
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
        """Merge the files of this `dir`, `prefix` and `suffix`, as the program `edbprof` does.

        Files in `live_dir` are included.

        Args:
            out_path: File name or directory of the results, as for `edbprof --out`.
            sort_by: Sort keys of pstats for the table, separated by commas.
            width: Width of the picture in pixels.
            threshold: Share of the whole time below which the picture leaves out frames.
            quiet: If true, nothing is printed.

        Returns:
            Numbers of files that were merged and that failed; (0, 0) if there are none.

        Raises:
            ValueError: An argument is out of its range.
            OSError: The results can't be written, or the program `edbprof` is missing.
        """
        self.save()  # Before the import, whose calls would be in the file if this thread records.

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
