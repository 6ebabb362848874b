/* The floor: hooks that do nothing. What the interpreter takes for calling one is what no
 * profiler with that hook can be cheaper than.
 *
 * benches/overhead/floor.py compiles it. */
#include "compat.h"

static long long events;

static int on_nothing(PyObject *self, PyFrameObject *frame, int what, PyObject *argument)
{
    (void)self, (void)frame, (void)what, (void)argument;
    return 0;
}

static int on_counted(PyObject *self, PyFrameObject *frame, int what, PyObject *argument)
{
    (void)self, (void)frame, (void)what, (void)argument;
    events++;
    return 0;
}

static PyObject *set_profile(PyObject *module, PyObject *on)
{
    (void)module;
    PyEval_SetProfile(on == Py_True ? on_nothing : NULL, NULL);
    Py_RETURN_NONE;
}

/* Counts from one call to the next, which gives what came between; the events of the
 * second call itself are not among them. */
static PyObject *count(PyObject *module, PyObject *on)
{
    (void)module;
    PyEval_SetProfile(on == Py_True ? on_counted : NULL, NULL);
    long long counted = events - 1;
    events = 0;
    return PyLong_FromLongLong(counted);
}

/* Calls it from a function that callgrind can be told of. */
static Py_NO_INLINE PyObject *call_counted(PyObject *module, PyObject *function)
{
    (void)module;
    return PyObject_CallNoArgs(function);
}

typedef struct {
    PyObject_HEAD vectorcallfunc vectorcall;
} callback;

static PyObject *nothing(PyObject *self, PyObject *const *arguments, size_t count,
                         PyObject *keywords)
{
    (void)self, (void)arguments, (void)count, (void)keywords;
    Py_RETURN_NONE;
}

/* As monitoring.c's callbacks are. */
static PyTypeObject callback_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "floor.Callback",
    .tp_basicsize = sizeof(callback),
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(callback, vectorcall),
    .tp_flags = Py_TPFLAGS_DEFAULT | EDBPROF_HAVE_VECTORCALL,
    .tp_doc = "Does nothing.",
};

static PyObject *new_callback(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    callback *new = PyObject_New(callback, &callback_type);
    if (new != NULL) {
        new->vectorcall = nothing;
    }
    return (PyObject *)new;
}

static PyMethodDef methods[] = {
    {"set_profile", set_profile, METH_O, "Sets or clears a profile function that is empty."},
    {"count", count, METH_O, "Counts what a profile function sees."},
    {"call_counted", call_counted, METH_O, "Calls a function, for callgrind."},
    {"callback", new_callback, METH_NOARGS, "An object to be called that does nothing."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "floor",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit_floor(void)
{
    return PyType_Ready(&callback_type) < 0 ? NULL : PyModule_Create(&definition);
}
