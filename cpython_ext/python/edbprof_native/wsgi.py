"""Records requests of a WSGI application, each on its own:

    from edbprof_native.wsgi import Middleware

    application = Middleware(application, token_from="EDBPROF_TOKEN")

Nothing is recorded until a rule is given; see `Middleware`.
"""

from ._web.environ import take_token
from ._web.requests import Requests

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

    from ._web.requests import Recording

    Environ = Dict[str, Any]
    Headers = List[Tuple[str, str]]
    StartResponse = Callable[..., Any]
    Application = Callable[[Environ, StartResponse], Iterable[bytes]]

__all__ = ["Middleware"]


class Middleware:
    """An application that answers as `app` does, and records requests.

    The options are those of `Requests` in `_web/requests.py`.
    """

    def __init__(self, app: "Application", **options: "Any") -> None:
        self._app = app
        requests = Requests(**options)
        self._requests: "Optional[Requests]" = None if requests.are_off else requests

    def __call__(self, environ: "Environ", start_response: "StartResponse") -> "Iterable[bytes]":
        requests = self._requests
        if requests is None:
            return self._app(environ, start_response)
        is_asked, in_query = take_token(requests, environ)
        root, below = _text(environ.get("SCRIPT_NAME", "")), _text(environ.get("PATH_INFO", ""))
        if below.startswith(requests.pages):
            from ._web import pages

            answer = pages.answer(requests, environ, is_asked, in_query)
            if answer is not None:
                start_response(answer.status, answer.headers)
                return [answer.body]
        if not is_asked and not requests.rules.choose(root + below):
            return self._app(environ, start_response)
        method = environ.get("REQUEST_METHOD", "")
        recording = requests.begin(method, root + below, root, is_asked)
        return _recorded(recording, self._app, environ, start_response)


def _text(path: str) -> str:
    """Return a path as its text: WSGI has each of its bytes as a character."""
    return path if path.isascii() else path.encode("latin-1").decode(errors="replace")


def _recorded(
    recording: "Recording", app: "Application", environ: "Environ", start_response: "StartResponse"
) -> "Iterable[bytes]":
    # Calls of C functions here would be recorded as the application's.
    def start(status: str, headers: "Headers", *error: "Any") -> "Any":
        recording.status = status
        if recording.is_asked:
            headers = [*headers, ("Server-Timing", recording.timing)]
        return start_response(status, headers, *error)

    try:
        body = recording.decorate(app)(environ, start)
    except BaseException:
        recording.finish()
        raise
    # Servers look at the lengths of these, or hand a file to the kernel.
    wrapper = environ.get("wsgi.file_wrapper")
    if type(body) in (list, tuple) or (isinstance(wrapper, type) and isinstance(body, wrapper)):
        recording.finish()
        return body
    return _Body(body, recording)


class _Body:
    """The body of an answer, recorded while the server asks for its parts and closes it."""

    def __init__(self, body: "Iterable[bytes]", recording: "Recording") -> None:
        self._body = body
        self._recording = recording
        self._next: "Optional[Callable[[Iterator[bytes]], bytes]]" = None
        self._parts: "Any" = None

    def __iter__(self) -> "Iterator[bytes]":
        return self

    def __next__(self) -> bytes:
        if self._next is None:
            self._parts = self._recording.decorate(iter)(self._body)
            self._next = self._recording.decorate(next)
        return self._next(self._parts)

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                self._recording.decorate(close)()
        finally:
            self._recording.finish()
