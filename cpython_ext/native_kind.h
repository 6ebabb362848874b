/* Kinds of callables that are written in C and are neither builtins nor method descriptors. */
#ifndef EDBPROF_NATIVE_KIND_H
#define EDBPROF_NATIVE_KIND_H

#include "interpreter.h"

/* A callable's kind says which of its parts identifies it. It is a part of its key. */
typedef enum {
    NOT_RECORDED,
    OF_POINTER,    /* a function of ctypes or cffi: by the C function's address */
    OF_DEFINITION, /* a Cython function: by its PyMethodDef, which closures share */
    OF_BOUND,      /* nanobind's bound method: by its function */
    OF_DISPATCHER, /* numpy's, which may call a Python function */
    OF_OBJECT,     /* by its address if it lives on, else by its names */
    KIND_COUNT,
} native_kind;

enum { NATIVE_TYPE_KEY = 8 }; /* added to a kind: only record_types records it */

/* The start of nanobind's bound methods. */
typedef struct {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject *function, *self;
} native_bound_method;

/* The start of cffi's objects. */
typedef struct {
    PyObject_HEAD PyObject *type;
    char *data;
} native_cffi_data;

/* Beginning of the names of edbprof's own types. */
#define NATIVE_OWN_PACKAGE "edbprof_native"

/* Returns the part of a type's name behind its last dot. */
const char *native_short_name(const PyTypeObject *type);

/* Returns true if a type has this name. */
bool native_is_called(const PyTypeObject *type, const char *name);

/* Returns true if calling objects of a type runs a Python function, or is impossible. */
bool native_is_written_in_python(const PyTypeObject *type);

/* Returns true if Python code would run when an attribute is looked up. */
bool native_looks_up_in_python(PyTypeObject *type);

/* Returns the function that an object's type has as its `__call__` and that is not written in
 * Python: a new reference, or NULL. */
PyObject *native_call_of(PyObject *callable);

/* Returns the kind of a callable. */
native_kind native_kind_of(PyObject *callable);

/* Makes the names that lookups in types need. Returns 0, or -1 with an exception. */
int native_init(interpreter_state *interpreter);

#endif
