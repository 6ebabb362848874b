/* Marks, counters and asynchronous spans of Python programs: on the timeline only. */
#include "marks.h"

#include "give_span.h"
#include "span_type.h"

/* Checks the number of arguments, and that the first one is a name. */
static bool has_name(PyObject *const *arguments, Py_ssize_t count, Py_ssize_t expected)
{
    if (count != expected) {
        PyErr_Format(PyExc_TypeError, "takes %zd arguments, not %zd", expected, count);
        return false;
    }
    if (!PyUnicode_Check(arguments[0])) {
        PyErr_Format(PyExc_TypeError, "a name must be a str, not %.100s",
                     Py_TYPE(arguments[0])->tp_name);
        return false;
    }
    return true;
}

PyObject *marks_mark(PyObject *Py_UNUSED(module), PyObject *name)
{
    if (!has_name(&name, 1, 1)) {
        return NULL;
    }
    const edbprof_function *mark = span_called(name);
    if (mark != NULL) {
        span_mark(mark);
    }
    Py_RETURN_NONE;
}

PyObject *marks_counter(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (!has_name(arguments, count, 2)) {
        return NULL;
    }
    double value = PyFloat_AsDouble(arguments[1]);
    if (value == -1 && PyErr_Occurred()) {
        return NULL;
    }
    const edbprof_function *counter = span_called(arguments[0]);
    if (counter != NULL) {
        span_counter(counter, value);
    }
    Py_RETURN_NONE;
}

static PyObject *give_async(PyObject *const *arguments, Py_ssize_t count,
                            void (*give_to)(const edbprof_function *, uint64_t))
{
    if (!has_name(arguments, count, 2)) {
        return NULL;
    }
    unsigned long long id = PyLong_AsUnsignedLongLongMask(arguments[1]);
    if (PyErr_Occurred()) {
        return NULL;
    }
    const edbprof_function *span = span_called(arguments[0]);
    if (span != NULL) {
        give_to(span, id);
    }
    Py_RETURN_NONE;
}

PyObject *marks_begin_async(PyObject *Py_UNUSED(module), PyObject *const *arguments,
                            Py_ssize_t count)
{
    return give_async(arguments, count, span_begin_async);
}

PyObject *marks_end_async(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    return give_async(arguments, count, span_end_async);
}
