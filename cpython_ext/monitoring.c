/* The hook of Python 3.12 and later: sys.monitoring (PEP 669).
 *
 * Its events are on or off for all threads of an interpreter at once, and switching them
 * visits every code object on every thread's stack. So they stay on after a recorded
 * call: callbacks in threads that record nothing return at once, and the last of a
 * number of such idle events, if no thread records, switches them off. */
#include "events.h"

#if EDBPROF_HAVE_MONITORING

#include <time.h>

enum {
    FEWEST_IDLE = 256,
    MOST_IDLE = 16384,
    NS_OF_IDLE_EVENT = 30,
    MILLION = 1000000,
    /* Of the 8,388,607 pairs that an interpreter has in it, the rest is for others. */
    MOST_MILLIONS = 6,
};

static struct {
    PyObject *module;     /* sys.monitoring */
    PyObject *set_events; /* its function */
    PyObject *name;       /* ours, as a tool's */
    PyObject *tool, *all, *none; /* what set_events is called with */
    bool on;
    bool for_good;      /* they can't be switched off any more */
    unsigned recording; /* threads that record by this hook */
    uint32_t idle;      /* events in other threads since the last recorded call */
    uint32_t idle_limit;
    uint64_t on_ns; /* what switching on took */
    uint64_t cycles; /* how often they were switched off */
    uint64_t sets;   /* calls of set_events */
} monitoring;

/* ---- callbacks ----------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
} callback;

/* Called by Python code, of which there should be none. */
static PyObject *callback_repr(PyObject *self)
{
    (void)self;
    return PyUnicode_FromString("<edbprof's callback for sys.monitoring>");
}

static PyTypeObject callback_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "edbprof_native._native.Callback",
    .tp_basicsize = sizeof(callback),
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(callback, vectorcall),
    .tp_repr = callback_repr,
    .tp_flags = Py_TPFLAGS_DEFAULT | EDBPROF_HAVE_VECTORCALL,
    .tp_doc = "What sys.monitoring calls.",
};

static void switch_off(void);

static Py_NO_INLINE void idle_event(void)
{
    if (monitoring.recording == 0 && ++monitoring.idle >= monitoring.idle_limit) {
        monitoring.idle = 0;
        switch_off();
    }
}

/* The recorders of this thread that listen to this hook; NULL for none. */
static inline const activities *listening(void)
{
    const thread_state *state = thread_state_current();
    if (state == NULL || state->active[HOOK_MONITORING].count == 0) {
        idle_event();
        return NULL;
    }
    return &state->active[HOOK_MONITORING];
}

/* Python code may call the callbacks, too, with anything. */
static inline bool has_code(PyObject *const *arguments, size_t count, Py_ssize_t least)
{
    return PyVectorcall_NARGS(count) >= least && PyCode_Check(arguments[0]);
}

static PyObject *on_start(PyObject *self, PyObject *const *arguments, size_t count,
                          PyObject *keywords)
{
    (void)self, (void)keywords;
    const activities *list = listening();
    if (list != NULL && has_code(arguments, count, 1)) {
        enter_code(list, (PyCodeObject *)arguments[0], false);
    }
    Py_RETURN_NONE;
}

static PyObject *on_resume(PyObject *self, PyObject *const *arguments, size_t count,
                           PyObject *keywords)
{
    (void)self, (void)keywords;
    const activities *list = listening();
    if (list != NULL && has_code(arguments, count, 1)) {
        enter_code(list, (PyCodeObject *)arguments[0], true);
    }
    Py_RETURN_NONE;
}

static PyObject *on_return(PyObject *self, PyObject *const *arguments, size_t count,
                           PyObject *keywords)
{
    (void)self, (void)keywords;
    const activities *list = listening();
    if (list != NULL && has_code(arguments, count, 1)) {
        leave_code(list, (PyCodeObject *)arguments[0]);
    }
    Py_RETURN_NONE;
}

/* The key of what PyEval_SetProfile would show as a call of a builtin; 0 for others. */
static inline uint64_t callable_key(PyObject *callable, PyObject *self)
{
    if (PyCFunction_Check(callable)) {
        PyCFunctionObject *builtin = (PyCFunctionObject *)callable;
        return builtin_key(builtin->m_ml, builtin->m_self);
    }
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type)) {
        PyMethodDescrObject *method = (PyMethodDescrObject *)callable;
        /* No type has sys.monitoring.MISSING for an instance, which stands for none. */
        if (PyObject_TypeCheck(self, method->d_common.d_type)) {
            return builtin_key(method->d_method, self);
        }
    }
    return 0;
}

static PyObject *on_call(PyObject *self, PyObject *const *arguments, size_t count,
                         PyObject *keywords)
{
    (void)self, (void)keywords;
    const activities *list = listening();
    if (list != NULL && PyVectorcall_NARGS(count) >= 4) {
        uint64_t key = callable_key(arguments[2], arguments[3]);
        if (key != 0) {
            enter_builtin(list, arguments[2], arguments[3], key);
        }
    }
    Py_RETURN_NONE;
}

static PyObject *on_c_return(PyObject *self, PyObject *const *arguments, size_t count,
                             PyObject *keywords)
{
    (void)self, (void)keywords;
    const activities *list = listening();
    if (list != NULL && PyVectorcall_NARGS(count) >= 4) {
        uint64_t key = callable_key(arguments[2], arguments[3]);
        if (key != 0) {
            leave_builtin(list, key);
        }
    }
    Py_RETURN_NONE;
}

/* C_RETURN and C_RAISE come with CALL: they can't be asked for. */
static const struct {
    const char *event;
    vectorcallfunc function;
    bool asked_for;
} handlers[] = {
    {"PY_START", on_start, true},    {"PY_RESUME", on_resume, true},
    {"PY_THROW", on_resume, true},   {"PY_RETURN", on_return, true},
    {"PY_YIELD", on_return, true},   {"PY_UNWIND", on_return, true},
    {"CALL", on_call, true},         {"C_RETURN", on_c_return, false},
    {"C_RAISE", on_c_return, false},
};

/* ---- switching ----------------------------------------------------------- */

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* 0, or -1 with an exception. */
static int set_events(PyObject *events)
{
    PyObject *arguments[] = {monitoring.tool, events};
    monitoring.sets++;
    PyObject *result = PyObject_Vectorcall(monitoring.set_events, arguments, 2, NULL);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* After so many idle events they have cost what switching off and on again costs. */
static void choose_idle_limit(uint64_t pair_ns)
{
    uint64_t limit = pair_ns / NS_OF_IDLE_EVENT;
    limit = limit < FEWEST_IDLE ? FEWEST_IDLE : limit;
    limit = limit > MOST_IDLE ? MOST_IDLE : limit;
    monitoring.idle_limit = (uint32_t)limit;
#if EDBPROF_MONITORING_WEARS_OUT
    uint64_t millions = monitoring.cycles / MILLION;
    monitoring.for_good = monitoring.for_good || millions >= MOST_MILLIONS;
    monitoring.idle_limit <<= millions < MOST_MILLIONS ? millions : MOST_MILLIONS;
#endif
}

/* In a callback, where no error may come out of. */
static void switch_off(void)
{
    if (!monitoring.on || monitoring.for_good) {
        return;
    }
    PyObject *exception = compat_take_exception();
    uint64_t begin = now_ns();
    if (set_events(monitoring.none) == 0) {
        monitoring.on = false;
        monitoring.cycles++;
        choose_idle_limit(monitoring.on_ns + (now_ns() - begin));
    } else {
        /* The interpreter's changes are used up. It has noted this one for functions
         * that are yet to come, though. */
        PyErr_Clear();
        if (set_events(monitoring.all) < 0) {
            PyErr_Clear();
        }
        monitoring.for_good = true;
    }
    compat_restore_exception(exception);
}

/* Whether the tool id is still ours. */
static bool owns_tool(void)
{
    PyObject *name = PyObject_CallMethod(monitoring.module, "get_tool", "O", monitoring.tool);
    PyErr_Clear();
    Py_XDECREF(name);
    return name != NULL && name == monitoring.name;
}

/* 0, or -1 with an exception. */
static int switch_on(void)
{
    if (!owns_tool()) {
        Py_CLEAR(monitoring.tool);
        if (monitoring_take_tool() < 0) {
            return -1;
        }
    }
    uint64_t begin = now_ns();
    if (set_events(monitoring.all) == 0) {
        monitoring.on = true;
        monitoring.on_ns = now_ns() - begin;
        if (monitoring.idle_limit == 0) {
            choose_idle_limit(2 * monitoring.on_ns);
        }
        return 0;
    }
    if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        if (set_events(monitoring.none) < 0) {
            PyErr_Clear();
        }
        PyErr_SetString(PyExc_RuntimeError,
                        "nothing can be recorded any more: this process has switched "
                        "profilers, tracers or other tools of sys.monitoring on and off so "
                        "often that Python refuses to do it again");
    }
    return -1;
}

int monitoring_begin(void)
{
    monitoring.idle = 0;
    if (!monitoring.on && switch_on() < 0) {
        return -1;
    }
    monitoring.recording++;
    return 0;
}

void monitoring_end(void)
{
    monitoring.recording--;
    monitoring.idle = 0;
}

/* ---- the tool id --------------------------------------------------------- */

int monitoring_init(void)
{
    return PyType_Ready(&callback_type);
}

/* Registers the callbacks with the tool id. 0, or -1 with an exception. */
static int register_callbacks(void)
{
    PyObject *events = PyObject_GetAttrString(monitoring.module, "events");
    long all = 0;
    for (size_t i = 0; events != NULL && i < sizeof handlers / sizeof *handlers; i++) {
        PyObject *event = PyObject_GetAttrString(events, handlers[i].event);
        callback *called = PyObject_New(callback, &callback_type);
        PyObject *before = NULL;
        if (event != NULL && called != NULL) {
            called->vectorcall = handlers[i].function;
            all |= handlers[i].asked_for ? PyLong_AsLong(event) : 0;
            before = PyObject_CallMethod(monitoring.module, "register_callback", "OOO",
                                         monitoring.tool, event, called);
        }
        Py_XDECREF(event);
        Py_XDECREF(called);
        if (before == NULL) {
            Py_CLEAR(events);
        }
        Py_XDECREF(before);
    }
    if (events == NULL) {
        return -1;
    }
    Py_DECREF(events);
    Py_XSETREF(monitoring.all, PyLong_FromLong(all));
    Py_XSETREF(monitoring.none, PyLong_FromLong(0));
    Py_XSETREF(monitoring.set_events, PyObject_GetAttrString(monitoring.module, "set_events"));
    if (monitoring.all == NULL || monitoring.none == NULL || monitoring.set_events == NULL) {
        return -1;
    }
    /* What the id's former user has switched off in single places stays off otherwise. */
    PyObject *restarted = PyObject_CallMethod(monitoring.module, "restart_events", NULL);
    Py_XDECREF(restarted);
    return restarted == NULL ? -1 : 0;
}

static void tell_that_ids_are_taken(const int *ids)
{
    PyErr_Clear();
    PyObject *tools[2];
    for (int i = 0; i < 2; i++) {
        tools[i] = PyObject_CallMethod(monitoring.module, "get_tool", "i", ids[i]);
        PyErr_Clear();
    }
    PyErr_Format(PyExc_ValueError,
                 "hook='monitoring' needs one of the tool ids 3 and 4 of sys.monitoring, but "
                 "%R and %R have taken them: use hook='setprofile', or free one by "
                 "sys.monitoring.free_tool_id()",
                 tools[0] == NULL ? Py_None : tools[0], tools[1] == NULL ? Py_None : tools[1]);
    Py_XDECREF(tools[0]);
    Py_XDECREF(tools[1]);
}

int monitoring_take_tool(void)
{
    /* 0, 1, 2 and 5 have a meaning: debugger, coverage, profiler (cProfile fails when 2
     * is taken), optimizer. */
    static const int ids[] = {3, 4};
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ValueError, "hook='monitoring' works in the main interpreter "
                                          "only: use hook='setprofile'");
        return -1;
    }
    if (monitoring.tool != NULL) {
        return 0;
    }
    PyObject *module = PySys_GetObject("monitoring");
    if (module == NULL) {
        PyErr_SetString(PyExc_ValueError, "hook='monitoring' needs sys.monitoring, which is "
                                          "gone: use hook='setprofile'");
        return -1;
    }
    Py_INCREF(module);
    Py_XSETREF(monitoring.module, module);
    if (monitoring.name == NULL) {
        monitoring.name = PyUnicode_FromString("edbprof");
    }
    for (int i = 0; i < 2 && monitoring.name != NULL; i++) {
        PyObject *used =
            PyObject_CallMethod(module, "use_tool_id", "iO", ids[i], monitoring.name);
        if (used == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
            PyErr_Clear();
            continue;
        }
        if (used == NULL) {
            return -1;
        }
        Py_DECREF(used);
        monitoring.on = false;
        monitoring.tool = PyLong_FromLong(ids[i]);
        if (monitoring.tool != NULL && register_callbacks() == 0) {
            return 0;
        }
        PyObject *exception = compat_take_exception();
        Py_XDECREF(PyObject_CallMethod(module, "free_tool_id", "i", ids[i]));
        PyErr_Clear();
        compat_restore_exception(exception);
        Py_CLEAR(monitoring.tool);
        return -1;
    }
    if (monitoring.name != NULL) {
        tell_that_ids_are_taken(ids);
    }
    return -1;
}

/* For tests: what goes on, and as if events had been switched off `cycles` times. */
PyObject *monitoring_facts(PyObject *module, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"cycles", NULL};
    (void)module;
    unsigned long long cycles = monitoring.cycles;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|$K:_monitoring", names, &cycles)) {
        return NULL;
    }
    monitoring.cycles = cycles;
    return Py_BuildValue("{sOsNsNsIsIsKsK}", "tool",
                         monitoring.tool == NULL ? Py_None : monitoring.tool, "on",
                         PyBool_FromLong(monitoring.on), "for_good",
                         PyBool_FromLong(monitoring.for_good), "idle", monitoring.idle,
                         "idle_limit", monitoring.idle_limit, "cycles",
                         (unsigned long long)monitoring.cycles, "sets",
                         (unsigned long long)monitoring.sets);
}

#else /* before Python 3.12 */

int monitoring_init(void) { return 0; }

int monitoring_take_tool(void)
{
    PyErr_Format(PyExc_ValueError,
                 "hook='monitoring' needs Python 3.12 or later, this is %d.%d: use "
                 "hook='setprofile'",
                 PY_MAJOR_VERSION, PY_MINOR_VERSION);
    return -1;
}

int monitoring_begin(void) { return monitoring_take_tool(); }

void monitoring_end(void) {}

PyObject *monitoring_facts(PyObject *module, PyObject *arguments, PyObject *keywords)
{
    (void)module, (void)arguments, (void)keywords;
    Py_RETURN_NONE;
}

#endif
