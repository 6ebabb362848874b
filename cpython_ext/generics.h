/* Code objects of generic functions, those of functools.singledispatch. */
#ifndef EDBPROF_GENERICS_H
#define EDBPROF_GENERICS_H

#include "names.h"

/* Adds the role that a code object has in a generic function. */
void generics_describe(PyCodeObject *code, named *self);

/* Implements the module's register_generic(). */
PyObject *generics_register(PyObject *module, PyObject *arguments);

#endif
