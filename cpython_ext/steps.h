/* Steps: drives a generator or coroutine step by step, recording during each. */
#ifndef EDBPROF_STEPS_H
#define EDBPROF_STEPS_H

#include "interpreter.h"
#include "recorder.h"

/* Makes the type. Returns 0, or -1 with an exception. */
int steps_init(interpreter_state *interpreter);

/* Drives `iterator` (a generator, coroutine or other awaitable iterator, stolen), recording
 * while it runs. A new reference, or NULL with an exception. */
PyObject *steps_new(recorder *owner, PyObject *iterator, const slow_calls *slow);

#endif
