/* Threads that start while a recorder with threads=True records: they are recorded too.
 *
 * `threading` starts all of them by one function, which a Starter replaces. It gives the new
 * thread a `run` attribute that records, like a subclass or the program could, and that is
 * removed when it is called. The function of threading.setprofile() is set by then and
 * continues to get its events. */
#include "new_threads.h"

#include "events.h"
#include "names.h"
#include "recorder.h"
#include "thread.h"
#include "warn.h"

/* The `run` of a new thread. */
typedef struct {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject *thread;
    PyObject *run;       /* the one that it replaces */
    PyObject *own_run;   /* the same if the thread had it for itself, or NULL */
    PyObject *recorders; /* a tuple */
} recorded_run;

static PyTypeObject recorded_run_type;

/* Gives the thread its own `run` back; raises nothing. */
static void put_run_back(recorded_run *self)
{
    PyObject *dict = PyObject_GenericGetDict(self->thread, NULL);
    if (dict != NULL && PyDict_GetItemString(dict, "run") == (PyObject *)self) {
        if (self->own_run != NULL) {
            PyDict_SetItemString(dict, "run", self->own_run);
        } else {
            PyDict_DelItemString(dict, "run");
        }
    }
    Py_XDECREF(dict);
    PyErr_Clear();
}

static PyObject *recorded_run_call(PyObject *object, PyObject *const *arguments, size_t count,
                                   PyObject *keywords)
{
    recorded_run *self = (recorded_run *)object;
    Py_INCREF(self); /* the thread's reference goes */
    put_run_back(self);
    Py_ssize_t recorders = PyTuple_GET_SIZE(self->recorders);
    for (Py_ssize_t i = 0; i < recorders; i++) {
        recorder *owner = (recorder *)PyTuple_GET_ITEM(self->recorders, i);
        if (owner->recording != NULL && !owner->abandoned) {
            (void)thread_try_enable(owner, thread_new_call());
        }
    }
    PyObject *result = call_recorded(self->run, arguments, count, keywords);
    PyObject *exception = result == NULL ? compat_take_exception() : NULL;
    for (Py_ssize_t i = 0; i < recorders; i++) {
        recorder *owner = (recorder *)PyTuple_GET_ITEM(self->recorders, i);
        if (thread_disable(owner)) {
            recorder_call_ended(owner);
        }
    }
    compat_restore_exception(exception);
    Py_DECREF(self);
    return result;
}

static int recorded_run_traverse(PyObject *object, visitproc visit, void *arg)
{
    recorded_run *self = (recorded_run *)object;
    Py_VISIT(self->thread);
    Py_VISIT(self->run);
    Py_VISIT(self->own_run);
    Py_VISIT(self->recorders);
    return 0;
}

static void recorded_run_dealloc(PyObject *object)
{
    recorded_run *self = (recorded_run *)object;
    PyObject_GC_UnTrack(object);
    Py_XDECREF(self->thread);
    Py_XDECREF(self->run);
    Py_XDECREF(self->own_run);
    Py_XDECREF(self->recorders);
    PyObject_GC_Del(object);
}

/* No tp_clear: see decorated.c. The cycle is in the thread's dict, which can be cleared. */
static PyTypeObject recorded_run_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    EDBPROF_CALLABLE_TYPE("RecordedRun", recorded_run, Py_TPFLAGS_HAVE_GC),
    .tp_dealloc = recorded_run_dealloc,
    .tp_traverse = recorded_run_traverse,
    .tp_doc = "The run() of a new thread, recorded.",
};

/* Gives the thread a `run` that records: a new reference, or NULL with an exception. */
static recorded_run *give_run(PyObject *thread, PyObject *recorders)
{
    PyObject *dict = PyObject_GenericGetDict(thread, NULL);
    PyObject *run = dict == NULL ? NULL : PyObject_GetAttrString(thread, "run");
    recorded_run *self = run == NULL ? NULL : PyObject_GC_New(recorded_run, &recorded_run_type);
    if (self == NULL) {
        Py_XDECREF(dict);
        Py_XDECREF(run);
        return NULL;
    }
    self->vectorcall = recorded_run_call;
    self->thread = thread;
    self->run = run;
    self->own_run = PyDict_GetItemString(dict, "run");
    self->recorders = recorders;
    Py_INCREF(thread);
    Py_XINCREF(self->own_run);
    Py_INCREF(recorders);
    PyObject_GC_Track(self);
    if (PyDict_SetItemString(dict, "run", (PyObject *)self) < 0) {
        Py_CLEAR(self);
    }
    Py_DECREF(dict);
    return self;
}

/* ---- the Starter --------------------------------------------------------- */

typedef struct {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject *start; /* the function that it replaces */
} starter;

/* Prepares a thread that is about to be started; `callable` is its `_bootstrap`. NULL if no
 * recorder records it; raises nothing. */
static recorded_run *prepare_thread(PyObject *callable)
{
    static bool warned;
    if (!PyMethod_Check(callable)) {
        return NULL;
    }
    PyObject *recorders = thread_recorders_of_new_threads();
    recorded_run *given =
        recorders == NULL ? NULL : give_run(PyMethod_GET_SELF(callable), recorders);
    Py_XDECREF(recorders);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        warn_once(&warned, "cannot record a thread that was started");
    }
    return given;
}

static PyObject *starter_call(PyObject *object, PyObject *const *arguments, size_t count,
                              PyObject *keywords)
{
    PyObject *start = ((starter *)object)->start;
    recorded_run *given = PyVectorcall_NARGS(count) > 0 ? prepare_thread(arguments[0]) : NULL;
    PyObject *result = call_recorded(start, arguments, count, keywords);
    if (result == NULL && given != NULL) {
        PyObject *exception = compat_take_exception();
        put_run_back(given);
        compat_restore_exception(exception);
    }
    Py_XDECREF((PyObject *)given);
    return result;
}

static void starter_dealloc(PyObject *object)
{
    Py_DECREF(((starter *)object)->start);
    Py_TYPE(object)->tp_free(object);
}

static PyMemberDef starter_members[] = {
    {"__wrapped__", T_OBJECT, offsetof(starter, start), READONLY,
     "The function that starts threads."},
    {NULL},
};

static PyTypeObject starter_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    EDBPROF_CALLABLE_TYPE("Starter", starter, 0),
    .tp_dealloc = starter_dealloc,
    .tp_members = starter_members,
    .tp_doc = "Starts a thread, which is recorded if the one that starts it is.",
};

int new_threads_init(void)
{
    thread_set_starts_observer(new_threads_cover);
    return PyType_Ready(&recorded_run_type) < 0 || PyType_Ready(&starter_type) < 0 ? -1 : 0;
}

/* The function by which `threading` starts threads, borrowed, and its name. NULL where the
 * program has not imported it, or has a module of its own of that name. */
static PyObject *start_function(PyObject *threading, const char **name)
{
    /* The former is new in 3.13. */
    static const char *const names[] = {"_start_joinable_thread", "_start_new_thread"};
    PyObject *start = NULL;
    if (threading == NULL || !PyModule_CheckExact(threading)) {
        return NULL;
    }
    for (int i = 0; i < 2 && start == NULL; i++) {
        *name = names[i];
        start = PyDict_GetItemString(PyModule_GetDict(threading), names[i]);
    }
    return start;
}

void new_threads_cover(void)
{
    PyObject *exception = compat_take_exception();
    PyObject *modules = loaded_modules();
    PyObject *threading = modules == NULL ? NULL : PyDict_GetItemString(modules, "threading");
    const char *name;
    PyObject *start = start_function(threading, &name);
    if (start != NULL && Py_TYPE(start) != &starter_type) {
        starter *self = PyObject_New(starter, &starter_type);
        if (self != NULL) {
            self->vectorcall = starter_call;
            Py_INCREF(start);
            self->start = start;
            (void)PyDict_SetItemString(PyModule_GetDict(threading), name, (PyObject *)self);
            Py_DECREF(self);
        }
    }
    PyErr_Clear();
    compat_restore_exception(exception);
}
