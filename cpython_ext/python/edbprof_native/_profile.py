"""The class `Profile`: recording between two points of a program."""

from __future__ import annotations

from . import _native, _process

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    import os
    from typing import Any, Callable


class Profile:
    """Record the calls that a thread makes between `enable()` and `disable()`.

        with Profile() as recorded:
            work()
        recorded.save("work.prof")

    Any number may exist and be enabled at once, nested or in several threads; each has
    its complete data. Call trees are kept exactly, so callers and subcalls are always
    known, whatever `subcalls` says.

    timer: a function that returns the time, in seconds as a float or in units as an
        int; for example `time.process_time`. Slow: the recorder's own clocks are not.
    timeunit: seconds in a unit of an integer timer.
    builtins: whether functions written in C are recorded.
    hook: how calls are seen: 'monitoring' (`sys.monitoring`, Python 3.12 and later, where
        the tool id 3 or 4 is free) is the faster, 'setprofile' always works, 'auto' is the
        best that there is. All give the same. Raises ValueError.
    clock: 'wall', or 'cpu' for the CPU time of each thread; without `timer`.
    live_dir: where the live file lies, which has all that was recorded if the process is
        killed: the temporary directory by default, where `edbprof` finds it. It is made
        at the first recorded call and goes with the `Profile`, at the latest at exit.
        That costs a fraction of a millisecond; '' does without, for a `Profile` that
        lives as short as a request.
    threads: whether threads that a recording thread starts are recorded too, from the
        start of their `run()` to its end, and so are those that they start. It holds for
        what is started by way of `threading`: pools, timers; not for `_thread`.
    max_nodes: how many ways of being called are told apart, between 64 and 134,217,727;
        each takes 64 to 80 bytes. Calls in further ones are folded: they count under
        their functions, with the time that was theirs alone, and reports say how many
        there were. Raises ValueError.
    """

    def __init__(
        self,
        timer: Callable[[], float] | None = None,
        timeunit: float = 0.0,
        subcalls: bool = True,
        builtins: bool = True,
        *,
        hook: str = "auto",
        clock: str = "wall",
        live_dir: str | os.PathLike[str] | None = None,
        threads: bool = False,
        max_nodes: int = 4_194_304,
    ) -> None:
        if timer is not None and not callable(timer):
            raise TypeError("timer must be callable")
        from . import _calibration  # noqa: F401  lets recorders measure what they cost
        from . import tracing_singledispatch  # noqa: F401  lets recorders know generic functions

        self._recorder = _native.Recorder(
            timer=timer,
            timeunit=timeunit,
            builtins=builtins,
            clock=clock,
            hook=hook,
            live_dir=_process.temporary_directory() if live_dir is None else live_dir,
            threads=threads,
            max_nodes=max_nodes,
        )

    def enable(self) -> None:
        """Record in the calling thread from now on."""
        self._recorder.enable()

    def disable(self) -> None:
        """Record in the calling thread no longer; what was recorded is kept."""
        self._recorder.stop()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what was recorded so far to exactly `path`, a `.prof` file.

        Raises OSError.
        """
        self._recorder.save(path)

    def close(self) -> None:
        """Forget what was recorded and free its memory.

        Raises RuntimeError while another thread records.
        """
        self._recorder.close()

    def __enter__(self) -> Profile:
        self._recorder.enable()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._recorder.disable()
