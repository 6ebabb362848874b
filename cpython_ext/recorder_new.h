/* Recorder: how one is made from the arguments of Recorder(). */
#ifndef EDBPROF_RECORDER_NEW_H
#define EDBPROF_RECORDER_NEW_H

#include "compat.h"

/* `tp_new` of the type: see its docstring in recorder_type.c. NULL with an exception. */
PyObject *recorder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs);

#endif
