/* Callables written in C that are neither builtins nor method descriptors. */
#ifndef EDBPROF_NATIVE_H
#define EDBPROF_NATIVE_H

#include "names.h"
#include "native_kind.h"

/* A function, and the object that it is bound to or called with. */
typedef struct {
    PyObject *function, *self; /* borrowed */
    PyObject *owner;           /* a reference that keeps the function, or NULL */
} called_function;

/* Returns the function that a bound or instance method calls, or that an object calls whose type
 * has a metaclass, as in pybind11 and nanobind. Returns any other callable itself. The caller gives
 * the owner back. */
static inline called_function native_callee(PyObject *callable, PyObject *self)
{
    PyObject *call = Py_IS_TYPE(Py_TYPE(callable), &PyType_Type) ? NULL : native_call_of(callable);
    PyObject *owner = call;
    if (call != NULL) {
        self = callable;
        callable = call;
    }
    while (PyMethod_Check(callable) || PyInstanceMethod_Check(callable)) {
        if (PyMethod_Check(callable)) {
            self = PyMethod_GET_SELF(callable);
            callable = PyMethod_GET_FUNCTION(callable);
        } else {
            callable = PyInstanceMethod_GET_FUNCTION(callable);
        }
    }
    return (called_function){callable, self, owner};
}

/* Returns the key of a callable, whose two lowest bits are set. Returns 0 for a callable that is
 * not recorded: its `__call__` is written in Python, or it belongs to the standard library or to
 * edbprof. Runs no code of the program. */
uint64_t native_key(PyObject *callable);

/* Returns the key of any other callable that is not written in Python, for recorders with
 * record_types: a class, a slot wrapper or an object of the standard library. Returns 0 for a
 * callable that is written in Python. */
uint64_t native_type_key(PyObject *callable);

static inline bool native_is_type_key(uint64_t key) { return (key & 3) == 3 && key >> 63; }

/* Describes a callable that has one of these keys. */
void native_name(named *self, PyObject *callable);

#endif
