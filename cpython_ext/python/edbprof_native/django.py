"""Records requests of Django, each on its own, by a middleware or in the debug toolbar:

    MIDDLEWARE = ["edbprof_native.django.Middleware", ...]
    EDBPROF = {"token_from": "EDBPROF_TOKEN"}

    DEBUG_TOOLBAR_PANELS = ["edbprof_native.django.Panel", ...]

`EDBPROF` has the options of `edbprof_native.wsgi.Middleware`. Without a rule in it, Django leaves
the middleware out. The body of a streamed answer is not recorded: `edbprof_native.wsgi` and `.asgi`
do that.
"""

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse

from ._web import followed
from ._web.environ import take_token
from ._web.requests import Requests

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from ._web.pages import Answer
    from ._web.requests import Recording
    from ._web.toolbar import Panel as Panel

__all__ = ["Middleware", "Panel"]


def __getattr__(name: str) -> object:
    if name == "Panel":
        from ._web.toolbar import Panel

        return Panel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Middleware:
    """A middleware for `MIDDLEWARE`, best as the first: it records those that follow, too."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: "Callable[[Any], Any]") -> None:
        self._requests = Requests(**getattr(settings, "EDBPROF", {}))
        if self._requests.are_off:
            raise MiddlewareNotUsed("edbprof: no rule is given in EDBPROF")
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: "Any") -> "Any":
        is_asked, in_query = take_token(self._requests, request.META)
        if self._is_async:
            return self._answer_async(request, is_asked, in_query)
        response = self._page(request, is_asked, in_query)
        if response is not None:
            return response
        recording = self._begin(request, is_asked)
        if recording is None:
            return self._get_response(request)
        try:
            response = recording.decorate(self._get_response)(request)
            _note(recording, response)
        finally:
            recording.finish()
        return response

    async def _answer_async(self, request: "Any", is_asked: bool, in_query: bool) -> "Any":
        if in_query and hasattr(request, "scope"):
            # The server logs the query from there.
            request.scope["query_string"] = request.META["QUERY_STRING"].encode("latin-1")
        response = await followed.in_thread(self._page, request, is_asked, in_query)
        if response is not None:
            return response
        recording = self._begin(request, is_asked)
        if recording is None:
            return await self._get_response(request)

        async def answer() -> "Any":
            return await self._get_response(request)

        with followed.following(recording):
            try:
                response = await recording.decorate(answer)()
                _note(recording, response)
            finally:
                recording.finish()
        return response

    def _page(self, request: "Any", is_asked: bool, in_query: bool) -> "Any":
        """Return the page that the request may read, as a response, or None."""
        if not request.path_info.startswith(self._requests.pages):
            return None
        from ._web import pages

        variables = {
            **request.META,
            "PATH_INFO": request.path_info,
            "REQUEST_METHOD": request.method,
            "wsgi.url_scheme": request.scheme,
        }
        answer = pages.answer(self._requests, variables, is_asked, in_query)
        return None if answer is None else _response(answer)

    def _begin(self, request: "Any", is_asked: bool) -> "Optional[Recording]":
        if not is_asked and not self._requests.rules.choose(request.path):
            return None
        root = request.META.get("SCRIPT_NAME", "")
        return self._requests.begin(request.method, request.path, root, is_asked)


def _note(recording: "Recording", response: "Any") -> None:
    recording.status = str(response.status_code)
    if recording.is_asked:
        given = response.headers.get("Server-Timing")
        values = [given, recording.timing] if given else [recording.timing]
        response.headers["Server-Timing"] = ", ".join(values)


def _response(answer: "Answer") -> "Any":
    response = HttpResponse(answer.body, status=int(answer.status.split(None, 1)[0]))
    for name, value in answer.headers:
        if name == "Set-Cookie":
            response.cookies.load(value)
        else:
            response.headers[name] = value
    return response
