/* Threads that start while a recorder with threads=True records: they are recorded too.
 *
 * The functions of `_thread` that start threads have their C functions replaced in the table of
 * methods, so that no object changes that the program can see. A thread of `threading` gets a `run`
 * attribute that records, like a subclass or the program could, and that is removed when it is
 * called. The function of threading.setprofile() is set by then and continues to get its events.
 * Other threads are recorded from their first event on. */
#include "new_threads.h"

#include "arrivals.h"
#include "events.h"
#include "names.h"
#include "recorder.h"
#include "thread.h"
#include "thread_state.h"
#include "unnoticed.h"
#include "warn.h"

/* The `run` of a new thread. */
typedef struct {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject *thread;
    PyObject *run;       /* the one that it replaces */
    PyObject *own_run;   /* the same if the thread had it for itself, or NULL */
    PyObject *recorders; /* a tuple */
} recorded_run;

/* Gives the thread its own `run` back; raises nothing. */
static void put_run_back(recorded_run *self)
{
    PyObject *dict = PyObject_GenericGetDict(self->thread, NULL);
    PyObject *run = dict == NULL ? NULL : compat_dict_get(dict, "run");
    if (run == (PyObject *)self) {
        if (self->own_run != NULL) {
            PyDict_SetItemString(dict, "run", self->own_run);
        } else {
            PyDict_DelItemString(dict, "run");
        }
    }
    Py_XDECREF(run);
    Py_XDECREF(dict);
    PyErr_Clear();
}

static PyObject *recorded_run_call(PyObject *object, PyObject *const *arguments, size_t count,
                                   PyObject *keywords)
{
    recorded_run *self = (recorded_run *)object;
    Py_INCREF(self); /* the thread drops its reference */
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
    Py_VISIT(Py_TYPE(object));
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
    compat_free(object);
}

/* No tp_clear: see stand_in.c. The cycle is in the thread's dict, which can be cleared. */
static int make_run_type(interpreter_state *interpreter)
{
    static PyMemberDef members[] = {EDBPROF_VECTORCALL_MEMBER(recorded_run), {NULL}};
    static PyType_Slot slots[] = {
        {Py_tp_dealloc, recorded_run_dealloc},
        {Py_tp_traverse, recorded_run_traverse},
        {Py_tp_call, PyVectorcall_Call},
        {Py_tp_members, members},
        {Py_tp_doc, (void *)"The run() of a new thread, recorded."},
        {0, NULL},
    };
    static PyType_Spec spec = {
        .name = "edbprof_native._native.RecordedRun",
        .basicsize = sizeof(recorded_run),
        .flags = EDBPROF_CALLABLE_FLAGS | EDBPROF_NEVER_CALLED | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    return interpreter_make_type(interpreter, TYPE_RECORDED_RUN, &spec);
}

/* Gives the thread a `run` that records: a new reference, or NULL with an exception. */
static recorded_run *give_run(PyObject *thread, PyObject *recorders)
{
    PyObject *dict = PyObject_GenericGetDict(thread, NULL);
    PyObject *run = dict == NULL ? NULL : PyObject_GetAttrString(thread, "run");
    PyTypeObject *type = interpreter_here()->types[TYPE_RECORDED_RUN];
    recorded_run *self = run == NULL ? NULL : PyObject_GC_New(recorded_run, type);
    if (self == NULL) {
        Py_XDECREF(dict);
        Py_XDECREF(run);
        return NULL;
    }
    self->vectorcall = recorded_run_call;
    self->thread = thread;
    self->run = run;
    self->own_run = compat_dict_get(dict, "run");
    self->recorders = recorders;
    Py_INCREF(thread);
    Py_INCREF(recorders);
    PyObject_GC_Track(self);
    if (PyDict_SetItemString(dict, "run", (PyObject *)self) < 0) {
        Py_CLEAR(self);
    }
    Py_DECREF(dict);
    return self;
}

/* ---- functions of new threads ---------------------------------------------- */

/* The function of a new thread, for Pythons in which it may run before its start has returned. */
typedef struct {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject *function;
    PyObject *recorders; /* a tuple, or NULL */
} started_function;

static PyObject *started_function_call(PyObject *object, PyObject *const *arguments, size_t count,
                                       PyObject *keywords)
{
    const started_function *self = (started_function *)object;
    arrivals_start_here(self->recorders);
    return PyObject_Vectorcall(self->function, arguments, count, keywords);
}

static int started_function_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((started_function *)object)->function);
    Py_VISIT(((started_function *)object)->recorders);
    return 0;
}

static void started_function_dealloc(PyObject *object)
{
    started_function *self = (started_function *)object;
    PyObject_GC_UnTrack(object);
    Py_XDECREF(self->function);
    Py_XDECREF(self->recorders);
    compat_free(object);
}

/* Shown in reports of uncaught errors. */
static PyObject *started_function_repr(PyObject *object)
{
    return PyObject_Repr(((started_function *)object)->function);
}

/* No tp_clear: see stand_in.c. */
static int make_function_type(interpreter_state *interpreter)
{
    static PyMemberDef members[] = {EDBPROF_VECTORCALL_MEMBER(started_function), {NULL}};
    static PyType_Slot slots[] = {
        {Py_tp_dealloc, started_function_dealloc},
        {Py_tp_traverse, started_function_traverse},
        {Py_tp_call, PyVectorcall_Call},
        {Py_tp_repr, started_function_repr},
        {Py_tp_members, members},
        {Py_tp_doc, (void *)"The function of a new thread."},
        {0, NULL},
    };
    static PyType_Spec spec = {
        .name = "edbprof_native._native.StartedFunction",
        .basicsize = sizeof(started_function),
        .flags = EDBPROF_CALLABLE_FLAGS | EDBPROF_NEVER_CALLED | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    return interpreter_make_type(interpreter, TYPE_STARTED_FUNCTION, &spec);
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *start_function(PyObject *function, PyObject *recorders)
{
    PyTypeObject *type = interpreter_here()->types[TYPE_STARTED_FUNCTION];
    started_function *self = PyObject_GC_New(started_function, type);
    if (self != NULL) {
        self->vectorcall = started_function_call;
        self->function = function;
        self->recorders = recorders;
        Py_INCREF(function);
        Py_XINCREF(recorders);
        PyObject_GC_Track(self);
    }
    return (PyObject *)self;
}

/* ---- starts --------------------------------------------------------------- */

/* Returns the thread that is about to start by its `_bootstrap`, borrowed, if that is of
 * `threading` or a copy of it. Otherwise NULL. */
static PyObject *threading_thread(PyObject *callable)
{
    PyObject *function = PyMethod_Check(callable) ? PyMethod_GET_FUNCTION(callable) : NULL;
    if (function == NULL || !PyFunction_Check(function)) {
        return NULL;
    }
    PyObject *name = ((PyFunctionObject *)function)->func_qualname;
    bool fits = PyUnicode_CompareWithASCIIString(name, "Thread._bootstrap") == 0;
    return fits ? PyMethod_GET_SELF(callable) : NULL;
}

typedef struct {
    bool is_known;       /* a recorder wants new threads, so this one is accounted for */
    bool says_itself;    /* it reports its start itself, because others can't find it */
    uint64_t before;     /* number of the newest Python thread */
    PyObject *recorders; /* that begin with the thread's first event, or NULL */
    recorded_run *given; /* or NULL */
} start;

/* Prepares a thread that is about to be started; raises nothing. */
static start prepare(PyObject *callable)
{
    static bool warned;
    start self = {0};
    /* Interpreters that have not imported this module call this too. */
    const interpreter_state *here = shared_load(&threads_wanted) == 0 ? NULL : interpreter_here();
    if (here == NULL || shared_load(&here->wanted) == 0) {
        return self;
    }
    self.is_known = true;
    self.says_itself = !interpreter_may_list(here);
    self.recorders = thread_recorders_of_new_threads();
    PyObject *thread = callable == NULL ? NULL : threading_thread(callable);
    if (self.recorders != NULL && thread != NULL) {
        self.given = give_run(thread, self.recorders);
        Py_CLEAR(self.recorders);
    }
    if (PyErr_Occurred()) {
        PyErr_Clear();
        warn_once(&warned, "cannot record a thread that was started");
    }
    self.before = thread_state_newest();
    return self;
}

/* Returns the number of the OS thread that was started, from the number or a handle; 0 if
 * unknown. */
static unsigned long ident_of(PyObject *result)
{
    bool is_handle = !PyLong_Check(result);
    PyObject *ident = is_handle ? PyObject_GetAttrString(result, "ident") : result;
    unsigned long number = ident != NULL && PyLong_Check(ident) ? PyLong_AsUnsignedLong(ident) : 0;
    if (is_handle) {
        Py_XDECREF(ident);
    }
    PyErr_Clear();
    return number;
}

/* Ends what prepare() has begun. `result` is the value that the start returned, NULL for an
 * exception. */
static PyObject *finish(start *self, PyObject *result)
{
    PyObject *exception = result == NULL ? compat_take_exception() : NULL;
    /* If the system refuses another thread, a Python thread has been made for it already. */
    bool is_made = result != NULL || PyErr_GivenExceptionMatches(exception, PyExc_RuntimeError);
    if (self->is_known && is_made) {
        unnoticed_account();
    }
    if (self->is_known && result != NULL && !self->says_itself) {
        arrivals_started(self->before, ident_of(result), self->recorders);
    }
    if (self->given != NULL && result == NULL) {
        put_run_back(self->given);
    }
    Py_XDECREF(self->recorders);
    Py_XDECREF((PyObject *)self->given);
    compat_restore_exception(exception);
    return result;
}

static PyObject *callable_of(PyObject *arguments, PyObject *keywords)
{
    if (PyTuple_GET_SIZE(arguments) > 0) {
        return PyTuple_GET_ITEM(arguments, 0);
    }
    return keywords == NULL ? NULL : PyDict_GetItemString(keywords, "function");
}

/* Returns the arguments of a start, with a function that reports the start in the thread itself: a
 * new reference. NULL if that is unnecessary or impossible. */
static PyObject *with_start(const start *self, PyObject *arguments)
{
    Py_ssize_t count = PyTuple_GET_SIZE(arguments);
    if (!self->says_itself || count == 0 || !PyCallable_Check(PyTuple_GET_ITEM(arguments, 0))) {
        return NULL;
    }
    PyObject *replaced = PyTuple_New(count);
    PyObject *started = start_function(PyTuple_GET_ITEM(arguments, 0), self->recorders);
    if (replaced == NULL || started == NULL) {
        Py_XDECREF(replaced);
        Py_XDECREF(started);
        PyErr_Clear();
        return NULL;
    }
    PyTuple_SET_ITEM(replaced, 0, started);
    for (Py_ssize_t i = 1; i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(arguments, i);
        Py_INCREF(item);
        PyTuple_SET_ITEM(replaced, i, item);
    }
    return replaced;
}

/* Returns the keywords of a start, whose function is among them, with such a function: a new
 * reference, or NULL. */
static PyObject *with_keyword_start(const start *self, PyObject *keywords)
{
    PyObject *function = keywords == NULL ? NULL : PyDict_GetItemString(keywords, "function");
    if (!self->says_itself || function == NULL || !PyCallable_Check(function)) {
        return NULL;
    }
    PyObject *replaced = PyDict_Copy(keywords);
    PyObject *started = start_function(function, self->recorders);
    if (replaced == NULL || started == NULL ||
        PyDict_SetItemString(replaced, "function", started) < 0) {
        Py_CLEAR(replaced);
        PyErr_Clear();
    }
    Py_XDECREF(started);
    return replaced;
}

static PyCFunction original_start;
static PyCFunctionWithKeywords original_joinable;

static PyObject *start_new_thread(PyObject *module, PyObject *arguments)
{
    start self = prepare(callable_of(arguments, NULL));
    PyObject *replaced = with_start(&self, arguments);
    PyObject *result = original_start(module, replaced != NULL ? replaced : arguments);
    Py_XDECREF(replaced);
    return finish(&self, result);
}

static PyObject *start_joinable_thread(PyObject *module, PyObject *arguments, PyObject *keywords)
{
    start self = prepare(callable_of(arguments, keywords));
    PyObject *positional = with_start(&self, arguments);
    PyObject *by_name = with_keyword_start(&self, keywords);
    PyObject *result = original_joinable(module, positional != NULL ? positional : arguments,
                                         by_name != NULL ? by_name : keywords);
    Py_XDECREF(positional);
    Py_XDECREF(by_name);
    return finish(&self, result);
}

/* Covers one function of `_thread`; does nothing if it is called in another way. */
static void cover_start(PyMethodDef *method)
{
    bool starts = strcmp(method->ml_name, "start_new_thread") == 0 ||
                  strcmp(method->ml_name, "start_new") == 0;
    if (starts && method->ml_flags == METH_VARARGS &&
        (original_start == NULL || original_start == method->ml_meth)) {
        original_start = method->ml_meth;
        method->ml_meth = start_new_thread;
    }
    if (strcmp(method->ml_name, "start_joinable_thread") == 0 &&
        method->ml_flags == (METH_VARARGS | METH_KEYWORDS)) {
        original_joinable = (PyCFunctionWithKeywords)(void (*)(void))method->ml_meth;
        method->ml_meth = (PyCFunction)(void (*)(void))start_joinable_thread;
    }
}

/* Covers the functions by the module's definition, because the program may have replaced them.
 * Every Python imports `_thread` when it starts. */
static void cover_starts(void)
{
    static bool covered; /* Each interpreter has the same table. */
    PyObject *module = loaded_module("_thread");
    bool fits = module != NULL && PyModule_Check(module);
    PyModuleDef *definition = fits ? PyModule_GetDef(module) : NULL;
    Py_XDECREF(module); /* The definition is a constant. */
    PyErr_Clear();
    if (definition == NULL || strcmp(definition->m_name, "_thread") != 0) {
        return;
    }
    process_lock_take();
    for (PyMethodDef *method = covered ? NULL : definition->m_methods;
         method != NULL && method->ml_name != NULL; method++) {
        cover_start(method);
    }
    covered = true;
    process_lock_give();
}

int new_threads_init(interpreter_state *interpreter)
{
    cover_starts();
    return make_run_type(interpreter) < 0 ? -1 : make_function_type(interpreter);
}
