/* Decorated: a callable that stands in for a function and records while it runs. */
#ifndef EDBPROF_DECORATED_H
#define EDBPROF_DECORATED_H

#include "compat.h"

extern PyTypeObject decorated_type;

/* Sets the Python functions that drive steps, as a tuple, which is kept: those for generators,
 * iterable coroutines, coroutines and async generators. */
void decorated_set_drivers(PyObject *drivers);

#endif
