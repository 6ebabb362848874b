/* Decorated: the result of @profile(), a callable that records while its function runs.
 *
 * It replaces the function as wrapt's proxies do. Every attribute, `__class__` included, is the
 * function's, so that inspect, pickle and frameworks notice no difference. Only calling and binding
 * are its own. */
#include "decorated.h"

#include "calibrate.h"
#include "events.h"
#include "guard.h"
#include "recorder.h"
#include "recorder_type.h"
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

/* Object that a function binds to when it is looked up in a class. */
typedef enum { BINDS_TO_INSTANCE, BINDS_TO_CLASS, BINDS_TO_NOTHING } binding;

typedef struct {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject *function;
    binding binding;
    recorder *owner;
    slow_calls slow;  /* whose part of the timeline is kept */
    PyObject *driver; /* of the function's generators and coroutines, or NULL */
    PyObject *weak_references;
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
        PyObject *name = PyObject_GetAttrString(self->function, copied[i]);
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
        PyObject *iterator = PyObject_Vectorcall(self->function, arguments, count, keywords);
        return iterator == NULL ? NULL : drive(self, iterator);
    }
    if (!thread_calls_begin(self->owner, thread_new_call())) {
        return PyObject_Vectorcall(self->function, arguments, count, keywords);
    }
    /* The function may drop the last reference to this object. */
    recorder *owner = self->owner;
    slow_calls slow = self->slow;
    keep_for_call(owner);
    uint64_t since = recorder_slow_since(owner, &slow);
    PyObject *result = call_recorded(self->function, arguments, count, keywords);
    /* None of these may see a pending exception. */
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

/* type.__new__ makes these plain functions class methods or static methods by their names
 * (type_new_impl in CPython's typeobject.c). It leaves other callables as they are. */
static binding binding_of(PyObject *function)
{
    static const struct {
        const char *name;
        binding binding;
    } special[] = {
        {"__class_getitem__", BINDS_TO_CLASS},
        {"__init_subclass__", BINDS_TO_CLASS},
        {"__new__", BINDS_TO_NOTHING},
    };
    if (PyFunction_Check(function)) {
        PyObject *name = ((PyFunctionObject *)function)->func_name;
        for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
            if (PyUnicode_CompareWithASCIIString(name, special[i].name) == 0) {
                return special[i].binding;
            }
        }
    }
    return BINDS_TO_INSTANCE;
}

/* The class that `classmethod` binds to. classmethod(decorated) of Python 3.9 passes the class as
 * the instance, and no type (cm_descr_get in funcobject.c). */
static PyObject *class_of(PyObject *instance, PyObject *type)
{
    if (type != NULL || instance == NULL) {
        return type;
    }
    return PyType_Check(instance) ? instance : (PyObject *)Py_TYPE(instance);
}

static PyObject *decorated_bind(PyObject *self, PyObject *instance, PyObject *type)
{
    PyObject *to = instance;
    switch (((decorated *)self)->binding) {
    case BINDS_TO_CLASS: to = class_of(instance, type); break;
    case BINDS_TO_NOTHING: to = NULL; break;
    case BINDS_TO_INSTANCE: break;
    }
    if (to == NULL || to == Py_None) {
        Py_INCREF(self);
        return self;
    }
    return PyMethod_New(self, to);
}

/* For those who look in the type for it, like pydoc. */
static PyObject *decorated_doc(PyObject *object, void *Py_UNUSED(closure))
{
    return PyObject_GetAttrString(((decorated *)object)->function, "__doc__");
}

static PyGetSetDef decorated_getset[] = {
    {"__doc__", decorated_doc, NULL, NULL, NULL},
    {NULL},
};

/* Pickles by name, like functions. */
static PyObject *decorated_reduce(PyObject *object, PyObject *Py_UNUSED(protocol))
{
    return PyObject_GetAttrString(((decorated *)object)->function, "__qualname__");
}

static PyMethodDef decorated_methods[] = {
    {"__reduce_ex__", decorated_reduce, METH_O, NULL},
    {NULL},
};

/* The few attributes that are not the function's. */
static bool is_own_attribute(PyObject *name)
{
    static const char *const own[] = {"__call__", "__get__", "__reduce_ex__", "__weakref__"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (PyUnicode_CompareWithASCIIString(name, own[i]) == 0) {
            return true;
        }
    }
    return false;
}

static PyObject *decorated_getattro(PyObject *object, PyObject *name)
{
    decorated *self = (decorated *)object;
    if (PyUnicode_CompareWithASCIIString(name, "__wrapped__") == 0) {
        Py_INCREF(self->function);
        return self->function;
    }
    if (is_own_attribute(name)) {
        return PyObject_GenericGetAttr(object, name);
    }
    return PyObject_GetAttr(self->function, name);
}

static int decorated_setattro(PyObject *object, PyObject *name, PyObject *value)
{
    return PyObject_SetAttr(((decorated *)object)->function, name, value);
}

static PyObject *decorated_repr(PyObject *object)
{
    return PyObject_Repr(((decorated *)object)->function);
}

/* No tp_clear, as in tuples: none of these references ever changes, so every cycle contains another
 * object that can be cleared. A __del__ that runs while the cycle is taken apart can still call
 * this one. The same holds for the other types of this extension. */
static int decorated_traverse(PyObject *object, visitproc visit, void *arg)
{
    decorated *self = (decorated *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->function);
    Py_VISIT(self->owner);
    Py_VISIT(self->driver);
    return 0;
}

static void decorated_dealloc(PyObject *object)
{
    decorated *self = (decorated *)object;
    PyObject_GC_UnTrack(object);
    if (self->weak_references != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    Py_DECREF(self->function);
    Py_DECREF(self->owner);
    Py_XDECREF(self->driver);
    compat_free(object);
}

/* The driver that the function's results need, a new reference; NULL for plain
 * functions. */
static PyObject *driver_for(PyObject *function)
{
    const interpreter_state *here = interpreter_here();
    if (here == NULL) {
        return NULL;
    }
    if (Py_TYPE(function) == here->types[TYPE_DECORATED]) {
        /* A function that is driven for one recording is driven for the other too. */
        PyObject *driver = ((decorated *)function)->driver;
        Py_XINCREF(driver);
        return driver;
    }
    if (!PyFunction_Check(function) || here->step_drivers == NULL) {
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

static bool is_nested(PyObject *function)
{
    return !PyFunction_Check(function) ||
           (((PyCodeObject *)PyFunction_GET_CODE(function))->co_flags & CO_NESTED) != 0;
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
    decorated *self = (decorated *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    Py_INCREF(function);
    Py_INCREF(owner);
    keep_for_ever((recorder *)owner);
    self->vectorcall = decorated_vectorcall;
    self->function = function;
    self->binding = binding_of(function);
    self->owner = (recorder *)owner;
    self->slow = (slow_calls){least_ns, (size_t)most};
    self->driver = driver_for(function);
    if (!is_nested(function)) {
        compat_share((PyObject *)self);
    }
    return (PyObject *)self;
}

static PyMemberDef decorated_members[] = {
    EDBPROF_VECTORCALL_MEMBER(decorated),
    EDBPROF_WEAK_MEMBER(decorated),
    {NULL},
};

/* Decorated(function, recorder, /, *, slower_than_ns=0, keep=0) calls the function, recording while
 * it runs. Of the latest `keep` calls that last so long the timeline is kept. */
int decorated_init(interpreter_state *interpreter)
{
    static PyType_Slot slots[] = {
        {Py_tp_new, decorated_new},
        {Py_tp_dealloc, decorated_dealloc},
        {Py_tp_traverse, decorated_traverse},
        {Py_tp_call, PyVectorcall_Call},
        {Py_tp_getattro, decorated_getattro},
        {Py_tp_setattro, decorated_setattro},
        {Py_tp_repr, decorated_repr},
        {Py_tp_descr_get, decorated_bind},
        {Py_tp_methods, decorated_methods},
        {Py_tp_members, decorated_members},
        {Py_tp_getset, decorated_getset},
        /* No Py_tp_doc, which would take the place of decorated_doc. */
        {0, NULL},
    };
    static PyType_Spec spec = {
        .name = "edbprof_native._native.Decorated",
        .basicsize = sizeof(decorated),
        .flags = EDBPROF_CALLABLE_FLAGS | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_METHOD_DESCRIPTOR,
        .slots = slots,
    };
    return interpreter_make_type(interpreter, TYPE_DECORATED, &spec);
}
