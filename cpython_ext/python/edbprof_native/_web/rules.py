"""Rules that choose the requests to record, and the token that allows more."""

import fnmatch
import hashlib
import hmac
import itertools
import os
import re
import time
from urllib.parse import unquote_plus

TYPE_CHECKING = False  # see ../_decorator.py
if TYPE_CHECKING:
    from typing import Optional, Sequence, Tuple, Union

#: The query parameter and the cookie that hold a token; the header is `X-Edbprof-Token`.
NAME = "edbprof"

_FEWEST_CHARACTERS = 16
_SESSION_SECONDS = 12 * 3600


class Token:
    """A secret from the environment, kept as its hash."""

    def __init__(self, variable: str) -> None:
        secret = os.environ.get(variable, "")
        if 0 < len(secret) < _FEWEST_CHARACTERS:
            raise ValueError(
                f"the token in {variable} has fewer than {_FEWEST_CHARACTERS} characters: "
                "make one with `python -c 'import secrets; print(secrets.token_urlsafe())'`"
            )
        #: None if the variable is unset or empty, so that nothing is the token.
        self._hash = hashlib.sha256(secret.encode(errors="surrogateescape")).digest()
        self.is_set = bool(secret)

    def is_in(self, given: str) -> bool:
        """Return true for the token itself, in a time that depends on neither text."""
        hashed = hashlib.sha256(given.encode(errors="surrogateescape")).digest()
        return hmac.compare_digest(hashed, self._hash) and self.is_set

    def new_session(self) -> str:
        """Return a value for a cookie that replaces the token for some hours."""
        until = str(int(time.time()) + _SESSION_SECONDS)
        return f"{until}.{self._sign(until)}"

    def has_session(self, cookies: str) -> bool:
        """Return true if a header `Cookie` has a session that is not over."""
        for cookie in cookies.split(";"):
            name, _, value = cookie.strip().partition("=")
            until, _, signature = value.partition(".")
            if name == NAME and hmac.compare_digest(
                signature.encode(errors="replace"), self._sign(until).encode()
            ):
                return self.is_set and until.isdecimal() and time.time() < int(until)
        return False

    def _sign(self, until: str) -> str:
        message = b"edbprof session " + until.encode(errors="replace")
        return hmac.new(self._hash, message, hashlib.sha256).hexdigest()

    def take_from_query(self, query: str) -> "Tuple[bool, str]":
        """Return (the query has the token, the query without it)."""
        if f"{NAME}=" not in query:
            return False, query
        rest = [part for part in query.split("&") if not self._is_parameter(part)]
        text = "&".join(rest)
        return text != query, text

    def take_from_url(self, url: str) -> str:
        """Return the address without the token in its query."""
        before, question, query = url.partition("?")
        is_there, rest = self.take_from_query(query)
        return before + question + rest if rest or not is_there else before

    def _is_parameter(self, part: str) -> bool:
        name, _, value = part.partition("=")
        return name == NAME and self.is_in(unquote_plus(value))


class Rules:
    """Rules that are not about the token: all that are given have to hold."""

    def __init__(
        self, every: int, path: "Union[str, Sequence[str]]", slower_than: "Optional[float]"
    ) -> None:
        if not isinstance(every, int) or every < 0:
            raise ValueError("every must be a number of requests, or 0")
        if slower_than is not None and slower_than < 0:
            raise ValueError("slower_than must not be negative")
        patterns = [path] if isinstance(path, str) else list(path)
        self._path = re.compile("|".join(map(fnmatch.translate, patterns))) if patterns else None
        self._every = every
        self._count = itertools.count(1)
        self.slower_than = slower_than
        self.are_given = bool(every or patterns or slower_than is not None)

    def choose(self, path: str) -> bool:
        """Return true if a request for `path` is to be recorded. Counts those of the path."""
        if not self.are_given or (self._path is not None and not self._path.match(path)):
            return False
        return self._every <= 1 or next(self._count) % self._every == 0

    def keep(self, seconds: float) -> bool:
        """Return true if a chosen request that took so long is to be kept."""
        return self.slower_than is None or seconds >= self.slower_than
