/* When the events of sys.monitoring are on.
 *
 * They are on or off for all threads of an interpreter at once, and switching them visits
 * every code object on every thread's stack. So they stay on after a recorded call:
 * callbacks in threads that record nothing return at once, and the last of a number of
 * such idle events, if no thread records, switches them off. */
#include "edbprof_ext.h"

#if EDBPROF_HAVE_MONITORING

#include <time.h>

enum {
    FEWEST_IDLE = 256,
    MOST_IDLE = 16384,
    NS_OF_IDLE_EVENT = 30,
    MILLION = 1000000,
    /* Of the 8,388,607 pairs that an interpreter has in it, the rest is for others. */
    MOST_MILLIONS = 6,
    /* Others may free our tool id while events are on: looked for so often. */
    BEGINS_BETWEEN_CHECKS = 256,
};

static struct {
    PyObject *module;            /* sys.monitoring */
    PyObject *set_events;        /* its function */
    PyObject *tool, *all, *none; /* what that is called with */
    PyObject *name;              /* ours, as a tool's */
    bool on;
    bool for_good;       /* they can't be switched off any more */
    unsigned recording;  /* threads that record by this hook */
    uint32_t idle;       /* events in other threads since the last recorded call */
    uint32_t idle_limit; /* so many, and they are switched off */
    uint64_t on_ns;      /* what switching on took */
    uint64_t begins;     /* how often a thread has begun to record */
    uint64_t cycles;     /* how often they were switched off */
    uint64_t sets;       /* calls of set_events */
} arming;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* 0, or -1 with an exception. */
static int set_events(PyObject *events)
{
    PyObject *arguments[] = {arming.tool, events};
    arming.sets++;
    PyObject *result = PyObject_Vectorcall(arming.set_events, arguments, 2, NULL);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* After so many idle events they have cost what switching off and on again costs. */
static void choose_idle_limit(uint64_t pair_ns)
{
    uint64_t limit = pair_ns / NS_OF_IDLE_EVENT;
    limit = limit < FEWEST_IDLE ? FEWEST_IDLE : limit;
    limit = limit > MOST_IDLE ? MOST_IDLE : limit;
    arming.idle_limit = (uint32_t)limit;
#if EDBPROF_MONITORING_WEARS_OUT
    uint64_t millions = arming.cycles / MILLION;
    arming.for_good = arming.for_good || millions >= MOST_MILLIONS;
    arming.idle_limit <<= millions < MOST_MILLIONS ? millions : MOST_MILLIONS;
#endif
}

/* In a callback, where no error may come out of. */
static void switch_off(void)
{
    if (!arming.on || arming.for_good) {
        return;
    }
    PyObject *exception = compat_take_exception();
    uint64_t begin = now_ns();
    if (set_events(arming.none) == 0) {
        arming.on = false;
        arming.cycles++;
        choose_idle_limit(arming.on_ns + (now_ns() - begin));
    } else {
        /* The interpreter's changes are used up. It has noted this one for functions
         * that are yet to come, though. */
        PyErr_Clear();
        if (set_events(arming.all) < 0) {
            PyErr_Clear();
        }
        arming.for_good = true;
    }
    compat_restore_exception(exception);
}

/* Whether the tool id is still ours. */
static bool owns_tool(void)
{
    PyObject *name = PyObject_CallMethod(arming.module, "get_tool", "O", arming.tool);
    PyErr_Clear();
    Py_XDECREF(name);
    return name != NULL && name == arming.name;
}

/* 0, or -1 with an exception. */
static int switch_on(void)
{
    if (!owns_tool()) {
        Py_CLEAR(arming.tool);
        if (arming_take_tool() < 0) {
            return -1;
        }
    }
    uint64_t begin = now_ns();
    if (set_events(arming.all) == 0) {
        arming.on = true;
        arming.on_ns = now_ns() - begin;
        if (arming.idle_limit == 0) {
            choose_idle_limit(2 * arming.on_ns);
        }
        return 0;
    }
    if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        if (set_events(arming.none) < 0) {
            PyErr_Clear();
        }
        PyErr_SetString(PyExc_RuntimeError,
                        "nothing can be recorded any more: this process has switched "
                        "profilers, tracers or other tools of sys.monitoring on and off so "
                        "often that Python refuses to do it again");
    }
    return -1;
}

void arming_idle_event(void)
{
    if (arming.recording == 0 && ++arming.idle >= arming.idle_limit) {
        arming.idle = 0;
        switch_off();
    }
}

void arming_check(void)
{
    if (!arming.on) {
        return;
    }
    PyObject *events = PyObject_CallMethod(arming.module, "get_events", "O", arming.tool);
    int same = events == NULL ? 0 : PyObject_RichCompareBool(events, arming.all, Py_EQ);
    Py_XDECREF(events);
    PyErr_Clear();
    arming.on = same == 1 && owns_tool();
}

int arming_begin(void)
{
    arming.idle = 0;
    if (++arming.begins % BEGINS_BETWEEN_CHECKS == 0) {
        arming_check();
    }
    if (!arming.on && switch_on() < 0) {
        return -1;
    }
    arming.recording++;
    return 0;
}

void arming_begin_local(void) { arming.recording++; }

void arming_end(void)
{
    arming.recording--;
    arming.idle = 0;
}

/* Whether another tool has events on, or may have. */
static bool others_listen(void)
{
    bool listen = false;
    for (int id = 0; id < 6 && !listen; id++) {
        PyObject *name = PyObject_CallMethod(arming.module, "get_tool", "i", id);
        if (name != NULL && name != Py_None && name != arming.name) {
            PyObject *events = PyObject_CallMethod(arming.module, "get_events", "i", id);
            listen = events == NULL || PyObject_IsTrue(events) != 0;
            Py_XDECREF(events);
        }
        listen = listen || name == NULL;
        Py_XDECREF(name);
    }
    PyErr_Clear();
    return listen;
}

/* Of our events those that calls and resumes need: the others can't be had for single
 * code objects before 3.15. -1 with an exception. */
static long local_events(void)
{
    static const char *const names[] = {"PY_START", "PY_RESUME", "PY_RETURN", "PY_YIELD",
                                        "CALL"};
    PyObject *events = PyObject_GetAttrString(arming.module, "events");
    long all = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names && all >= 0; i++) {
        PyObject *event = events == NULL ? NULL : PyObject_GetAttrString(events, names[i]);
        long number = event == NULL ? -1 : PyLong_AsLong(event);
        all = number < 0 ? -1 : all | number;
        Py_XDECREF(event);
    }
    Py_XDECREF(events);
    return all;
}

/* Whether it could be done for all of them. */
static bool set_local_events(PyObject *codes, long events)
{
    bool set = events >= 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(codes) && set; i++) {
        PyObject *result = PyObject_CallMethod(arming.module, "set_local_events", "OOl",
                                               arming.tool, PyList_GET_ITEM(codes, i), events);
        set = result != NULL;
        Py_XDECREF(result);
    }
    PyErr_Clear();
    return set;
}

bool arming_local_begin(PyObject *codes)
{
    if (arming.module == NULL) {
        PyObject *module = PySys_GetObject("monitoring");
        Py_XINCREF(module);
        arming.module = module;
    }
    if (arming.module == NULL || arming.recording > 0 || others_listen()) {
        return false;
    }
    arming_check();
    switch_off();
    if (codes == NULL || arming.on) {
        return !arming.on;
    }
    if (arming.tool != NULL && owns_tool() && set_local_events(codes, local_events())) {
        return true;
    }
    arming_local_end(codes);
    return false;
}

bool arming_local_end(PyObject *codes)
{
    bool off = codes == NULL || arming.tool == NULL || set_local_events(codes, 0);
    return off && !arming.on;
}

/* Registers the callbacks with the tool id. 0, or -1 with an exception. */
static int ready_tool(void)
{
    long all = monitoring_register(arming.module, arming.tool);
    if (all < 0) {
        return -1;
    }
    Py_XSETREF(arming.all, PyLong_FromLong(all));
    Py_XSETREF(arming.none, PyLong_FromLong(0));
    Py_XSETREF(arming.set_events, PyObject_GetAttrString(arming.module, "set_events"));
    if (arming.all == NULL || arming.none == NULL || arming.set_events == NULL) {
        return -1;
    }
    /* What the id's former user has switched off in single places stays off otherwise. */
    PyObject *restarted = PyObject_CallMethod(arming.module, "restart_events", NULL);
    Py_XDECREF(restarted);
    return restarted == NULL ? -1 : 0;
}

static void tell_that_ids_are_taken(const int *ids)
{
    PyErr_Clear();
    PyObject *tools[2];
    for (int i = 0; i < 2; i++) {
        tools[i] = PyObject_CallMethod(arming.module, "get_tool", "i", ids[i]);
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

int arming_take_tool(void)
{
    /* 0, 1, 2 and 5 have a meaning: debugger, coverage, profiler (cProfile fails when 2
     * is taken), optimizer. */
    static const int ids[] = {3, 4};
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ValueError, "hook='monitoring' works in the main interpreter "
                                          "only: use hook='setprofile'");
        return -1;
    }
    if (arming.tool != NULL) {
        return 0;
    }
    PyObject *module = PySys_GetObject("monitoring");
    if (module == NULL) {
        PyErr_SetString(PyExc_ValueError, "hook='monitoring' needs sys.monitoring, which is "
                                          "gone: use hook='setprofile'");
        return -1;
    }
    Py_INCREF(module);
    Py_XSETREF(arming.module, module);
    if (arming.name == NULL) {
        arming.name = PyUnicode_FromString("edbprof");
    }
    for (int i = 0; i < 2 && arming.name != NULL; i++) {
        PyObject *used =
            PyObject_CallMethod(module, "use_tool_id", "iO", ids[i], arming.name);
        if (used == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
            PyErr_Clear();
            continue;
        }
        if (used == NULL) {
            return -1;
        }
        Py_DECREF(used);
        arming.on = false;
        arming.tool = PyLong_FromLong(ids[i]);
        if (arming.tool != NULL && ready_tool() == 0) {
            return 0;
        }
        PyObject *exception = compat_take_exception();
        Py_XDECREF(PyObject_CallMethod(module, "free_tool_id", "i", ids[i]));
        PyErr_Clear();
        compat_restore_exception(exception);
        Py_CLEAR(arming.tool);
        return -1;
    }
    if (arming.name != NULL) {
        tell_that_ids_are_taken(ids);
    }
    return -1;
}

/* For tests: what goes on, and as if events had been switched off `cycles` times. */
PyObject *arming_facts(PyObject *module, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"cycles", NULL};
    (void)module;
    unsigned long long cycles = arming.cycles;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|$K:_monitoring", names, &cycles)) {
        return NULL;
    }
    arming.cycles = cycles;
    return Py_BuildValue("{sOsNsNsIsIsKsK}", "tool",
                         arming.tool == NULL ? Py_None : arming.tool, "on",
                         PyBool_FromLong(arming.on), "for_good",
                         PyBool_FromLong(arming.for_good), "idle", arming.idle,
                         "idle_limit", arming.idle_limit, "cycles",
                         (unsigned long long)arming.cycles, "sets",
                         (unsigned long long)arming.sets);
}

#else /* before Python 3.12 */

int arming_take_tool(void)
{
    PyErr_Format(PyExc_ValueError,
                 "hook='monitoring' needs Python 3.12 or later, this is %d.%d: use "
                 "hook='setprofile'",
                 PY_MAJOR_VERSION, PY_MINOR_VERSION);
    return -1;
}

void arming_check(void) {}

int arming_begin(void) { return arming_take_tool(); }

void arming_begin_local(void) {}

bool arming_local_begin(PyObject *codes)
{
    (void)codes;
    return true;
}

bool arming_local_end(PyObject *codes)
{
    (void)codes;
    return true;
}

void arming_idle_event(void) {}

void arming_end(void) {}

PyObject *arming_facts(PyObject *module, PyObject *arguments, PyObject *keywords)
{
    (void)module, (void)arguments, (void)keywords;
    Py_RETURN_NONE;
}

#endif
