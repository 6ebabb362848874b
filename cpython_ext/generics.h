/* Code objects of generic functions, those of functools.singledispatch. */
#ifndef EDBPROF_GENERICS_H
#define EDBPROF_GENERICS_H

#include "names.h"

/* Adds what is known of a code object as part of a generic function. */
void generics_describe(PyCodeObject *code, named *self);

/* The module's register_generic(). */
PyObject *generics_register(PyObject *module, PyObject *arguments);

#endif
