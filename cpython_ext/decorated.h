/* Decorated: a callable that replaces a function and records while it runs. */
#ifndef EDBPROF_DECORATED_H
#define EDBPROF_DECORATED_H

#include "interpreter.h"

/* Makes the type. Returns 0, or -1 with an exception. */
int decorated_init(interpreter_state *interpreter);

/* Sets the Python functions that drive steps, as a tuple, which is kept: those for generators,
 * iterable coroutines, coroutines and async generators. */
void decorated_set_drivers(PyObject *drivers);

#endif
