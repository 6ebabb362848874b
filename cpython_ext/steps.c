/* Steps: runs a generator or coroutine step by step, recording during each.
 *
 * Between the steps it is suspended and nothing is recorded. The package's drivers
 * put a real generator or coroutine around it, so that inspect and event loops see
 * the kind of object that they expect. */
#include "edbprof_ext.h"

typedef struct {
    PyObject_HEAD
    recorder *owner;
    PyObject *iterator;
    bool started;
} steps;

PyObject *steps_new(recorder *owner, PyObject *iterator)
{
    steps *self = PyObject_GC_New(steps, &steps_type);
    if (self == NULL) {
        Py_DECREF(iterator);
        return NULL;
    }
    Py_INCREF(owner);
    self->owner = owner;
    self->iterator = iterator;
    self->started = false;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

/* The iterator has run for a step, which was its last unless it yielded. */
static void step_ended(steps *self, bool yielded)
{
    if (thread_disable(self->owner) && !yielded) {
        PyObject *exception = compat_take_exception();
        recorder_call_ended(self->owner);
        compat_restore_exception(exception);
    }
}

/* Returning a value is raising StopIteration in the protocols of attribute calls. */
static PyObject *outcome(compat_step how, PyObject *result, bool from_next)
{
    if (how != COMPAT_RETURNED) {
        return result;
    }
    if (!from_next || result != Py_None) {
        /* Made here: raising by class would take a tuple for several arguments. */
        PyObject *stop = PyObject_CallOneArg(PyExc_StopIteration, result);
        if (stop != NULL) {
            PyErr_SetObject(PyExc_StopIteration, stop);
            Py_DECREF(stop);
        }
    }
    Py_DECREF(result);
    return NULL;
}

static compat_step send(steps *self, PyObject *value, PyObject **result)
{
    self->started = true;
    bool recording = thread_enable(self->owner) == 0;
    if (!recording) {
        PyErr_Clear();
    }
    compat_step how = compat_send(self->iterator, value, result);
    if (recording) {
        step_ended(self, how == COMPAT_YIELDED);
    }
    return how;
}

static PyObject *steps_next(PyObject *object)
{
    PyObject *result;
    compat_step how = send((steps *)object, Py_None, &result);
    return outcome(how, result, true);
}

static PyObject *steps_send(PyObject *object, PyObject *value)
{
    PyObject *result;
    compat_step how = send((steps *)object, value, &result);
    return outcome(how, result, false);
}

/* Calls a method of the iterator as one step. */
static PyObject *step_by_method(steps *self, const char *name, PyObject *arguments)
{
    PyObject *method = PyObject_GetAttrString(self->iterator, name);
    if (method == NULL) {
        return NULL;
    }
    self->started = true;
    bool recording = thread_enable(self->owner) == 0;
    if (!recording) {
        PyErr_Clear();
    }
    PyObject *result = PyObject_Call(method, arguments, NULL);
    if (recording) {
        step_ended(self, result != NULL && result != Py_None);
    }
    Py_DECREF(method);
    return result;
}

static PyObject *steps_throw(PyObject *object, PyObject *arguments)
{
    return step_by_method((steps *)object, "throw", arguments);
}

static PyObject *steps_close(PyObject *object, PyObject *unused)
{
    (void)unused;
    PyObject *nothing = PyTuple_New(0);
    if (nothing == NULL) {
        return NULL;
    }
    PyObject *result = step_by_method((steps *)object, "close", nothing);
    Py_DECREF(nothing);
    return result;
}

#if EDBPROF_HAVE_SEND
static PySendResult steps_am_send(PyObject *object, PyObject *value, PyObject **result)
{
    switch (send((steps *)object, value, result)) {
    case COMPAT_YIELDED: return PYGEN_NEXT;
    case COMPAT_RETURNED: return PYGEN_RETURN;
    default: return PYGEN_ERROR;
    }
}
#endif

static PyObject *itself(PyObject *object)
{
    Py_INCREF(object);
    return object;
}

static int steps_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(((steps *)object)->owner);
    Py_VISIT(((steps *)object)->iterator);
    return 0;
}

static int steps_clear(PyObject *object)
{
    Py_CLEAR(((steps *)object)->owner);
    Py_CLEAR(((steps *)object)->iterator);
    return 0;
}

static void steps_dealloc(PyObject *object)
{
    steps *self = (steps *)object;
    PyObject_GC_UnTrack(object);
    if (!self->started && self->iterator != NULL && PyCoro_CheckExact(self->iterator)) {
        /* Its driver was never awaited either, and warns in its name. */
        PyObject *exception = compat_take_exception();
        PyObject *result = PyObject_CallMethod(self->iterator, "close", NULL);
        if (result == NULL) {
            PyErr_Clear();
        }
        Py_XDECREF(result);
        compat_restore_exception(exception);
    }
    (void)steps_clear(object);
    PyObject_GC_Del(object);
}

static PyObject *steps_wrap(PyObject *object, PyObject *awaitable)
{
    PyObject *iterator = PyObject_CallMethod(awaitable, "__await__", NULL);
    return iterator == NULL ? NULL : steps_new(((steps *)object)->owner, iterator);
}

static PyMemberDef members[] = {
    {"iterator", T_OBJECT_EX, offsetof(steps, iterator), READONLY,
     "What is run step by step."},
    {NULL},
};

static PyMethodDef methods[] = {
    {"send", steps_send, METH_O, NULL},
    {"throw", steps_throw, METH_VARARGS, NULL},
    {"close", steps_close, METH_NOARGS, NULL},
    {"wrap", steps_wrap, METH_O,
     "wrap(awaitable, /)\n--\n\nSteps of another awaitable, for the same recording."},
    {NULL},
};

PyMethodDef *const steps_methods = methods;

static PyAsyncMethods async_methods = {
    .am_await = itself,
#if EDBPROF_HAVE_SEND
    .am_send = steps_am_send,
#endif
};

PyTypeObject steps_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "edbprof_native._native.Steps",
    .tp_basicsize = sizeof(steps),
    .tp_dealloc = steps_dealloc,
    .tp_traverse = steps_traverse,
    .tp_clear = steps_clear,
    .tp_as_async = &async_methods,
    .tp_iter = itself,
    .tp_iternext = steps_next,
    .tp_members = members,
    .tp_methods = methods,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "Runs a generator or coroutine, recording during each step.",
};
