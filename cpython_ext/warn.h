/* Warnings on stderr, each once in the life of the process. */
#ifndef EDBPROF_WARN_H
#define EDBPROF_WARN_H

#include "compat.h"

/* Prints a warning unless *warned is set, and sets it. May run Python code: sys.stderr's. */
void warn_once(bool *warned, const char *format, ...);

/* Does the same as soon as the main thread is between two instructions, because no sys.stderr
 * written in Python may run within a hook. */
void warn_soon(bool *warned, const char *format, ...);

#endif
