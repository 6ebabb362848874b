/* Notes of the programs that this process starts.
 *
 * A Python without edbprof, or with the option -S, can't say that it is not recorded. So the
 * process that starts it leaves a note for `edbprof run`, which knows what was recorded. Programs
 * that cannot be a Python are not noted, because most processes start many of them. */
#ifndef EDBPROF_SPAWNED_H
#define EDBPROF_SPAWNED_H

#include "compat.h"

/* Sets the directory in which notes are left from now on. Returns 0, or -1 with an exception. */
int spawned_set_directory(PyObject *directory);

/* Covers a builtin that is about to be called for the first time, if it starts programs. Its C
 * function is replaced in the table of methods, so that no object changes that the program can
 * see. */
void spawned_look(const PyCFunctionObject *builtin);

#endif
