/* __enter__ and __exit__ of spans, which a `with` statement binds in a third of the usual time. */
#ifndef EDBPROF_SPAN_METHODS_H
#define EDBPROF_SPAN_METHODS_H

#include "interpreter.h"

/* Runs a method of a span. Returns a new reference, or NULL with an exception. */
typedef PyObject *span_function(PyObject *span);

/* Adds a method of that name to the type of spans. The method uses no arguments; it accepts so many
 * of them, or any number if that is -1. Returns 0, or -1 with an exception. */
int span_add_method(interpreter_state *interpreter, const char *name, Py_ssize_t arguments,
                    span_function *function);

#endif
