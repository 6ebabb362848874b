/* Capsule by which other extensions reach edbprof: the functions of edbprof_python.h. */
#ifndef EDBPROF_CAPSULE_H
#define EDBPROF_CAPSULE_H

#include "compat.h"

/* Returns a new reference to the capsule, or NULL with an exception. */
PyObject *capsule_new(void);

#endif
