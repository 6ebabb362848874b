/* Steps: drives a generator or coroutine step by step, recording during each.
 *
 * Between steps, the function is suspended and nothing is recorded. The package's drivers put a
 * real generator or coroutine around a Steps object, so that inspect and event loops see the kind
 * of object that they expect. */
#include "steps.h"

#include "recorder_type.h"
#include "thread.h"
#include "thread_calls.h"

typedef struct {
    PyObject_HEAD recorder *owner;
    PyObject *iterator;
    PyObject *to_throw; /* exception that the next step throws; or NULL */
    PyObject *whole;    /* steps of an async generator, if these are of one of its items; or NULL */
    uint64_t call;      /* number of the decorated call, for all steps */
    slow_calls slow;    /* calls that are kept */
    uint64_t since;     /* beginning of the first step, if it may be kept */
    char started, over; /* T_BOOL */
} steps;

PyObject *steps_new(recorder *owner, PyObject *iterator, const slow_calls *slow)
{
    steps *self = PyObject_GC_New(steps, owner->interpreter->types[TYPE_STEPS]);
    if (self == NULL) {
        Py_DECREF(iterator);
        return NULL;
    }
    Py_INCREF(owner);
    self->owner = owner;
    self->iterator = iterator;
    self->to_throw = NULL;
    self->whole = NULL;
    self->call = thread_new_call();
    self->slow = *slow;
    self->since = 0;
    self->started = self->over = false;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

static PyObject *steps_make(PyTypeObject *Py_UNUSED(type), PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", NULL};
    static const slow_calls none;
    const interpreter_state *here = interpreter_here();
    PyObject *iterator, *owner;
    if (here == NULL || !PyArg_ParseTupleAndKeywords(args, kwargs, "OO!:Steps", names, &iterator,
                                                     here->types[TYPE_RECORDER], &owner)) {
        return NULL;
    }
    Py_INCREF(iterator);
    return steps_new((recorder *)owner, iterator, &none);
}

/* Returns the steps that have the beginning and the limit of the whole call. */
static steps *whole_of(steps *self) { return self->whole == NULL ? self : (steps *)self->whole; }

static bool begin_step(steps *self)
{
    steps *whole = whole_of(self);
    if (!whole->started) {
        whole->since = recorder_slow_since(self->owner, &whole->slow);
    }
    self->started = whole->started = true;
    return thread_calls_begin(self->owner, self->call);
}

static void end_step(steps *self, bool recording, bool over)
{
    PyObject *exception = compat_take_exception();
    self->over = over;
    if (recording && thread_calls_end(self->owner) && over) {
        (void)recorder_call_ended(self->owner);
    }
    /* An async generator is over once an item raises anything but the StopIteration that carries a
     * value. */
    bool is_item =
        self->whole != NULL &&
        (exception == NULL || PyErr_GivenExceptionMatches(exception, PyExc_StopIteration));
    if (over && !is_item) {
        recorder_keep_if_slow(self->owner, &whole_of(self)->slow, whole_of(self)->since);
    }
    compat_restore_exception(exception);
}

/* Turns a returned value into StopIteration, by which `__next__` and `send` return values. */
static PyObject *outcome(compat_step how, PyObject *result, bool from_next)
{
    if (how != COMPAT_RETURNED) {
        return result;
    }
    if (!from_next || result != Py_None) {
        /* Make the exception here, because raising by class would take a tuple for several
         * arguments. */
        PyObject *stop = PyObject_CallOneArg(PyExc_StopIteration, result);
        if (stop != NULL) {
            PyErr_SetObject(PyExc_StopIteration, stop);
            Py_DECREF(stop);
        }
    }
    Py_DECREF(result);
    return NULL;
}

/* Calls the iterator's `throw` as one step. */
static PyObject *throw(steps *self, PyObject *arguments)
{
    PyObject *method = PyObject_GetAttrString(self->iterator, "throw");
    if (method == NULL) {
        return NULL;
    }
    bool recording = begin_step(self);
    PyObject *result = PyObject_Call(method, arguments, NULL);
    end_step(self, recording, result == NULL);
    Py_DECREF(method);
    return result;
}

static compat_step throw_later(steps *self, PyObject **result)
{
    PyObject *arguments = PyTuple_Pack(1, self->to_throw);
    Py_CLEAR(self->to_throw);
    *result = arguments == NULL ? NULL : throw(self, arguments);
    Py_XDECREF(arguments);
    if (*result != NULL) {
        return COMPAT_YIELDED;
    }
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) {
        return COMPAT_RAISED;
    }
    PyObject *stop = compat_take_exception();
    *result = PyObject_GetAttrString(stop, "value");
    Py_DECREF(stop);
    return *result == NULL ? COMPAT_RAISED : COMPAT_RETURNED;
}

static compat_step send(steps *self, PyObject *value, PyObject **result)
{
    if (self->to_throw != NULL) {
        return throw_later(self, result);
    }
    bool recording = begin_step(self);
    compat_step how = compat_send(self->iterator, value, result);
    end_step(self, recording, how != COMPAT_YIELDED);
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

static PyObject *steps_throw(PyObject *object, PyObject *arguments)
{
    return throw((steps *)object, arguments);
}

static PyObject *steps_throw_next(PyObject *object, PyObject *exception)
{
    Py_INCREF(exception);
    Py_XSETREF(((steps *)object)->to_throw, exception);
    Py_RETURN_NONE;
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

/* No tp_clear: see stand_in.c. */
static int steps_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((steps *)object)->owner);
    Py_VISIT(((steps *)object)->iterator);
    Py_VISIT(((steps *)object)->to_throw);
    Py_VISIT(((steps *)object)->whole);
    return 0;
}

static void steps_dealloc(PyObject *object)
{
    steps *self = (steps *)object;
    PyObject_GC_UnTrack(object);
    if (!self->started && PyCoro_CheckExact(self->iterator)) {
        /* Its driver was never awaited either, and warns instead of it. */
        PyObject *exception = compat_take_exception();
        PyObject *result = PyObject_CallMethod(self->iterator, "close", NULL);
        if (result == NULL) {
            PyErr_Clear();
        }
        Py_XDECREF(result);
        compat_restore_exception(exception);
    }
    Py_DECREF(self->owner);
    Py_DECREF(self->iterator);
    Py_XDECREF(self->to_throw);
    Py_XDECREF(self->whole);
    compat_free(object);
}

static PyObject *steps_wrap(PyObject *object, PyObject *awaitable)
{
    PyObject *iterator = PyObject_CallMethod(awaitable, "__await__", NULL);
    steps *whole = (steps *)object;
    PyObject *wrapped = iterator == NULL ? NULL : steps_new(whole->owner, iterator, &whole->slow);
    if (wrapped != NULL) {
        Py_INCREF(object);
        ((steps *)wrapped)->whole = object;
    }
    return wrapped;
}

static PyMemberDef steps_members[] = {
    {"iterator", T_OBJECT_EX, offsetof(steps, iterator), READONLY, "The generator or coroutine."},
    {"over", T_BOOL, offsetof(steps, over), READONLY, "True once it has returned or raised."},
    {NULL},
};

static PyMethodDef steps_methods[] = {
    {"send", steps_send, METH_O, NULL},
    {"throw", steps_throw, METH_VARARGS, NULL},
    {"throw_next", steps_throw_next, METH_O,
     "throw_next($self, exception, /)\n--\n\nBegin the next step, a send(None), by throwing this. "
     "(There is no close(): `yield from` and `await` would call it.)"},
    {"wrap", steps_wrap, METH_O,
     "wrap($self, awaitable, /)\n--\n\nSteps of another awaitable, for the same recording."},
    {NULL},
};

int steps_init(interpreter_state *interpreter)
{
    static PyType_Slot slots[] = {
        {Py_tp_new, steps_make},
        {Py_tp_dealloc, steps_dealloc},
        {Py_tp_traverse, steps_traverse},
        {Py_am_await, PyObject_SelfIter},
#if EDBPROF_HAVE_SEND
        {Py_am_send, steps_am_send},
#endif
        {Py_tp_iter, PyObject_SelfIter},
        {Py_tp_iternext, steps_next},
        {Py_tp_members, steps_members},
        {Py_tp_methods, steps_methods},
        {Py_tp_doc, (void *)"Steps(iterator, recorder, /)\n--\n\n"
                            "Runs a generator or coroutine, recording during each step."},
        {0, NULL},
    };
    static PyType_Spec spec = {
        .name = "edbprof_native._native.Steps",
        .basicsize = sizeof(steps),
        .flags = EDBPROF_TYPE_FLAGS | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    return interpreter_make_type(interpreter, TYPE_STEPS, &spec);
}
