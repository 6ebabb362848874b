/* Threads that start while a recorder with threads=True records: they are recorded too. */
#ifndef EDBPROF_NEW_THREADS_H
#define EDBPROF_NEW_THREADS_H

#include "interpreter.h"

/* Covers the functions that start threads, once and for the whole process, and makes the types of
 * their replacements. Returns 0, or -1 with an exception. */
int new_threads_init(interpreter_state *interpreter);

#endif
