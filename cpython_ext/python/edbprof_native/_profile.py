"""The class `Profile`: recording between two points of a program.

It has the interface of `cProfile.Profile`, and `run` and `runctx` work like those of cProfile.
"""

import marshal  # Every Python has imported it before.

from . import _choice, _native, _process

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    import os
    from types import CodeType
    from typing import Any, Callable, Dict, List, Optional, Tuple, TypeVar, Union

    from typing_extensions import Self

    from ._choice import Patterns

    Path = Union[str, "os.PathLike[str]"]
    Label = Tuple[str, int, str]
    Stats = Dict[Label, Tuple[int, int, float, float, Dict[Label, Tuple[int, int, float, float]]]]
    Result = TypeVar("Result")
    Sort = Union[int, str, Tuple[Union[int, str], ...]]


class Profile:
    """Record the calls that a thread makes between `enable()` and `disable()`.

        with Profile() as recorded:
            work()
        recorded.save("work.prof")

    `Profile` has the interface of `cProfile.Profile`: `pstats.Stats(recorded)` works, and methods
    of subclasses are called where cProfile calls them. Any number of them may be enabled at once,
    nested or in several threads, and each has complete data.

    Args:
        timer: Function that returns the time, in seconds as a float or in units as an int; for
            example `time.process_time`. The recorder's own clocks are much faster.
        timeunit: Seconds in a unit of an integer timer.
        subcalls: If true, `stats` and `getstats()` have the callers of each function. Files always
            have them.
        builtins: If true, functions written in C are recorded. Without them, recording costs about
            half as much from Python 3.13 on.
        hook: "monitoring" uses `sys.monitoring` (Python 3.12 and later, if one of the tool ids 4, 3
            and 5 is free), which is faster; "setprofile" works always; "auto" takes the faster one
            that is possible. Both record the same, but only "monitoring" records callables written
            in C that are no builtins.
        clock: "wall", or "cpu" for the processor time of each thread. Not with `timer`.
        live_dir: Directory of the live file, which keeps what was recorded if the process is
            killed; the temporary directory by default, where `edbprof` finds the file. It is made
            at the first recorded call, in a fraction of a millisecond, and removed with the
            `Profile` or at exit. With "", there is no live file, which suits a `Profile` that lives
            for one request.
        threads: If true, threads that a recording thread starts are recorded too, from the start of
            their `run()` to its end, and so are the threads that they start. Threads of `_thread`
            are recorded until they end. Threads of C code that call Python are recorded while any
            other thread records; up to Python 3.11, from the moment in which edbprof notices them.
        max_nodes: Number of call paths that are told apart, from 64 to 134,217,727, at 72 to 80
            bytes each. Calls on further paths overflow: they count by function, with their self
            time, and reports state their number.
        waiting: If true, the time in which a thread is on no processor is told apart: blocked,
            waiting for the interpreter's lock, or preempted. Only with the clock "wall", and not
            with `timer`.
        timeline: If true, every event is kept with its time, in 256 MiB; a number sets another size
            in bytes. An event takes 8 bytes. When there is no room left, the latest events replace
            the oldest. The timeline is beside the live file, or in memory if there is none.
            `save()` writes it beside the file, with `.timeline` appended to the name.
        record: Patterns of the Python functions to record, one or several: `"json.*"`,
            `["parse.py:*", "Parser.feed"]`, as for `edbprof --include`. "mine" stands for functions
            that are neither in the standard library nor in an installed package. The time of other
            functions is part of their callers. C functions are recorded if a recorded function
            calls them. From Python 3.12 on, other functions cost nothing after their first call.
        no_record: Patterns of the Python functions to leave out.
        record_types: If true, calls of classes, of their slot wrappers (`int.__add__`) and of
            callables of the standard library that hand a call on (`functools.partial`) are
            recorded, too. Only with the hook "monitoring".

    Raises:
        ValueError: An argument is out of its range, or `hook` is not possible.
        TypeError: An argument has the wrong type.
    """

    def __init__(
        self,
        timer: "Optional[Callable[[], float]]" = None,
        timeunit: float = 0.0,
        subcalls: bool = True,
        builtins: bool = True,
        *,
        hook: str = "auto",
        clock: str = "wall",
        live_dir: "Optional[Path]" = None,
        threads: bool = False,
        max_nodes: int = 4_194_304,
        waiting: bool = True,
        timeline: "Union[bool, int]" = False,
        record: "Patterns" = (),
        no_record: "Patterns" = (),
        record_types: bool = False,
    ) -> None:
        if timer is not None and not callable(timer):
            raise TypeError("timer must be callable")
        if "_recorder" in self.__dict__:
            self._recorder.stop()  # Raises in a timer.
            self._recorder.abandon()  # Initialized again: nobody could switch the old recorder off.
        self._options: "Dict[str, Any]" = {
            "timer": timer,
            "timeunit": timeunit,
            "builtins": builtins,
            "clock": clock,
            "hook": hook,
            "live_dir": _process.temporary_directory() if live_dir is None else live_dir,
            "threads": threads,
            "max_nodes": max_nodes,
            "waiting": waiting,
            "timeline_bytes": _process.timeline_bytes(timeline),
            "record_types": record_types,
            **_choice.options(record, no_record),
        }
        self._recorder: "_native.Recorder" = _native.Recorder(**self._options)
        self._subcalls = subcalls
        #: The file that holds `stats`, for dump_stats().
        self._encoded: "Optional[bytes]" = None

    def __getattr__(self, name: str) -> "Any":
        # A subclass may have an `__init__` that does not call this one.
        if name not in ("_recorder", "_options", "_subcalls", "_encoded"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        Profile.__init__(self)
        return self.__dict__[name]

    def __del__(self) -> None:
        """Stop recording, which nobody could switch off or look at any more."""
        if "_recorder" in self.__dict__:
            self._recorder.abandon()

    def enable(self, subcalls: "Optional[bool]" = None, builtins: "Optional[bool]" = None) -> None:
        """Record in the calling thread from now on. Enabling twice has the effect of enabling once.

        Args:
            subcalls: Replaces the argument of `Profile()`, unless None.
            builtins: Replaces the argument of `Profile()`, unless None.
        """
        if subcalls is not None:
            self._subcalls = subcalls
        if builtins is not None:
            self._recorder.builtins = self._options["builtins"] = builtins
        self._recorder.enable()

    def disable(self) -> None:
        """Stop recording in the calling thread. The `Profile` keeps what it has recorded."""
        self._recorder.stop()

    def save(self, path: "Path") -> None:
        """Write everything that was recorded so far to `path`, a `.prof` file.

        A file of that name is replaced once the new one is complete.

        Raises:
            OSError: The file can't be written.
        """
        self._recorder.save(path)

    def dump_stats(self, file: "Path") -> None:
        """Call `create_stats()`, then write what `save()` writes, through `open(file, "wb")`.

        cProfile writes its files in this way. If a subclass has made other `stats`, the file has
        only those.

        Raises:
            OSError: The file can't be written.
        """
        with open(file, "wb") as opened:
            self.create_stats()
            encoded, self._encoded = self._encoded, None
            is_ours = encoded is not None and self._stats_in(encoded) == self.stats
            opened.write(encoded if encoded and is_ours else marshal.dumps(self.stats))

    def create_stats(self) -> None:
        """Call `disable()`, then `snapshot_stats()`."""
        self.disable()
        self.snapshot_stats()

    def snapshot_stats(self) -> None:
        """Set `stats` to everything that was recorded so far; open calls last until now.

        `stats` is a dict like cProfile's. Keys are (file, line, name) of a function. Values are
        (primitive calls, calls, self time, inclusive time, callers), with times in seconds. Callers
        are a dict from the key of the caller to (calls, primitive calls, self time, inclusive
        time).
        """
        if _overrides(self.getstats, _GETSTATS):
            self.stats = _stats_of(self.getstats())
            return
        self._encoded = self._recorder.encode()
        self.stats = self._stats_in(self._encoded)

    def _stats_in(self, encoded: bytes) -> "Stats":
        stats: "Stats" = marshal.loads(encoded)  # Not the call trees behind it.
        if not self._subcalls:
            stats = {label: (*row[:4], {}) for label, row in stats.items()}
        return stats

    def print_stats(self, sort: "Sort" = -1) -> None:
        """Call `create_stats()`, then print a table, sorted as by `pstats.Stats.sort_stats`."""
        import pstats

        keys: "Any" = sort if isinstance(sort, tuple) else (sort,)
        recorded: "Any" = self  # Stats takes any object with create_stats().
        pstats.Stats(recorded).strip_dirs().sort_stats(*keys).print_stats()

    def getstats(self) -> "List[Any]":
        """Return everything that was recorded so far as a list of `_lsprof.profiler_entry`.

        An entry has `code` (the name of a builtin), `callcount`, `reccallcount`, `totaltime`,
        `inlinetime`, and `calls`: None, or a list of `_lsprof.profiler_subentry`, which have the
        same attributes without `calls`. Functions of one file, line and name are one entry.
        """
        from _lsprof import profiler_entry, profiler_subentry

        stats = self._stats_in(self._recorder.encode())
        codes: "Dict[Label, CodeType]" = {
            (code.co_filename, code.co_firstlineno, code.co_name): code
            for code in self._recorder.codes()
        }
        calls: "Dict[Label, List[Any]]" = {}
        for callee, (*_, callers) in stats.items():
            code = codes.get(callee, callee[2])
            for caller, (nc, cc, tt, ct) in callers.items():
                entry = profiler_subentry((code, nc, nc - cc, ct, tt))
                calls.setdefault(caller, []).append(entry)
        return [
            profiler_entry((codes.get(label, label[2]), nc, nc - cc, ct, tt, calls.get(label)))
            for label, (cc, nc, tt, ct, _) in stats.items()
        ]

    def run(self, cmd: "Union[str, CodeType]") -> "Self":
        """Record the execution of `cmd` in the namespace of `__main__`."""
        import __main__

        return self.runctx(cmd, __main__.__dict__, __main__.__dict__)

    def runctx(
        self, cmd: "Union[str, CodeType]", globals: "Dict[str, Any]", locals: "Any"
    ) -> "Self":
        """Record the execution of `cmd` in these namespaces."""
        with self:
            exec(cmd, globals, locals)
        return self

    def runcall(self, func: "Callable[..., Result]", /, *args: "Any", **kw: "Any") -> "Result":
        """Record one call of `func`, and return what it returns."""
        with self:
            return func(*args, **kw)

    def clear(self) -> None:
        """Forget what was recorded. If recording is on, it continues.

        Raises:
            RuntimeError: Another thread is recording.
        """
        depth = self._recorder.stop()
        try:
            self._recorder.close()
            self._recorder = _native.Recorder(**self._options)
        finally:
            for _ in range(depth):
                self._recorder.enable()

    def close(self) -> None:
        """Forget what was recorded, and free its memory.

        Raises:
            RuntimeError: Another thread is recording.
        """
        self._recorder.close()

    def _repr_html_(self) -> str:
        """Return the page of `edbprof view` for what was recorded so far, for notebooks."""
        from . import _page

        return _page.html(self._recorder.encode())

    def _repr_markdown_(self) -> str:
        """Return the functions with the largest self times as a table, for notebooks."""
        from . import _page

        return _page.markdown(self._recorder.encode())

    def __enter__(self) -> "Self":
        # Nests, unless a subclass has methods of its own: those do what cProfile's would.
        if _overrides(self.enable, _ENABLE):
            self.enable()
        else:
            self._recorder.enable()
        return self

    def __exit__(self, *exception: "Any") -> None:
        if _overrides(self.disable, _DISABLE):
            self.disable()
        else:
            self._recorder.disable()


_ENABLE, _DISABLE, _GETSTATS = Profile.enable, Profile.disable, Profile.getstats


def _overrides(method: "Any", original: "Any") -> bool:
    """Return True for a method that is not `original`. Calls nothing that would be recorded."""
    try:
        return method.__func__ is not original
    except AttributeError:
        return True


def label(code: "Union[str, CodeType]") -> "Label":
    """Return the key of `code` in `stats`, like `cProfile.label`. A builtin's code is its name."""
    if isinstance(code, str):
        return "~", 0, code
    return code.co_filename, code.co_firstlineno, code.co_name


def _stats_of(entries: "List[Any]") -> "Stats":
    """Make `stats` of what a subclass's `getstats()` has returned, as cProfile does."""
    callers: "Dict[int, Dict[Label, Tuple[int, int, float, float]]]" = {}
    stats: "Stats" = {}
    for entry in entries:
        callers[id(entry.code)] = {}
        calls = entry.callcount - entry.reccallcount, entry.callcount
        times = entry.inlinetime, entry.totaltime
        stats[label(entry.code)] = (*calls, *times, callers[id(entry.code)])
    for entry in entries:
        caller = label(entry.code)
        for sub in entry.calls or ():
            edges = callers.get(id(sub.code))
            if edges is not None:
                calls = sub.callcount, sub.callcount - sub.reccallcount
                added = (*calls, sub.inlinetime, sub.totaltime)
                before = edges.get(caller, (0, 0, 0.0, 0.0))
                nc, cc, tt, ct = (a + b for a, b in zip(before, added))
                edges[caller] = nc, cc, tt, ct
    return stats


def run(
    statement: "Union[str, CodeType]",
    filename: "Optional[Path]" = None,
    sort: "Sort" = -1,
) -> None:
    """Record the execution of `statement` in the namespace of `__main__`, like `cProfile.run`.

    The result is written to `filename`, or printed as a table if there is none.
    """
    recorded = Profile()
    try:
        recorded.run(statement)
    except SystemExit:
        pass
    finally:
        _show(recorded, filename, sort)


def _show(recorded: Profile, filename: "Optional[Path]", sort: "Sort") -> None:
    if filename is not None:
        recorded.dump_stats(filename)
    else:
        recorded.print_stats(sort)


def runctx(
    statement: "Union[str, CodeType]",
    globals: "Dict[str, Any]",
    locals: "Any",
    filename: "Optional[Path]" = None,
    sort: "Sort" = -1,
) -> None:
    """Record the execution of `statement` in these namespaces, like `cProfile.runctx`.

    The result is written or printed as by `run`.
    """
    recorded = Profile()
    try:
        recorded.runctx(statement, globals, locals)
    except SystemExit:
        pass
    finally:
        _show(recorded, filename, sort)
