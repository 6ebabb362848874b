"""Requests as WSGI and Django describe them, in a dict of CGI's variables."""

from .rules import NAME

TYPE_CHECKING = False  # see ../_decorator.py
if TYPE_CHECKING:
    from typing import Any, Dict, Tuple

    from .requests import Requests

_HEADER = "HTTP_X_EDBPROF_TOKEN"
# Addresses as they were sent, which servers log, and that of the page before.
_URLS = ("RAW_URI", "REQUEST_URI", "HTTP_REFERER")


def take_token(requests: "Requests", environ: "Dict[str, Any]") -> "Tuple[bool, bool]":
    """Return (the request has the token, it has the token in its query).

    The token is removed, so that no page or log of the program shows it.
    """
    token = requests.token
    if not token.is_set:
        return False, False
    in_header = in_query = False
    if _HEADER in environ and token.is_in(environ[_HEADER]):
        del environ[_HEADER]
        in_header = True
    query = environ.get("QUERY_STRING", "")
    if NAME in query:
        in_query, environ["QUERY_STRING"] = token.take_from_query(query)
    for name in _URLS:
        url = environ.get(name)
        if url and NAME in url:
            environ[name] = token.take_from_url(url)
    return in_header or in_query, in_query
