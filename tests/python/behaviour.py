"""What can be seen of a call, so that two calls can be compared."""

from __future__ import annotations

import gc
import sys
import warnings


def observe(action):
    """What comes of a call, so that it can be compared."""
    unraisable = []
    gc.collect()  # What earlier ones left behind is not this one's.
    hook_before = sys.unraisablehook
    sys.unraisablehook = lambda told: unraisable.append((told.exc_type, str(told.exc_value)))
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                outcome = ("returned", action())
            except BaseException as error:
                outcome = ("raised", type(error), error.args, chain(error))
            gc.collect()
    finally:
        sys.unraisablehook = hook_before
    return outcome + (unraisable,), [(w.category, str(w.message)) for w in caught]


def chain(error):
    """The exceptions behind one, by cause and context."""
    links = []
    while error is not None:
        links.append((type(error), str(error), error.__suppress_context__))
        error = error.__cause__ or error.__context__
    return links


def swallow(kind, function, *arguments):
    try:
        return function(*arguments)
    except kind as error:
        return type(error).__name__


def stop_value(generator, step):
    try:
        return step(generator)
    except StopIteration as stop:
        return "stop", stop.value, stop.args
