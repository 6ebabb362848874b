"""What the callers of decorated generator and coroutine functions get.

Each driver is of the same kind as what it drives, so that event loops, `inspect` and
`isinstance` see what they saw before. `steps` (a `_native.Steps`) runs the real one and
records during each step.

A GeneratorExit that comes from outside goes on to the real one: only that knows whether
to go on, to return something (3.13 hands it on from close()) or to end. `yield from` and
`await` alone would close it and forget what came of that.
"""

import types


def _generator(steps):
    while True:
        try:
            return (yield from steps)
        except GeneratorExit as error:
            if steps.over:
                raise
            steps.throw_next(error)


# types.coroutine() changes the function that it is given.
_iterable_coroutine = types.coroutine(
    types.FunctionType(_generator.__code__, globals(), "_iterable_coroutine")
)


async def _coroutine(steps):
    while True:
        try:
            return await steps
        except GeneratorExit as error:
            if steps.over:
                raise
            steps.throw_next(error)


async def _async_generator(steps):
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


DRIVERS = (_generator, _iterable_coroutine, _coroutine, _async_generator)
