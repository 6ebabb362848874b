/* Stand-in: a callable that takes the place of a function, and does something of its own at each
 * call. */
#ifndef EDBPROF_STAND_IN_H
#define EDBPROF_STAND_IN_H

#include "interpreter.h"

/* Object that a function binds to when it is looked up in a class. */
typedef enum { BINDS_TO_INSTANCE, BINDS_TO_CLASS, BINDS_TO_NOTHING } binding;

/* Beginning of the struct of each type of stand-ins. */
typedef struct {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject *function;
    binding binding;
    PyObject *weak_references;
} stand_in;

/* A type of stand-ins. The name lives as long as the process. */
typedef struct {
    const char *name;
    int size;
    newfunc new_object;    /* calls stand_in_new, and stand_in_finished at its end */
    traverseproc traverse; /* calls stand_in_traverse */
    destructor dealloc;    /* calls stand_in_let_go first */
} stand_in_type;

/* Makes the type. Returns 0, or -1 with an exception. */
int stand_in_make_type(interpreter_state *interpreter, own_type which, const stand_in_type *type);

/* Makes an object whose other members are zero. NULL with an exception. */
stand_in *stand_in_new(PyTypeObject *type, PyObject *function, vectorcallfunc call);

/* Returns the object, of which all members are set. */
PyObject *stand_in_finished(stand_in *self);

/* Returns the function behind the stand-ins that `function` consists of, borrowed. */
PyObject *stand_in_innermost(PyObject *function);

int stand_in_traverse(PyObject *object, visitproc visit, void *arg);

/* Drops what stand_in_new has taken. The memory is freed afterwards, by compat_free. */
void stand_in_let_go(PyObject *object);

#endif
