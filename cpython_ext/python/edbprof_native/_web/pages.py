"""Pages for those who have the token: a list of the recorded requests, and their profiles."""

import html
import time
from typing import NamedTuple
from urllib.parse import quote

from .. import _page
from .rules import NAME
from .store import is_id

TYPE_CHECKING = False  # see ../_decorator.py
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from .requests import Requests
    from .store import About


class Answer(NamedTuple):
    status: str
    headers: "list[tuple[str, str]]"
    body: bytes


_HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
# The page has a policy of its own; this one takes the rights of the program's pages from it.
_PROFILE_POLICY = "sandbox allow-scripts; frame-ancestors 'none'"

_LIST = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Recorded requests</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }}
body {{ margin: 2rem }} table {{ border-collapse: collapse }}
td, th {{ padding: .2rem 1rem .2rem 0; text-align: left }} .number {{ text-align: right }}
</style>
<h1>Recorded requests</h1>
{content}
"""


def answer(
    requests: "Requests", environ: "Dict[str, Any]", is_allowed: bool, in_query: bool
) -> "Optional[Answer]":
    """Return the page that a request asks for and may read; None for the program's own answer.

    is_allowed: the request has the token. in_query: it had the token in its query.
    """
    path: str = environ.get("PATH_INFO", "")
    if not path.startswith(requests.pages) or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return None
    id = path[len(requests.pages) :]
    if not (is_allowed or requests.token.has_session(environ.get("HTTP_COOKIE", ""))):
        return None
    if id and not is_id(id):
        return None
    if in_query:
        return _session(requests, environ, id)
    made = _list(requests) if not id else _profile(requests, id)
    return made._replace(body=b"") if made and environ["REQUEST_METHOD"] == "HEAD" else made


def _session(requests: "Requests", environ: "Dict[str, Any]", id: str) -> Answer:
    """Send a browser to the same page without the token, instead of which it gets a cookie."""
    root = quote(environ.get("SCRIPT_NAME", "")) + requests.pages
    secure = "; Secure" if environ.get("wsgi.url_scheme") == "https" else ""
    session = requests.token.new_session()
    headers = [
        ("Location", root + id),
        ("Set-Cookie", f"{NAME}={session}; HttpOnly; SameSite=Strict; Path={root}{secure}"),
        ("Content-Length", "0"),
        *_HEADERS,
    ]
    return Answer("303 See Other", headers, b"")


def _list(requests: "Requests") -> Answer:
    return _answer("200 OK", _LIST.format(content=_table(requests.store.list())).encode())


def _profile(requests: "Requests", id: str) -> "Optional[Answer]":
    encoded = requests.store.get(id)
    if encoded is None:
        return None
    try:
        return _answer("200 OK", _page.render(encoded), _PROFILE_POLICY)
    except OSError as error:
        text = f"<p>The page cannot be made: {html.escape(str(error))}</p>"
        return _answer("500 Internal Server Error", _LIST.format(content=text).encode())


def _answer(status: str, body: bytes, policy: str = _POLICY) -> Answer:
    own = [("Content-Security-Policy", policy), ("Content-Length", str(len(body)))]
    return Answer(status, [*_HEADERS, *own], body)


def _table(found: "List[Tuple[str, About]]") -> str:
    if not found:
        return "<p>No request has been recorded yet.</p>"
    rows = "\n".join(_row(id, about) for id, about in found)
    head = "<tr><th>time<th>request<th class=number>status<th class=number>time taken"
    return f"<table>{head}\n{rows}\n</table>"


def _row(id: str, about: "About") -> str:
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(about.time))
    request = html.escape(f"{about.method} {about.path}")
    return (
        f'<tr><td>{at}<td><a href="{id}">{request}</a>'
        f"<td class=number>{about.status or 'failed'}"
        f"<td class=number>{about.seconds * 1e3:,.1f} ms"
    )
