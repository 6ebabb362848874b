/* The hook that every Python version has: PyEval_SetProfile. */
#ifndef EDBPROF_SETPROFILE_H
#define EDBPROF_SETPROFILE_H

#include "interpreter.h"

/* Registers the hook, and takes what it needs of an interpreter. Returns 0, or -1 with an
 * exception. */
int setprofile_init(interpreter_state *interpreter);

#endif
