/* Marks, counters and asynchronous spans of Python programs: on the timeline only. */
#include "marks.h"

#include "give_span.h"
#include "span_type.h"

static bool is_name(PyObject *name)
{
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "a name must be a str, not %.100s", Py_TYPE(name)->tp_name);
        return false;
    }
    return true;
}

/* Checks that `function` was called with a name and one more argument. */
static bool has_two(const char *function, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_Format(PyExc_TypeError, "%s() takes 2 arguments, not %zd", function, count);
        return false;
    }
    return is_name(arguments[0]);
}

PyObject *marks_mark(PyObject *Py_UNUSED(module), PyObject *name)
{
    if (!is_name(name)) {
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
    if (!has_two("counter", arguments, count)) {
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

static PyObject *give_async(const char *function, PyObject *const *arguments, Py_ssize_t count,
                            void (*give_to)(const edbprof_function *, uint64_t))
{
    if (!has_two(function, arguments, count)) {
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
    return give_async("begin_async", arguments, count, span_begin_async);
}

PyObject *marks_end_async(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    return give_async("end_async", arguments, count, span_end_async);
}
