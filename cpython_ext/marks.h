/* Marks, counters and asynchronous spans of Python programs. */
#ifndef EDBPROF_MARKS_H
#define EDBPROF_MARKS_H

#include "compat.h"

PyObject *marks_mark(PyObject *module, PyObject *name);
PyObject *marks_counter(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *marks_begin_async(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *marks_end_async(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
