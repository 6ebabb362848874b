"""What the callers of decorated generator and coroutine functions get.

Each driver is of the same kind as what it drives, so that event loops, `inspect` and
`isinstance` see what they saw before. `steps` (a `_native.Steps`) runs the real one and
records during each step.
"""

import types


def _generator(steps):
    return (yield from steps)


_iterable_coroutine = types.coroutine(_generator)


async def _coroutine(steps):
    return await steps


async def _async_generator(steps):
    source = steps.iterator
    try:
        step = source.__anext__()
        while True:
            try:
                sent = yield await steps.wrap(step)
            except GeneratorExit:
                raise
            except StopAsyncIteration:
                return
            except BaseException as error:
                step = source.athrow(error)
            else:
                step = source.asend(sent)
    finally:
        await steps.wrap(source.aclose())


DRIVERS = (_generator, _iterable_coroutine, _coroutine, _async_generator)
