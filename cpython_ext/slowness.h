/* Slowness: how much slower the interpreter runs the instructions of a code object while a profile
 * function is set. */
#ifndef EDBPROF_SLOWNESS_H
#define EDBPROF_SLOWNESS_H

#include "compat.h"

/* Time that is added to instructions in parts of the time that they take otherwise, by their mix in
 * the code object: 0 where it is unknown, which counts as 1. */
double slowness_of(PyCodeObject *code);

/* The slowness of a code object as flags of a function. */
uint32_t slowness_flags(PyCodeObject *code);

#endif
