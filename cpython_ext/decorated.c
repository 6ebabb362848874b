/* Decorated: the result of @profile(), a stand-in that records while its function runs. */
#include "decorated.h"

#include "calibrate.h"
#include "events.h"
#include "guard.h"
#include "recorder.h"
#include "recorder_type.h"
#include "stand_in.h"
#include "steps.h"
#include "thread.h"
#include "thread_calls.h"

void decorated_set_drivers(PyObject *drivers)
{
    interpreter_state *here = interpreter_here();
    if (here != NULL) {
        Py_INCREF(drivers);
        Py_XSETREF(here->step_drivers, drivers);
    }
}

typedef struct {
    stand_in base;
    recorder *owner;
    slow_calls slow;  /* whose part of the timeline is kept */
    PyObject *driver; /* of the function's generators and coroutines, or NULL */
} decorated;

static PyObject *drive(decorated *self, PyObject *iterator)
{
    static const char *const copied[] = {"__name__", "__qualname__"};
    PyObject *steps = steps_new(self->owner, iterator, &self->slow);
    if (steps == NULL) {
        return NULL;
    }
    PyObject *driven = PyObject_CallOneArg(self->driver, steps);
    Py_DECREF(steps);
    for (int i = 0; i < 2 && driven != NULL; i++) {
        PyObject *name = PyObject_GetAttrString(self->base.function, copied[i]);
        if (name == NULL || PyObject_SetAttrString(driven, copied[i], name) < 0) {
            PyErr_Clear();
        }
        Py_XDECREF(name);
    }
    return driven;
}

/* A call keeps its recorder, because the function may drop the last reference to it. Without the
 * GIL, references that each call takes would slow all threads. So recorders of decorated functions
 * have one for ever. That costs little, because these functions last as long as the process. */
static void keep_for_call(recorder *owner)
{
    if (!EDBPROF_FREE_THREADED) {
        Py_INCREF(owner);
    }
}

static void let_go_after_call(recorder *owner)
{
    if (!EDBPROF_FREE_THREADED) {
        Py_DECREF(owner);
    }
}

static void keep_for_ever(recorder *owner)
{
    if (EDBPROF_FREE_THREADED && !shared_exchange(&owner->is_immortal, true)) {
        Py_INCREF(owner);
    }
}

static PyObject *decorated_vectorcall(PyObject *object, PyObject *const *arguments, size_t count,
                                      PyObject *keywords)
{
    decorated *self = (decorated *)object;
    if (self->driver != NULL) {
        PyObject *iterator = PyObject_Vectorcall(self->base.function, arguments, count, keywords);
        return iterator == NULL ? NULL : drive(self, iterator);
    }
    if (!thread_calls_begin(self->owner, thread_new_call())) {
        return PyObject_Vectorcall(self->base.function, arguments, count, keywords);
    }
    /* The function may drop the last reference to this object. */
    recorder *owner = self->owner;
    slow_calls slow = self->slow;
    keep_for_call(owner);
    uint64_t since = recorder_slow_since(owner, &slow);
    PyObject *result = call_recorded(self->base.function, arguments, count, keywords);
    /* None of these functions may see a pending exception. */
    PyObject *exception = result == NULL ? compat_take_exception() : NULL;
    if (thread_calls_end(owner) && recorder_call_ended(owner) && result != NULL &&
        calibrate(owner, false) < 0) {
        Py_CLEAR(result);
    }
    recorder_keep_if_slow(owner, &slow, since);
    let_go_after_call(owner);
    compat_restore_exception(exception);
    return result;
}

static int decorated_traverse(PyObject *object, visitproc visit, void *arg)
{
    decorated *self = (decorated *)object;
    Py_VISIT(self->owner);
    Py_VISIT(self->driver);
    return stand_in_traverse(object, visit, arg);
}

static void decorated_dealloc(PyObject *object)
{
    decorated *self = (decorated *)object;
    stand_in_let_go(object);
    Py_DECREF(self->owner);
    Py_XDECREF(self->driver);
    compat_free(object);
}

/* Returns the driver that the function's results need, a new reference; NULL for plain
 * functions. */
static PyObject *driver_for(PyObject *function)
{
    const interpreter_state *here = interpreter_here();
    function = stand_in_innermost(function);
    if (here == NULL || here->step_drivers == NULL || !PyFunction_Check(function)) {
        return NULL;
    }
    int flags = ((PyCodeObject *)PyFunction_GET_CODE(function))->co_flags;
    Py_ssize_t which;
    if (flags & CO_COROUTINE) {
        which = 2;
    } else if (flags & CO_ASYNC_GENERATOR) {
        which = 3;
    } else if (flags & CO_GENERATOR) {
        which = flags & CO_ITERABLE_COROUTINE ? 1 : 0;
    } else {
        return NULL;
    }
    PyObject *driver = PyTuple_GET_ITEM(here->step_drivers, which);
    Py_INCREF(driver);
    return driver;
}

static PyObject *decorated_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", "slower_than_ns", "keep", NULL};
    const interpreter_state *here = interpreter_here();
    PyObject *function, *owner;
    unsigned long long least_ns = 0;
    Py_ssize_t most = 0;
    if (here == NULL ||
        !PyArg_ParseTupleAndKeywords(args, kwargs, "OO!|$Kn:Decorated", names, &function,
                                     here->types[TYPE_RECORDER], &owner, &least_ns, &most)) {
        return NULL;
    }
    decorated *self = (decorated *)stand_in_new(type, function, decorated_vectorcall);
    if (self == NULL) {
        return NULL;
    }
    Py_INCREF(owner);
    keep_for_ever((recorder *)owner);
    self->owner = (recorder *)owner;
    self->slow = (slow_calls){least_ns, (size_t)most};
    self->driver = driver_for(function);
    return stand_in_finished(&self->base);
}

/* Decorated(function, recorder, /, *, slower_than_ns=0, keep=0) calls the function, recording while
 * it runs. The timeline of the latest `keep` calls that last at least `slower_than_ns` is kept. */
int decorated_init(interpreter_state *interpreter)
{
    static const stand_in_type type = {
        .name = "edbprof_native._native.Decorated",
        .size = sizeof(decorated),
        .new_object = decorated_new,
        .traverse = decorated_traverse,
        .dealloc = decorated_dealloc,
    };
    return stand_in_make_type(interpreter, TYPE_DECORATED, &type);
}
