"""The settings of a middleware, and the recording of one request."""

import sys
import time
from urllib.parse import quote

from .. import _choice, _native
from .rules import Rules, Token
from .store import About, Store, new_id

TYPE_CHECKING = False  # see ../_decorator.py
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Sequence, TypeVar, Union

    from .._choice import Patterns

    F = TypeVar("F", bound=Callable[..., Any])

# Each node takes 64 bytes once it is used; a request has some thousands.
_MAX_NODES = 1 << 18


class Requests:
    """Options of a middleware. Nothing is recorded without one of the first four.

    Args:
        token_from: Name of the environment variable that holds the token. A request with the token
            is recorded whatever the other rules say. Its answer names the page of its profile, and
            such requests may read these pages. The token is in the header `X-Edbprof-Token` or in
            the query, `?edbprof=TOKEN`.
        every: If n, each n-th request in each process is recorded.
        path: Pattern of the paths of requests to record, such as `"/api/*"`, or several.
        slower_than: Seconds that a request has to take for its recording to be kept.
        store: Directory of the recordings. By default, each user has one in the temporary
            directory.
        max_bytes: Bytes that the recordings may take together. The oldest are removed.
        pages: Path below which requests with the token find the recordings.
        record: Patterns of the functions to record, as for `Profile`.
        no_record: Patterns of the functions to leave out, as for `Profile`.
        builtins: If true, functions written in C are recorded.
        waiting: If true, the time in which a thread is on no processor is told apart.

    Raises:
        ValueError: An option makes no sense, or the token has fewer than 16 characters.
    """

    def __init__(
        self,
        *,
        token_from: str = "",
        every: int = 0,
        path: "Union[str, Sequence[str]]" = (),
        slower_than: "Optional[float]" = None,
        store: "Optional[str]" = None,
        max_bytes: int = 64 << 20,
        pages: str = "/edbprof/",
        record: "Patterns" = (),
        no_record: "Patterns" = (),
        builtins: bool = True,
        waiting: bool = True,
    ) -> None:
        if not (pages.startswith("/") and pages.endswith("/") and len(pages) > 1):
            raise ValueError("pages must be a path such as '/edbprof/'")
        self.token = Token(token_from)
        self.rules = Rules(every, path, slower_than)
        self.store = Store(store, max_bytes)
        self.pages = pages
        self._options: "dict[str, Any]" = {
            "live_dir": "",
            "max_nodes": _MAX_NODES,
            "builtins": builtins,
            "waiting": waiting,
            **_choice.options(record, no_record),
        }
        self._has_failed = False

    @property
    def are_off(self) -> bool:
        """True if no rule was given, so that nothing is ever recorded."""
        return not (self.token.is_set or self.rules.are_given)

    def begin(self, method: str, path: str, root: str, is_asked: bool) -> "Recording":
        """Record a request to the application at the path `root`; `is_asked`: it has the token."""
        recorder = _native.Recorder(**self._options)
        return Recording(self, recorder, method, path, root, is_asked)

    def keep(self, recording: "Recording", seconds: float) -> None:
        """Store a recording. A failure is printed once, and the request continues."""
        status = int(recording.status.split(None, 1)[0])
        about = About(recording.time, recording.method, recording.path, status, seconds)
        try:
            is_kept = self.store.put(recording.id, recording.recorder.encode(), about)
            reason: "Optional[object]" = None if is_kept else "it is larger than max_bytes"
        except Exception as error:
            reason = error
        if reason is not None and not self._has_failed and sys.stderr is not None:
            self._has_failed = True
            print(f"edbprof: cannot keep the recording of a request: {reason}", file=sys.stderr)


class Recording:
    """Recording of one request, only in calls of functions that `decorate` has returned."""

    def __init__(
        self,
        requests: Requests,
        recorder: "_native.Recorder",
        method: str,
        path: str,
        root: str,
        is_asked: bool,
    ) -> None:
        self._requests = requests
        self.recorder = recorder
        self.id = new_id()
        #: The value of a header `Server-Timing` that names the page of the profile.
        self.timing = f'edbprof;desc="{quote(root)}{requests.pages}{self.id}"'
        self.method = method
        self.path = path
        self.is_asked = is_asked
        #: The status of the answer; 0 if the request has failed before.
        self.status = "0"
        self.time = time.time()
        self._began = time.perf_counter()
        self.is_over = False

    def decorate(self, function: "F") -> "F":
        """Return the function, recorded while it runs, without other tasks, greenlets, threads."""
        return _native.Decorated(function, self.recorder)  # type: ignore[return-value]

    def finish(self) -> None:
        """Keep the recording if the rules say so, and free it."""
        if self.is_over:
            return
        self.is_over = True
        seconds = time.perf_counter() - self._began
        if self.is_asked or self._requests.rules.keep(seconds):
            self._requests.keep(self, seconds)
        self.recorder.abandon()
        try:
            self.recorder.close()
        except RuntimeError:
            pass  # A thread that the request has started still records.
