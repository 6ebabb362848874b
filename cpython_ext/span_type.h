/* span: a part of a Python program that has a name in the call tree. */
#ifndef EDBPROF_SPAN_TYPE_H
#define EDBPROF_SPAN_TYPE_H

#include "interpreter.h"

#include "edbprof.h"

/* Makes the type. Returns 0, or -1 with an exception. */
int span_init(interpreter_state *interpreter);

/* Begins a span, an object of the type, if anything records. Its description, else NULL. Nothing is
 * raised, because the program must continue. */
const edbprof_function *span_type_begin(PyObject *span);

/* Ends the span of that description, which may be NULL. */
void span_type_end(const edbprof_function *span);

/* Returns the description of spans and marks of that name, a str, if anything records; else NULL,
 * with nothing raised. */
const edbprof_function *span_called(PyObject *name);

#endif
