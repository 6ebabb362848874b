"""Records requests of an ASGI application, each on its own:

    from edbprof_native.asgi import Middleware

    application = Middleware(application, token_from="EDBPROF_TOKEN")

Nothing is recorded until a rule is given; see `Middleware`.
"""

from ._web import followed
from ._web.environ import take_token
from ._web.requests import Requests

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from typing import Any, Awaitable, Callable, Dict, MutableMapping, Optional

    from ._web.pages import Answer
    from ._web.requests import Recording

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Scope]]
    Send = Callable[[Scope], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["Middleware"]

_TOKEN = b"x-edbprof-token"
# Headers that may hold a token, and their names in CGI.
_HEADERS = {_TOKEN: "HTTP_X_EDBPROF_TOKEN", b"referer": "HTTP_REFERER", b"cookie": "HTTP_COOKIE"}


class Middleware:
    """An application that answers as `app` does, and records HTTP requests.

    The tasks of asyncio and the calls in worker threads that a recorded request makes are
    recorded, too. Web sockets are not. The options are those of `Requests` in `_web/requests.py`.
    """

    def __init__(self, app: "Application", **options: "Any") -> None:
        self._app = app
        requests = Requests(**options)
        self._requests: "Optional[Requests]" = None if requests.are_off else requests

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        requests = self._requests
        if requests is None or scope["type"] != "http":
            return await self._app(scope, receive, send)
        is_asked = False
        if requests.token.is_set:
            environ = _environ(scope)
            referer = environ.get("HTTP_REFERER")
            is_asked, in_query = take_token(requests, environ)
            if is_asked or environ.get("HTTP_REFERER") != referer:
                _hide_token(scope, environ)
            if environ["PATH_INFO"].startswith(requests.pages):
                from ._web import pages

                answer = await followed.in_thread(
                    pages.answer, requests, environ, is_asked, in_query
                )
                if answer is not None:
                    return await _send(answer, send)
        path = scope["path"]
        if not is_asked and not requests.rules.choose(path):
            return await self._app(scope, receive, send)
        root = scope.get("root_path", "")
        recording = requests.begin(scope.get("method", ""), path, root, is_asked)
        await _recorded(recording, self._app, scope, receive, send)


async def _recorded(
    recording: "Recording", app: "Application", scope: "Scope", receive: "Receive", send: "Send"
) -> None:
    async def send_noted(message: "Scope") -> None:
        if message["type"] == "http.response.start":
            recording.status = f"{message['status']}"
            if recording.is_asked:
                timing = (b"server-timing", recording.timing.encode())
                headers = [*message["headers"], timing] if "headers" in message else [timing]
                message = {**message, "headers": headers}
        await send(message)

    async def request() -> None:
        await app(scope, receive, send_noted)

    with followed.following(recording):
        try:
            await recording.decorate(request)()
        finally:
            recording.finish()


def _environ(scope: "Scope") -> "Dict[str, Any]":
    """Return the facts for the rules, by the names of WSGI."""
    root: str = scope.get("root_path", "")
    path: str = scope["path"]
    environ: "Dict[str, Any]" = {
        "REQUEST_METHOD": scope.get("method", ""),
        "SCRIPT_NAME": root,
        # Servers differ: the path has the root in front since version 2.4 of ASGI's HTTP.
        "PATH_INFO": path[len(root) :] if root and path.startswith(root) else path,
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "wsgi.url_scheme": scope.get("scheme", "http"),
    }
    for name, value in scope["headers"]:
        if name in _HEADERS:
            environ[_HEADERS[name]] = value.decode("latin-1")
    return environ


def _hide_token(scope: "Scope", environ: "Dict[str, Any]") -> None:
    """Remove the token from the scope itself, because servers log the scope after the request."""
    scope["query_string"] = environ["QUERY_STRING"].encode("latin-1")
    scope["headers"] = [
        (name, environ["HTTP_REFERER"].encode("latin-1") if name == b"referer" else value)
        for name, value in scope["headers"]
        if name != _TOKEN or _HEADERS[_TOKEN] in environ
    ]


async def _send(answer: "Answer", send: "Send") -> None:
    status = int(answer.status.split(None, 1)[0])
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
