"""The class `Profile`: recording between two points of a program.

It has the interface of `cProfile.Profile`, and `run` and `runctx` are as those of cProfile.
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

    It has the interface of `cProfile.Profile`, so `pstats.Stats(recorded)` works, and so do
    subclasses: their methods are called where cProfile would. Any number
    may exist and be enabled at once, nested or in several threads; each has its complete
    data.

    timer: a function that returns the time, in seconds as a float or in units as an
        int; for example `time.process_time`. Slow: the recorder's own clocks are not.
    timeunit: seconds in a unit of an integer timer.
    subcalls: whether `stats` and `getstats()` say who called whom. Files always do.
    builtins: whether functions written in C are recorded. Without them recording costs
        about half as much from Python 3.13 on.
    hook: how calls are seen: 'monitoring' (`sys.monitoring`, Python 3.12 and later, where
        the tool id 4, 3 or 5 is free) is the faster, 'setprofile' always works, 'auto' is the
        best that there is. All give the same. Raises ValueError.
    clock: 'wall', or 'cpu' for the CPU time of each thread; without `timer`.
    live_dir: where the live file lies, which has all that was recorded if the process is
        killed: the temporary directory by default, where `edbprof` finds it. It is made
        at the first recorded call and goes with the `Profile`, at the latest at exit.
        That costs a fraction of a millisecond; '' does without, for a `Profile` that
        lives as short as a request.
    threads: whether threads that a recording thread starts are recorded too, from the
        start of their `run()` to its end, and so are those that they start. Those of
        `_thread` are recorded until they end, and those that C code makes meanwhile for as
        long as a thread that is none of these is recorded: up to 3.11 once they are noticed.
    max_nodes: how many ways of being called are told apart, between 64 and 134,217,727;
        each takes 64 to 80 bytes. Calls in further ones overflow: they count under
        their functions, with the time that was theirs alone, and reports say how many
        there were. Raises ValueError.
    waiting: whether the time in which a thread was on no processor is told apart: blocked,
        waiting for the interpreter's lock, or preempted. Only with clock='wall' and without
        `timer`.
    timeline: whether every event is kept with its time, in as many bytes; True: 256 MiB. An
        event takes 8 bytes; once there is no room for more, the latest ones take the place of
        the oldest. They lie beside the live file, or in memory without one, and `save()` writes
        them to `path` with `.timeline` behind it.
    record, no_record: patterns of the Python functions to record and of those to leave out,
        one or any number: `"json.*"`, `["parse.py:*", "Parser.feed"]`, as in `edbprof --include`.
        "mine" stands for the functions that are neither in the standard library nor in an
        installed package. The time of other functions is their callers'; C functions are
        recorded where a recorded function calls them. From Python 3.12 on, other functions
        cost nothing after their first call. Raises ValueError.
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
    ) -> None:
        if timer is not None and not callable(timer):
            raise TypeError("timer must be callable")
        if "_recorder" in self.__dict__:
            self._recorder.stop()  # Raises in a timer.
            self._recorder.abandon()  # Made anew: nobody could switch it off any more.
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
        """Record in the calling thread from now on; doing so again changes nothing.

        subcalls, builtins: as for `Profile()` from now on; None leaves them as they are.
        """
        if subcalls is not None:
            self._subcalls = subcalls
        if builtins is not None:
            self._recorder.builtins = self._options["builtins"] = builtins
        self._recorder.enable()

    def disable(self) -> None:
        """Record in the calling thread no longer; what was recorded is kept."""
        self._recorder.stop()

    def save(self, path: "Path") -> None:
        """Write what was recorded so far to exactly `path`, a `.prof` file.

        Raises OSError.
        """
        self._recorder.save(path)

    def dump_stats(self, file: "Path") -> None:
        """`create_stats()`, and write what `save()` writes, but to `open(file, "wb")`, as
        cProfile does; `save()` replaces a file when the new one is whole. Where a subclass has
        made other `stats`, they are written alone.

        Raises OSError.
        """
        with open(file, "wb") as opened:
            self.create_stats()
            encoded, self._encoded = self._encoded, None
            is_ours = encoded is not None and self._stats_in(encoded) == self.stats
            opened.write(encoded if encoded and is_ours else marshal.dumps(self.stats))

    def create_stats(self) -> None:
        """`disable()` and `snapshot_stats()`."""
        self.disable()
        self.snapshot_stats()

    def snapshot_stats(self) -> None:
        """Set `stats` to what was recorded so far, open calls with their time until now.

        It is a dict as cProfile's: from (file, line, name) of a function to (primitive
        calls, calls, self time, inclusive time, callers), times in seconds; callers from
        the same of a caller to (calls, primitive calls, self time, inclusive time).
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
        """Print `create_stats()` as a table, sorted as `pstats.Stats.sort_stats` does."""
        import pstats

        keys: "Any" = sort if isinstance(sort, tuple) else (sort,)
        recorded: "Any" = self  # Stats takes any object with create_stats().
        pstats.Stats(recorded).strip_dirs().sort_stats(*keys).print_stats()

    def getstats(self) -> "List[Any]":
        """What was recorded so far, as a list of `_lsprof.profiler_entry`: code (a builtin's
        is its name), callcount, reccallcount, totaltime, inlinetime, calls (None, or a list
        of `_lsprof.profiler_subentry` with the same attributes but calls).

        Functions of the same file, line and name are one entry.
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
        """Forget what was recorded; where recording is on it goes on.

        Raises RuntimeError while another thread records.
        """
        depth = self._recorder.stop()
        try:
            self._recorder.close()
            self._recorder = _native.Recorder(**self._options)
        finally:
            for _ in range(depth):
                self._recorder.enable()

    def close(self) -> None:
        """Forget what was recorded and free its memory.

        Raises RuntimeError while another thread records.
        """
        self._recorder.close()

    def __enter__(self) -> "Self":
        # Nests, where a subclass has no methods of its own: those do what cProfile's would.
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
    """Return True for a method that is not `original`. Calls nothing, since that is recorded."""
    try:
        return method.__func__ is not original
    except AttributeError:
        return True


def label(code: "Union[str, CodeType]") -> "Label":
    """Return what stands for `code` in `stats`; a builtin's is its name. As `cProfile.label`."""
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
    """Record the execution of `statement` in the namespace of `__main__`, then write it to
    `filename`, or print a table without one. As `cProfile.run`.
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
    """As `run`, in these namespaces. As `cProfile.runctx`."""
    recorded = Profile()
    try:
        recorded.runctx(statement, globals, locals)
    except SystemExit:
        pass
    finally:
        _show(recorded, filename, sort)
