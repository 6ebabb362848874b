/* The gate that switches the events of sys.monitoring on and off.
 *
 * They are on or off for all threads of an interpreter at once, and switching them visits
 * every code object on every thread's stack. So they stay on after a recorded call. Callbacks
 * in threads that record nothing return at once; after a number of such unclaimed events, if
 * no thread records, they are switched off. Those of C functions stay off as long as no recorder
 * needs them, because they are the most. */
#include "monitoring_gate.h"

#include "thread_state.h"

#include <time.h>

enum {
    FEWEST_UNCLAIMED = 256,
    MOST_UNCLAIMED = 16384,
    NS_OF_UNCLAIMED_EVENT = 30,
    MILLION = 1000000,
    /* Of the 8,388,607 pairs of changes that an interpreter allows: the rest is for others. */
    MOST_MILLIONS = 6,
    /* Others may free our tool id while events are on. */
    OPENINGS_BETWEEN_CHECKS = 256,
};

static struct {
    PyObject *module;     /* sys.monitoring */
    PyObject *set_events; /* its function */
    PyObject *tool;       /* its arguments: this, and one of the next */
    PyObject *all, *python, *none;
    PyObject *name; /* of our tool */
    gate_register register_callbacks;
    bool on;
    bool builtins;      /* since they are on, a recorder has needed the events of C functions */
    bool stuck_on;      /* events can't be switched off any more */
    uint32_t unclaimed; /* events since the last recorded call, where nothing records */
    uint32_t unclaimed_limit; /* after so many they are switched off */
    uint64_t on_ns;           /* time that switching on took */
    uint64_t openings;        /* calls of gate_open */
    uint64_t cycles;          /* times that they were switched off */
    uint64_t sets;            /* calls of set_events */
} gate;

void gate_init(gate_register register_callbacks) { gate.register_callbacks = register_callbacks; }

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* 0, or -1 with an exception. */
static int set_events(PyObject *events)
{
    PyObject *arguments[] = {gate.tool, events};
    gate.sets++;
    PyObject *result = PyObject_Vectorcall(gate.set_events, arguments, 2, NULL);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* The events that are on if any are. */
static PyObject *wanted_events(void)
{
    return gate.builtins || EDBPROF_PREVENTED_STARTS_END ? gate.all : gate.python;
}

/* Chooses the limit so that as many unclaimed events cost as much as switching off and on. */
static void choose_unclaimed_limit(uint64_t pair_ns)
{
    uint64_t limit = pair_ns / NS_OF_UNCLAIMED_EVENT;
    limit = limit < FEWEST_UNCLAIMED ? FEWEST_UNCLAIMED : limit;
    limit = limit > MOST_UNCLAIMED ? MOST_UNCLAIMED : limit;
    gate.unclaimed_limit = (uint32_t)limit;
    if (EDBPROF_MONITORING_WEARS_OUT) {
        uint64_t millions = gate.cycles / MILLION;
        gate.stuck_on = gate.stuck_on || millions >= MOST_MILLIONS;
        gate.unclaimed_limit <<= millions < MOST_MILLIONS ? millions : MOST_MILLIONS;
    }
}

/* Raises nothing: it runs in callbacks. */
static void switch_off(void)
{
    if (!gate.on || gate.stuck_on) {
        return;
    }
    PyObject *exception = compat_take_exception();
    uint64_t begin = now_ns();
    if (set_events(gate.none) == 0) {
        gate.on = gate.builtins = false;
        gate.cycles++;
        choose_unclaimed_limit(gate.on_ns + (now_ns() - begin));
    } else {
        /* The interpreter's changes are used up. Functions that are yet to come would get
         * this one all the same. */
        PyErr_Clear();
        if (set_events(wanted_events()) < 0) {
            PyErr_Clear();
        }
        gate.stuck_on = true;
    }
    compat_restore_exception(exception);
}

/* Returns true if the tool id is still ours. */
static bool owns_tool(void)
{
    PyObject *name = PyObject_CallMethod(gate.module, "get_tool", "O", gate.tool);
    PyErr_Clear();
    Py_XDECREF(name);
    return name != NULL && name == gate.name;
}

/* Switches events on where none are, or only the same ones but those of C functions. 0, or -1 with
 * an exception. */
static int switch_on(bool builtins)
{
    if (!owns_tool()) {
        Py_CLEAR(gate.tool);
        if (gate_take_tool() < 0) {
            return -1;
        }
    }
    uint64_t begin = now_ns();
    bool had_builtins = gate.builtins;
    gate.builtins = had_builtins || builtins;
    if (set_events(wanted_events()) == 0) {
        gate.on = true;
        gate.on_ns = now_ns() - begin;
        if (gate.unclaimed_limit == 0) {
            choose_unclaimed_limit(2 * gate.on_ns);
        }
        return 0;
    }
    gate.builtins = had_builtins;
    if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        if (set_events(gate.on ? wanted_events() : gate.none) < 0) {
            PyErr_Clear();
        }
        PyErr_SetString(PyExc_RuntimeError,
                        "nothing can be recorded any more: this process has switched "
                        "profilers, tracers or other tools of sys.monitoring on and off so "
                        "often that Python refuses to do it again");
    }
    return -1;
}

void gate_unclaimed_event(void)
{
    if (threads_by_hook[HOOK_MONITORING] == 0 && ++gate.unclaimed >= gate.unclaimed_limit) {
        gate.unclaimed = 0;
        switch_off();
    }
}

void gate_check(void)
{
    if (!gate.on) {
        return;
    }
    PyObject *events = PyObject_CallMethod(gate.module, "get_events", "O", gate.tool);
    int same = events == NULL ? 0 : PyObject_RichCompareBool(events, wanted_events(), Py_EQ);
    Py_XDECREF(events);
    PyErr_Clear();
    gate.on = same == 1 && owns_tool();
}

int gate_open(bool builtins)
{
    gate.unclaimed = 0;
    if (++gate.openings % OPENINGS_BETWEEN_CHECKS == 0) {
        gate_check();
    }
    return gate.on && gate.builtins >= builtins ? 0 : switch_on(builtins);
}

/* Returns true if another tool has events on, or may have. */
static bool others_listen(void)
{
    bool listen = false;
    for (int id = 0; id < 6 && !listen; id++) {
        PyObject *name = PyObject_CallMethod(gate.module, "get_tool", "i", id);
        if (name != NULL && name != Py_None && name != gate.name) {
            PyObject *events = PyObject_CallMethod(gate.module, "get_events", "i", id);
            listen = events == NULL || PyObject_IsTrue(events) != 0;
            Py_XDECREF(events);
        }
        listen = listen || name == NULL;
        Py_XDECREF(name);
    }
    PyErr_Clear();
    return listen;
}

long gate_event(const char *name)
{
    PyObject *events = PyObject_GetAttrString(gate.module, "events");
    PyObject *event = events == NULL ? NULL : PyObject_GetAttrString(events, name);
    long number = event == NULL ? -1 : PyLong_AsLong(event);
    Py_XDECREF(event);
    Py_XDECREF(events);
    return number;
}

/* The events of a tool, by `get_events` or `get_local_events`; 0 if it has none. */
static long events_of(const char *get, int id, PyObject *code)
{
    PyObject *events = code == NULL ? PyObject_CallMethod(gate.module, get, "i", id)
                                    : PyObject_CallMethod(gate.module, get, "iO", id, code);
    long number = events == NULL ? 0 : PyLong_AsLong(events);
    Py_XDECREF(events);
    PyErr_Clear();
    return number;
}

bool gate_others_come_after(long event, PyCodeObject *code)
{
    /* Tools get an event by descending id. Ids that nobody uses have no events. */
    long ours = gate.tool == NULL ? 0 : PyLong_AsLong(gate.tool);
    long events = 0;
    for (int id = 0; id < ours; id++) {
        events |= events_of("get_events", id, NULL);
        events |= events_of("get_local_events", id, (PyObject *)code);
    }
    return (events & event) != 0;
}

/* Those of our events that calls and resumes need, because the others can't be set for single
 * code objects before 3.15. -1 with an exception. */
static long local_events(bool builtins)
{
    static const char *const names[] = {"PY_START", "PY_RESUME", "PY_RETURN", "PY_YIELD", "CALL"};
    size_t count = sizeof names / sizeof *names;
    count -= builtins || EDBPROF_PREVENTED_STARTS_END ? 0 : 1;
    long all = 0;
    for (size_t i = 0; i < count && all >= 0; i++) {
        long event = gate_event(names[i]);
        all = event < 0 ? -1 : all | event;
    }
    return all;
}

/* Returns true if all of them were set. */
static bool set_local_events(PyObject *codes, long events)
{
    bool set = events >= 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(codes) && set; i++) {
        PyObject *result = PyObject_CallMethod(gate.module, "set_local_events", "OOl", gate.tool,
                                               PyList_GET_ITEM(codes, i), events);
        set = result != NULL;
        Py_XDECREF(result);
    }
    PyErr_Clear();
    return set;
}

bool gate_restrict_to(PyObject *codes, bool builtins)
{
    if (!EDBPROF_HAVE_MONITORING) {
        return true;
    }
    if (gate.module == NULL) {
        PyObject *module = PySys_GetObject("monitoring");
        Py_XINCREF(module);
        gate.module = module;
    }
    if (gate.module == NULL || threads_by_hook[HOOK_MONITORING] > 0 || others_listen()) {
        return false;
    }
    gate_check();
    switch_off();
    if (codes == NULL || gate.on) {
        return !gate.on;
    }
    if (gate.tool != NULL && owns_tool() && set_local_events(codes, local_events(builtins))) {
        return true;
    }
    gate_lift_restriction(codes);
    return false;
}

bool gate_lift_restriction(PyObject *codes)
{
    /* Without a tool, in Pythons that have none too, there is nothing to switch off. */
    bool off = codes == NULL || gate.tool == NULL || set_local_events(codes, 0);
    return off && !gate.on;
}

/* Registers the callbacks with the tool id. 0, or -1 with an exception. */
static int ready_tool(void)
{
    long all = gate.register_callbacks(gate.module, gate.tool);
    if (all < 0) {
        return -1;
    }
    Py_XSETREF(gate.all, PyLong_FromLong(all));
    long call = gate_event("CALL");
    if (call < 0) {
        return -1;
    }
    Py_XSETREF(gate.python, PyLong_FromLong(all & ~call));
    Py_XSETREF(gate.none, PyLong_FromLong(0));
    Py_XSETREF(gate.set_events, PyObject_GetAttrString(gate.module, "set_events"));
    /* Never restart_events(): places that other tools have disabled are to stay disabled. */
    bool made = gate.all != NULL && gate.python != NULL && gate.none != NULL;
    return made && gate.set_events != NULL ? 0 : -1;
}

/* Tool ids in the order in which they are tried. 0, 1 and 2 belong to debuggers, coverage and
 * cProfile. Hypothesis takes 3 and no other. 5 is for optimizers, of which there are none. */
static const int ids[] = {4, 3, 5};
enum { IDS = sizeof ids / sizeof *ids };

static void raise_ids_are_taken(void)
{
    PyObject *tools[IDS];
    for (int i = 0; i < IDS; i++) {
        tools[i] = PyObject_CallMethod(gate.module, "get_tool", "i", ids[i]);
        PyErr_Clear();
        if (tools[i] == NULL) {
            Py_INCREF(Py_None);
            tools[i] = Py_None;
        }
    }
    PyErr_Format(PyExc_ValueError,
                 "hook='monitoring' needs one of the tool ids 4, 3 and 5 of sys.monitoring, but "
                 "%R, %R and %R have taken them: use hook='setprofile', or free one by "
                 "sys.monitoring.free_tool_id()",
                 tools[0], tools[1], tools[2]);
    for (int i = 0; i < IDS; i++) {
        Py_DECREF(tools[i]);
    }
}

int gate_take_tool(void)
{
    if (!EDBPROF_HAVE_MONITORING) {
        PyErr_Format(PyExc_ValueError,
                     "hook='monitoring' needs Python 3.12 or later, this is %d.%d: use "
                     "hook='setprofile'",
                     PY_MAJOR_VERSION, PY_MINOR_VERSION);
        return -1;
    }
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ValueError, "hook='monitoring' works in the main interpreter "
                                          "only: use hook='setprofile'");
        return -1;
    }
    if (gate.tool != NULL) {
        return 0;
    }
    PyObject *module = PySys_GetObject("monitoring");
    if (module == NULL) {
        PyErr_SetString(PyExc_ValueError, "hook='monitoring' needs sys.monitoring, which is "
                                          "gone: use hook='setprofile'");
        return -1;
    }
    Py_INCREF(module);
    Py_XSETREF(gate.module, module);
    if (gate.name == NULL) {
        gate.name = PyUnicode_FromString("edbprof");
    }
    for (int i = 0; i < IDS && gate.name != NULL; i++) {
        PyObject *used = PyObject_CallMethod(module, "use_tool_id", "iO", ids[i], gate.name);
        if (used == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
            PyErr_Clear();
            continue;
        }
        if (used == NULL) {
            return -1;
        }
        Py_DECREF(used);
        gate.on = false;
        gate.tool = PyLong_FromLong(ids[i]);
        if (gate.tool != NULL && ready_tool() == 0) {
            return 0;
        }
        PyObject *exception = compat_take_exception();
        Py_XDECREF(PyObject_CallMethod(module, "free_tool_id", "i", ids[i]));
        PyErr_Clear();
        compat_restore_exception(exception);
        Py_CLEAR(gate.tool);
        return -1;
    }
    if (gate.name != NULL) {
        raise_ids_are_taken();
    }
    return -1;
}

PyObject *gate_facts(PyObject *Py_UNUSED(module), PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"cycles", NULL};
    unsigned long long cycles = gate.cycles;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|$K:_monitoring", names, &cycles)) {
        return NULL;
    }
    gate.cycles = cycles;
    return Py_BuildValue("{sOsNsNsNsIsIsKsK}", "tool", gate.tool == NULL ? Py_None : gate.tool,
                         "on", PyBool_FromLong(gate.on), "builtins", PyBool_FromLong(gate.builtins),
                         "stuck_on", PyBool_FromLong(gate.stuck_on), "unclaimed", gate.unclaimed,
                         "unclaimed_limit", gate.unclaimed_limit, "cycles",
                         (unsigned long long)gate.cycles, "sets", (unsigned long long)gate.sets);
}
