/* Slowness: how much slower the interpreter runs the instructions of a code object while a profile
 * function is set. */
#ifndef EDBPROF_SLOWNESS_H
#define EDBPROF_SLOWNESS_H

#include "compat.h"

/* Returns the time that is added to a code object's instructions, in parts of the time that they
 * take otherwise. It depends on their mix. 0 means unknown, and counts as 1. */
double slowness_of(PyCodeObject *code);

/* Returns the slowness of a code object as flags of a function. */
uint32_t slowness_flags(PyCodeObject *code);

#endif
