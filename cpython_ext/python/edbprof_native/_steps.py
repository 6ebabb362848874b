"""Drivers: what callers of decorated generator and coroutine functions get.

Each driver is of the same kind as the object that it drives, so that event loops, `inspect` and
`isinstance` see what they saw before. `steps` (a `_native.Steps`) runs the real one and records
during each step.

A GeneratorExit from outside is passed on to the real one. Only that knows if it continues, returns
something (which close() returns from 3.13 on) or ends. `yield from` and `await` alone would close
it and forget the outcome.
"""

from . import _native

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from typing import Any


def _generator(steps: "Any") -> "Any":
    while True:
        try:
            return (yield from steps)
        except GeneratorExit as error:
            if steps.over:
                raise
            steps.throw_next(error)


# Flag that types.coroutine() sets in the code of a function.
_CO_ITERABLE_COROUTINE = 0x100
_iterable_coroutine = type(_generator)(  # type: ignore[misc]  # the type of functions
    _generator.__code__.replace(co_flags=_generator.__code__.co_flags | _CO_ITERABLE_COROUTINE),
    globals(),
    "_iterable_coroutine",
)


async def _coroutine(steps: "Any") -> "Any":
    while True:
        try:
            return await steps
        except GeneratorExit as error:
            if steps.over:
                raise
            steps.throw_next(error)


async def _async_generator(steps: "Any") -> "Any":
    source = steps.iterator
    step = steps.wrap(source.__anext__())
    while True:
        try:
            value = await step
        except StopAsyncIteration:
            return
        except GeneratorExit as error:
            if step.over:
                raise
            step.throw_next(error)
            continue
        try:
            sent = yield value
        except BaseException as error:
            step = steps.wrap(source.athrow(error))
        else:
            step = steps.wrap(source.asend(sent))


_native.set_drivers((_generator, _iterable_coroutine, _coroutine, _async_generator))
