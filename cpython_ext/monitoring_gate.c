/* The gate that switches the events of sys.monitoring on and off.
 *
 * Events are on or off for all threads of an interpreter at once, and switching them visits every
 * code object on every thread's stack. So they stay on after a recorded call. Callbacks in threads
 * that record nothing return at once; after a number of such unclaimed events, if no thread
 * records, they are switched off. Events of C functions stay off as long as no recorder needs them,
 * because they are the most frequent. */
#include "monitoring_gate.h"

#include "guard.h"
#include "thread_state.h"
#include "tool_ids.h"

#include <time.h>

enum {
    FEWEST_UNCLAIMED = 256,
    MOST_UNCLAIMED = 16384,
    NS_OF_UNCLAIMED_EVENT = 30,
    MILLION = 1000000,
    /* Millions of pairs of changes that we make, of 8,388,607 that an interpreter allows. The rest
     * is for other tools. */
    MOST_MILLIONS = 6,
    /* Others may free our tool id while events are on. */
    OPENINGS_BETWEEN_CHECKS = 256,
    /* More than sys.monitoring has events, each of which is one bit. */
    EVENT_BITS = 24,
};

/* State of one tool id of an interpreter. */
typedef struct tool_gate {
    interpreter_state *interpreter;
    PyObject *set_events; /* of sys.monitoring */
    PyObject *tool;       /* its arguments: this, and one of the next */
    PyObject *all, *python, *none;
    shared_lock switching; /* of threads that switch the events on or off */
    bool on;       /* cleared before the events are off, set after they are on: see gate_is_open */
    bool builtins; /* since they are on, a recorder has needed the events of C functions */
    bool stuck_on; /* events can't be switched off any more */
    uint32_t unclaimed;       /* events since the last recorded call, where nothing records */
    uint32_t unclaimed_limit; /* after so many they are switched off */
    uint64_t on_ns;           /* time that switching on took */
    uint64_t openings;        /* calls of gate_open */
    uint64_t cycles;          /* times that they were switched off */
    uint64_t sets;            /* calls of set_events */
} tool_gate;

static gate_register registers[HOOK_COUNT];

/* Returns the gate of the calling thread's interpreter, which has imported the extension. */
static tool_gate *gate_of(hook_kind hook) { return &interpreter_here()->gates[hook]; }

static hook_kind hook_of(const tool_gate *gate)
{
    return (hook_kind)(gate - gate->interpreter->gates);
}

/* Returns the number of a gate's unclaimed events. Without the GIL each thread counts its own,
 * because a variable that all of them change would slow all of them. */
static uint32_t *unclaimed_of(tool_gate *gate)
{
#if EDBPROF_FREE_THREADED
    static EDBPROF_THREAD_LOCAL uint32_t unclaimed[HOOK_COUNT];
    return &unclaimed[hook_of(gate)];
#else
    return &gate->unclaimed;
#endif
}

void gate_init(hook_kind hook, gate_register register_callbacks)
{
    registers[hook] = register_callbacks;
}

/* Drops the objects of an interpreter that ends. */
static void drop_gates(interpreter_state *interpreter)
{
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        tool_gate *gate = &interpreter->gates[hook];
        Py_CLEAR(gate->set_events);
        Py_CLEAR(gate->tool);
        Py_CLEAR(gate->all);
        Py_CLEAR(gate->python);
        Py_CLEAR(gate->none);
    }
}

int gates_make(interpreter_state *interpreter)
{
    if (interpreter->gates != NULL) {
        return 0;
    }
    interpreter->gates = PyMem_RawCalloc(HOOK_COUNT, sizeof *interpreter->gates);
    if (interpreter->gates == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        interpreter->gates[hook].interpreter = interpreter;
        if (interpreter->is_main) { /* Others can't fork. */
            shared_lock_watch(&interpreter->gates[hook].switching);
        }
    }
    interpreter_call_at_end(drop_gates);
    return 0;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Returns 0, or -1 with an exception. */
static int set_events(tool_gate *gate, PyObject *events)
{
    PyObject *arguments[] = {gate->tool, events};
    gate->sets++;
    PyObject *result = PyObject_Vectorcall(gate->set_events, arguments, 2, NULL);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* Returns the events that are on if any are. */
static PyObject *wanted_events(const tool_gate *gate)
{
    return gate->builtins || EDBPROF_PREVENTED_STARTS_END ? gate->all : gate->python;
}

/* Chooses the limit so that as many unclaimed events cost as much as switching off and on. */
static void choose_unclaimed_limit(tool_gate *gate, uint64_t pair_ns)
{
    uint64_t limit = pair_ns / NS_OF_UNCLAIMED_EVENT;
    limit = limit < FEWEST_UNCLAIMED ? FEWEST_UNCLAIMED : limit;
    limit = limit > MOST_UNCLAIMED ? MOST_UNCLAIMED : limit;
    if (EDBPROF_MONITORING_WEARS_OUT) {
        uint64_t millions = gate->cycles / MILLION;
        gate->stuck_on = gate->stuck_on || millions >= MOST_MILLIONS;
        limit <<= millions < MOST_MILLIONS ? millions : MOST_MILLIONS;
    }
    shared_store(&gate->unclaimed_limit, (uint32_t)limit);
}

static bool owns_tool(const tool_gate *gate);

/* Frees the tool id. Raises nothing. */
static void drop_tool(tool_gate *gate)
{
    PyObject *module = gate->interpreter->monitoring_module;
    Py_XDECREF(PyObject_CallMethod(module, "free_tool_id", "O", gate->tool));
    PyErr_Clear();
    Py_CLEAR(gate->tool);
}

/* Gives the tool id back to the program if only `edbprof attach` has recorded by it. The events are
 * off. The callbacks stay, because the interpreter may be calling one. */
static void free_tool(tool_gate *gate)
{
    const interpreter_state *here = gate->interpreter;
    bool is_visitor = here->recorders_made == here->recorders_attached;
    if (hook_of(gate) != HOOK_MONITORING || !is_visitor || !owns_tool(gate)) {
        return;
    }
    for (int bit = 0; bit < EVENT_BITS; bit++) {
        Py_XDECREF(PyObject_CallMethod(here->monitoring_module, "register_callback", "OlO",
                                       gate->tool, 1L << bit, Py_None));
        PyErr_Clear();
    }
    drop_tool(gate);
}

/* Under `switching`. */
static void set_none(tool_gate *gate)
{
    uint64_t begin = now_ns();
    if (set_events(gate, gate->none) == 0) {
        shared_store(&gate->on, false);
        shared_store(&gate->builtins, false);
        gate->cycles++;
        choose_unclaimed_limit(gate, gate->on_ns + (now_ns() - begin));
        free_tool(gate);
    } else {
        /* The interpreter's changes are used up. Functions that run later would get this change all
         * the same. */
        PyErr_Clear();
        if (set_events(gate, wanted_events(gate)) < 0) {
            PyErr_Clear();
        }
        gate->stuck_on = true;
        shared_store(&gate->on, true);
    }
}

/* Switches the events off, unless a thread has just begun to record by this hook. Raises nothing,
 * because it runs in callbacks. */
static void switch_off(tool_gate *gate)
{
    if (!gate->on || gate->stuck_on) {
        return;
    }
    /* Clear this before looking and waiting, so that a thread that begins to record meanwhile
     * switches the events on. */
    shared_store(&gate->on, false);
    if (thread_states_use(hook_of(gate))) {
        shared_store(&gate->on, true);
        return;
    }
    PyObject *exception = compat_take_exception();
    shared_lock_take(&gate->switching);
    if (!gate->on) {
        set_none(gate);
    }
    shared_lock_give(&gate->switching);
    compat_restore_exception(exception);
}

/* Returns true if the tool id is still ours. */
static bool owns_tool(const tool_gate *gate)
{
    const interpreter_state *interpreter = gate->interpreter;
    PyObject *owner =
        PyObject_CallMethod(interpreter->monitoring_module, "get_tool", "O", gate->tool);
    PyErr_Clear();
    Py_XDECREF(owner);
    return owner != NULL && owner == interpreter->tool_name;
}

static bool is_open(const tool_gate *gate, bool builtins)
{
    return gate->on && gate->builtins >= builtins;
}

/* Under `switching`. */
static int set_wanted(tool_gate *gate, bool builtins)
{
    if (!owns_tool(gate)) {
        Py_CLEAR(gate->tool);
        if (gate_take_tool(hook_of(gate)) < 0) {
            return -1;
        }
    }
    uint64_t begin = now_ns();
    bool was_on = gate->on, had_builtins = gate->builtins;
    shared_store(&gate->on, false);
    shared_store(&gate->builtins, had_builtins || builtins);
    if (set_events(gate, wanted_events(gate)) == 0) {
        shared_store(&gate->on, true);
        gate->on_ns = now_ns() - begin;
        if (gate->unclaimed_limit == 0) {
            choose_unclaimed_limit(gate, 2 * gate->on_ns);
        }
        return 0;
    }
    shared_store(&gate->builtins, had_builtins);
    shared_store(&gate->on, was_on);
    if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        if (set_events(gate, was_on ? wanted_events(gate) : gate->none) < 0) {
            PyErr_Clear();
        }
        PyErr_SetString(PyExc_RuntimeError,
                        "nothing can be recorded any more: this process has switched "
                        "profilers, tracers or other tools of sys.monitoring on and off so "
                        "often that Python refuses to do it again");
    }
    return -1;
}

/* Switches events on if none are, or if only those of C functions are missing. Returns 0, or -1
 * with an exception. */
static int switch_on(tool_gate *gate, bool builtins)
{
    shared_lock_take(&gate->switching);
    int result = is_open(gate, builtins) ? 0 : set_wanted(gate, builtins);
    shared_lock_give(&gate->switching);
    return result;
}

void gate_unclaimed_event(hook_kind hook)
{
    interpreter_state *here = interpreter_here();
    if (here == NULL || shared_load(&here->threads_by_hook[hook]) > 0) {
        return;
    }
    tool_gate *gate = &here->gates[hook];
    uint32_t *unclaimed = unclaimed_of(gate);
    if (++*unclaimed < shared_load(&gate->unclaimed_limit)) {
        return;
    }
    *unclaimed = 0;
    EDBPROF_GUARDED;
    if (!thread_states_have_begun() && !thread_states_use(hook)) {
        switch_off(gate);
    }
}

static void check(tool_gate *gate)
{
    if (!gate->on) {
        return;
    }
    PyObject *events =
        PyObject_CallMethod(gate->interpreter->monitoring_module, "get_events", "O", gate->tool);
    int same = events == NULL ? 0 : PyObject_RichCompareBool(events, wanted_events(gate), Py_EQ);
    Py_XDECREF(events);
    PyErr_Clear();
    shared_store(&gate->on, same == 1 && owns_tool(gate));
}

void gate_check(void)
{
    EDBPROF_GUARDED;
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        check(gate_of((hook_kind)hook));
    }
}

int gate_open(hook_kind hook, bool builtins)
{
    EDBPROF_GUARDED;
    tool_gate *gate = gate_of(hook);
    *unclaimed_of(gate) = 0;
    if (++gate->openings % OPENINGS_BETWEEN_CHECKS == 0) {
        check(gate);
    }
    return is_open(gate, builtins) ? 0 : switch_on(gate, builtins);
}

bool gate_is_open(hook_kind hook, bool builtins)
{
    tool_gate *gate = gate_of(hook);
    *unclaimed_of(gate) = 0;
    return shared_load(&gate->on) && shared_load(&gate->builtins) >= builtins;
}

/* Returns true if another tool has events on, or may have. */
static bool others_listen(void)
{
    const interpreter_state *here = interpreter_here();
    PyObject *monitoring_module = here->monitoring_module;
    bool listen = false;
    for (int id = 0; id < 6 && !listen; id++) {
        PyObject *owner = PyObject_CallMethod(monitoring_module, "get_tool", "i", id);
        if (owner != NULL && owner != Py_None && owner != here->tool_name) {
            PyObject *events = PyObject_CallMethod(monitoring_module, "get_events", "i", id);
            listen = events == NULL || PyObject_IsTrue(events) != 0;
            Py_XDECREF(events);
        }
        listen = listen || owner == NULL;
        Py_XDECREF(owner);
    }
    PyErr_Clear();
    return listen;
}

long gate_event(const char *event_name)
{
    PyObject *events = PyObject_GetAttrString(interpreter_here()->monitoring_module, "events");
    PyObject *event = events == NULL ? NULL : PyObject_GetAttrString(events, event_name);
    long number = event == NULL ? -1 : PyLong_AsLong(event);
    Py_XDECREF(event);
    Py_XDECREF(events);
    return number;
}

/* Returns the events of a tool, by `get_events` or `get_local_events`; 0 if it has none. */
static long events_of(const char *get, int id, PyObject *code)
{
    PyObject *monitoring_module = interpreter_here()->monitoring_module;
    PyObject *events = code == NULL ? PyObject_CallMethod(monitoring_module, get, "i", id)
                                    : PyObject_CallMethod(monitoring_module, get, "iO", id, code);
    long number = events == NULL ? 0 : PyLong_AsLong(events);
    Py_XDECREF(events);
    PyErr_Clear();
    return number;
}

/* Returns true if the tool id is that of one of the gates. */
static bool is_of_gate(long id)
{
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        PyObject *tool = gate_of((hook_kind)hook)->tool;
        if (tool != NULL && PyLong_AsLong(tool) == id) {
            return true;
        }
    }
    return false;
}

bool gate_others_come_after(long event, PyCodeObject *code)
{
    const tool_gate *gate = gate_of(HOOK_MONITORING);
    /* Tools get an event by descending id. Unused ids have no events. */
    long ours = gate->tool == NULL ? 0 : PyLong_AsLong(gate->tool);
    long events = 0;
    for (int id = 0; id < ours; id++) {
        if (is_of_gate(id)) {
            continue; /* Callbacks of choices raise nothing. */
        }
        events |= events_of("get_events", id, NULL);
        events |= events_of("get_local_events", id, (PyObject *)code);
    }
    return (events & event) != 0;
}

/* Returns those of our events that calls and resumes need. The others can't be set for single code
 * objects before 3.15. -1 with an exception. */
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

/* Sets events of a code object. Returns true if they were set. */
static bool set_events_of(const tool_gate *gate, PyObject *code, long events)
{
    PyObject *result = PyObject_CallMethod(gate->interpreter->monitoring_module, "set_local_events",
                                           "OOl", gate->tool, code, events);
    Py_XDECREF(result);
    PyErr_Clear();
    return result != NULL;
}

/* Sets events of several code objects. Returns true if all of them were set. */
static bool set_local_events(PyObject *codes, long events)
{
    const tool_gate *gate = gate_of(HOOK_MONITORING);
    bool set = events >= 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(codes) && set; i++) {
        set = set_events_of(gate, PyList_GET_ITEM(codes, i), events);
    }
    return set;
}

bool gate_listen_in(hook_kind hook, PyCodeObject *code, long event)
{
    EDBPROF_GUARDED;
    PyObject *exception = compat_take_exception();
    const tool_gate *gate = gate_of(hook);
    bool set = gate->tool != NULL && set_events_of(gate, (PyObject *)code, event);
    compat_restore_exception(exception);
    return set;
}

/* Returns a new reference to the events with one more, or NULL. */
static PyObject *with_event(PyObject *events, long event)
{
    return PyLong_FromLong(PyLong_AsLong(events) | event);
}

void gate_listen_everywhere(hook_kind hook, long event)
{
    EDBPROF_GUARDED;
    PyObject *exception = compat_take_exception();
    tool_gate *gate = gate_of(hook);
    shared_lock_take(&gate->switching);
    PyObject *all = with_event(gate->all, event), *python = with_event(gate->python, event);
    if (all != NULL && python != NULL) {
        Py_SETREF(gate->all, all);
        Py_SETREF(gate->python, python);
    }
    if (gate->on && set_events(gate, wanted_events(gate)) < 0) {
        shared_store(&gate->on, false); /* The next recorded call sets them. */
    }
    shared_lock_give(&gate->switching);
    PyErr_Clear();
    compat_restore_exception(exception);
}

bool gate_restrict_to(PyObject *codes, bool builtins)
{
    EDBPROF_GUARDED;
    tool_gate *gate = gate_of(HOOK_MONITORING);
    if (!EDBPROF_HAVE_MONITORING) {
        return true;
    }
    interpreter_state *here = gate->interpreter;
    if (here->monitoring_module == NULL) {
        here->monitoring_module = compat_sys_get("monitoring");
    }
    if (here->monitoring_module == NULL || thread_states_use(HOOK_MONITORING) || others_listen()) {
        return false;
    }
    check(gate);
    switch_off(gate);
    if (codes == NULL || gate->on) {
        return !gate->on;
    }
    if (gate->tool != NULL && owns_tool(gate) && set_local_events(codes, local_events(builtins))) {
        return true;
    }
    gate_lift_restriction(codes);
    return false;
}

bool gate_lift_restriction(PyObject *codes)
{
    EDBPROF_GUARDED;
    const tool_gate *gate = gate_of(HOOK_MONITORING);
    /* Without a tool id, as in Pythons without sys.monitoring, there is nothing to switch off. */
    bool off = codes == NULL || gate->tool == NULL || set_local_events(codes, 0);
    return off && !gate->on;
}

/* Registers the callbacks with the tool id. Returns 0, or -1 with an exception. */
static int ready_tool(tool_gate *gate, hook_kind hook)
{
    PyObject *module = gate->interpreter->monitoring_module;
    long all = registers[hook](module, gate->tool, hook);
    if (all < 0) {
        return -1;
    }
    Py_XSETREF(gate->all, PyLong_FromLong(all));
    long call = gate_event("CALL");
    if (call < 0) {
        return -1;
    }
    Py_XSETREF(gate->python, PyLong_FromLong(all & ~call));
    Py_XSETREF(gate->none, PyLong_FromLong(0));
    Py_XSETREF(gate->set_events, PyObject_GetAttrString(module, "set_events"));
    /* Never call restart_events(), because places that other tools have disabled must stay
     * disabled. */
    bool made = gate->all != NULL && gate->python != NULL && gate->none != NULL;
    return made && gate->set_events != NULL ? 0 : -1;
}

int gate_take_tool(hook_kind hook)
{
    EDBPROF_GUARDED;
    tool_gate *gate = gate_of(hook);
    interpreter_state *here = gate->interpreter;
    if (!EDBPROF_HAVE_MONITORING) {
        PyErr_Format(PyExc_ValueError,
                     "hook='monitoring' needs Python 3.12 or later, this is %d.%d: use "
                     "hook='setprofile'",
                     PY_MAJOR_VERSION, PY_MINOR_VERSION);
        return -1;
    }
    if (gate->tool != NULL) {
        return 0;
    }
    PyObject *found = compat_sys_get("monitoring");
    if (found == NULL) {
        PyErr_SetString(PyExc_ValueError, "hook='monitoring' needs sys.monitoring, which is "
                                          "gone: use hook='setprofile'");
        return -1;
    }
    Py_XSETREF(here->monitoring_module, found);
    if (here->tool_name == NULL) {
        here->tool_name = PyUnicode_FromString("edbprof");
    }
    shared_store(&gate->on, false);
    gate->tool = here->tool_name == NULL ? NULL : tool_ids_take(here, hook);
    if (gate->tool == NULL || ready_tool(gate, hook) == 0) {
        return gate->tool == NULL ? -1 : 0;
    }
    PyObject *exception = compat_take_exception();
    drop_tool(gate);
    compat_restore_exception(exception);
    return -1;
}

/* Facts of the gates of choices: a list. NULL with an exception. */
static PyObject *facts_of_choices(void)
{
    PyObject *facts = PyList_New(0);
    for (int hook = HOOK_CHOSEN; facts != NULL && hook < HOOK_COUNT; hook++) {
        const tool_gate *gate = gate_of(hook);
        if (gate->tool == NULL) {
            continue;
        }
        PyObject *one =
            Py_BuildValue("{sOsNsK}", "tool", gate->tool, "on", PyBool_FromLong(gate->on), "sets",
                          (unsigned long long)gate->sets);
        if (one == NULL || PyList_Append(facts, one) < 0) {
            Py_CLEAR(facts);
        }
        Py_XDECREF(one);
    }
    return facts;
}

PyObject *gate_facts(PyObject *Py_UNUSED(module), PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"cycles", NULL};
    tool_gate *gate = gate_of(HOOK_MONITORING);
    unsigned long long cycles = gate->cycles;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|$K:_monitoring", names, &cycles)) {
        return NULL;
    }
    gate->cycles = cycles;
    return Py_BuildValue(
        "{sOsNsNsNsIsIsKsKsN}", "tool", gate->tool == NULL ? Py_None : gate->tool, "on",
        PyBool_FromLong(gate->on), "builtins", PyBool_FromLong(gate->builtins), "stuck_on",
        PyBool_FromLong(gate->stuck_on), "unclaimed", *unclaimed_of(gate), "unclaimed_limit",
        gate->unclaimed_limit, "cycles", (unsigned long long)gate->cycles, "sets",
        (unsigned long long)gate->sets, "chosen", facts_of_choices());
}
