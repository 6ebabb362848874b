/* Callables that are held as long as their interpreter lives, so that their addresses can be keys.
 * Only callables that a module has under their own names are held, because those live on anyhow. */
#ifndef EDBPROF_HELD_H
#define EDBPROF_HELD_H

#include "interpreter.h"

/* Returns true if the calling thread's interpreter holds the callable. */
bool held_has(PyObject *callable);

/* Holds the callable. Returns false when out of memory. */
bool held_add(PyObject *callable);

#endif
