/* The capsule of edbprof_python.h, for other extensions. */
#ifndef EDBPROF_CAPSULE_H
#define EDBPROF_CAPSULE_H

#include "compat.h"

/* A new reference to it, or NULL with an exception. */
PyObject *capsule_new(void);

#endif
