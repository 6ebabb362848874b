/* Callables that are held for as long as their interpreter lives. Only those are that a module has
 * by their own names, so that holding them changes nothing. */
#ifndef EDBPROF_HELD_H
#define EDBPROF_HELD_H

#include "interpreter.h"

/* Returns true if the calling thread's interpreter holds the callable. */
bool held_has(PyObject *callable);

/* Holds the callable. Returns false when out of memory. */
bool held_add(PyObject *callable);

#endif
