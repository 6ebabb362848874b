"""The exception that ends this process, for the summary of `edbprof run`.

Imported when the process ends by an exception, so the program no longer runs.
"""

import os
import sys

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Iterator, Optional

#: Frames that are kept, of the beginning and of the end.
_FIRST, _LAST = 2, 8


def note(directory: str) -> None:
    """Write the traceback to `exception_PID` in `directory`. Failures are ignored."""
    try:
        text = "\n".join(_lines(sys.last_value, sys.last_traceback))
        path = os.path.join(directory, f"exception_{os.getpid()}")
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text + "\n")
    except Exception:
        pass


def _lines(
    error: "Optional[BaseException]", traceback: "Optional[TracebackType]"
) -> "Iterator[str]":
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        place = f'  File "{code.co_filename}", line {traceback.tb_lineno}'
        frames.append(f"{place}, in {code.co_name}")
        traceback = traceback.tb_next
    yield "Traceback (most recent call last):"
    hidden = len(frames) - _FIRST - _LAST
    if hidden > 1:
        frames[_FIRST:-_LAST] = [f"  ... {hidden} frames"]
    yield from frames
    yield _description(error)


def _description(error: "Optional[BaseException]") -> str:
    """Return type and message, but no message that code of the program would have to make."""
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    slot_wrapper = type(object.__str__)
    has_own_text = type(kind.__str__) is not slot_wrapper
    is_plain = all(type(part) in (str, int, type(None)) for part in getattr(error, "args", ()))
    if has_own_text or not is_plain:
        return name
    text = str(error)
    return f"{name}: {text}" if text else name
