/* A second extension, as its author would write it: native spans through
 * edbprof_python.h, linked with nothing. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>

#include "edbprof_python.h"

EDBPROF_SPAN(outer_span, "outer span");
EDBPROF_SPAN(inner_span, "inner span");
EDBPROF_SPAN(unlocked_span, "unlocked span");

static const edbprof_python_api *edbprof;

/* work(n): the outer span with n inner ones in it. */
static PyObject *work(PyObject *module, PyObject *argument)
{
    long i, n = PyLong_AsLong(argument);
    (void)module;
    if (n == -1 && PyErr_Occurred()) {
        return NULL;
    }
    edbprof_python_enter(edbprof, &outer_span);
    for (i = 0; i < n; i++) {
        edbprof_python_enter(edbprof, &inner_span);
        edbprof_python_leave(edbprof, &inner_span);
    }
    edbprof_python_leave(edbprof, &outer_span);
    return PyLong_FromLong(n);
}

/* without_gil(n): n spans while other threads may run Python. */
static PyObject *without_gil(PyObject *module, PyObject *argument)
{
    long i, n = PyLong_AsLong(argument);
    (void)module;
    if (n == -1 && PyErr_Occurred()) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS for (i = 0; i < n; i++)
    {
        edbprof_python_enter(edbprof, &unlocked_span);
        edbprof_python_leave(edbprof, &unlocked_span);
    }
    Py_END_ALLOW_THREADS return PyLong_FromLong(n);
}

/* calling(function): calls Python within the outer span. */
static PyObject *calling(PyObject *module, PyObject *function)
{
    PyObject *result;
    (void)module;
    edbprof_python_enter(edbprof, &outer_span);
    result = PyObject_CallObject(function, NULL);
    edbprof_python_leave(edbprof, &outer_span);
    return result;
}

/* unbalanced(): leaves what was not entered, and leaves open what was. */
static PyObject *unbalanced(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    edbprof_python_leave(edbprof, &inner_span);
    edbprof_python_enter(edbprof, &outer_span);
    edbprof_python_leave(edbprof, &inner_span);
    edbprof_python_leave(edbprof, &unlocked_span);
    Py_RETURN_NONE;
}

/* in_another_thread_state(function): calls Python in this OS thread, but as another
 * Python thread. */
static PyObject *in_another_thread_state(PyObject *module, PyObject *function)
{
    PyThreadState *here = PyThreadState_Get();
    PyThreadState *other = PyThreadState_New(PyThreadState_GetInterpreter(here));
    PyObject *result;
    (void)module;
    PyThreadState_Swap(other);
    result = PyObject_CallObject(function, NULL);
    if (result == NULL) {
        PyErr_Print();
    }
    PyThreadState_Clear(other);
    PyThreadState_Swap(here);
    PyThreadState_Delete(other);
    if (result == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "it has failed in the other thread state");
    }
    return result;
}

/* new_thread_state(): a Python thread without an OS thread, as a number. */
static PyObject *new_thread_state(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyLong_FromVoidPtr(PyThreadState_New(PyInterpreterState_Get()));
}

/* in_thread_state(state, function): calls Python in this OS thread, as that Python thread. */
static PyObject *in_thread_state(PyObject *module, PyObject *arguments)
{
    PyThreadState *here = PyThreadState_Get();
    PyObject *state, *function, *result;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "OO", &state, &function)) {
        return NULL;
    }
    PyThreadState_Swap((PyThreadState *)PyLong_AsVoidPtr(state));
    result = PyObject_CallObject(function, NULL);
    if (result == NULL) {
        PyErr_Print();
    }
    PyThreadState_Swap(here);
    if (result == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "it has failed in the other thread state");
    }
    return result;
}

/* end_thread_state(state): from whichever OS thread. */
static PyObject *end_thread_state(PyObject *module, PyObject *state)
{
    (void)module;
    PyThreadState_Clear((PyThreadState *)PyLong_AsVoidPtr(state));
    PyThreadState_Delete((PyThreadState *)PyLong_AsVoidPtr(state));
    Py_RETURN_NONE;
}

/* abi_version(): of the runtime, 0 where it is absent. */
static PyObject *abi_version(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyLong_FromUnsignedLong(edbprof->abi_version);
}

/* fake_api(version, size_change): a capsule of the runtime under another version and size. */
static PyObject *fake_api(PyObject *module, PyObject *arguments)
{
    static edbprof_python_api fake;
    unsigned int version;
    int size_change;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "Ii", &version, &size_change)) {
        return NULL;
    }
    fake = *edbprof;
    fake.abi_version = version;
    fake.struct_size += (size_t)size_change;
    return PyCapsule_New(&fake, EDBPROF_PYTHON_CAPSULE, NULL);
}

/* imported_version(): of the runtime that an import would find now, 0 for none. */
static PyObject *imported_version(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyLong_FromUnsignedLong(edbprof_python_import()->abi_version);
}

/* Work of a thread of in_threads. */
typedef struct {
    long spans;
    const char *name;
    PyObject *function;
    int status;
} job;

static void *run_job(void *argument)
{
    job *self = (job *)argument;
    long i;
    if (self->name != NULL) {
        self->status = edbprof_python_attach_thread(edbprof, self->name);
    }
    edbprof_python_enter(edbprof, &outer_span);
    for (i = 0; i < self->spans; i++) {
        edbprof_python_enter(edbprof, &inner_span);
        if (self->function != NULL) {
            PyGILState_STATE state = PyGILState_Ensure();
            PyObject *result = PyObject_CallObject(self->function, NULL);
            Py_XDECREF(result);
            PyGILState_Release(state);
        }
        edbprof_python_leave(edbprof, &inner_span);
    }
    edbprof_python_leave(edbprof, &outer_span);
    if (self->name != NULL && self->status == EDBPROF_OK) {
        self->status = edbprof_python_detach_thread(edbprof);
    }
    return NULL;
}

/* in_thread(spans, name, function): the spans in a thread without Python state, with the name if
 * it is not None; each calls the function if that is not None. Returns a status. */
static PyObject *in_thread(PyObject *module, PyObject *arguments)
{
    job new = {0, NULL, NULL, 0};
    PyObject *function;
    pthread_t thread;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "lzO", &new.spans, &new.name, &function)) {
        return NULL;
    }
    new.function = function == Py_None ? NULL : function;
    Py_BEGIN_ALLOW_THREADS if (pthread_create(&thread, NULL, run_job, &new) == 0)
    {
        pthread_join(thread, NULL);
    }
    Py_END_ALLOW_THREADS return PyLong_FromLong(new.status);
}

/* begin(), end(): a span that outlives the call. */
static PyObject *begin(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    edbprof_python_begin(edbprof, &outer_span);
    Py_RETURN_NONE;
}

static PyObject *end(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    edbprof_python_end(edbprof, &outer_span);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"work", work, METH_O, NULL},
    {"without_gil", without_gil, METH_O, NULL},
    {"in_thread", in_thread, METH_VARARGS, NULL},
    {"begin", begin, METH_NOARGS, NULL},
    {"end", end, METH_NOARGS, NULL},
    {"calling", calling, METH_O, NULL},
    {"unbalanced", unbalanced, METH_NOARGS, NULL},
    {"in_another_thread_state", in_another_thread_state, METH_O, NULL},
    {"new_thread_state", new_thread_state, METH_NOARGS, NULL},
    {"in_thread_state", in_thread_state, METH_VARARGS, NULL},
    {"end_thread_state", end_thread_state, METH_O, NULL},
    {"fake_api", fake_api, METH_VARARGS, NULL},
    {"imported_version", imported_version, METH_NOARGS, NULL},
    {"abi_version", abi_version, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "spans", NULL, -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_spans(void)
{
    edbprof = edbprof_python_import();
    PyObject *module = PyModule_Create(&definition);
#ifdef Py_GIL_DISABLED
    if (module != NULL) {
        (void)PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
    }
#endif
    return module;
}
