/* Greenlets: stacks of Python calls that a thread goes on with by turns, as gevent,
 * SQLAlchemy's asyncio and Playwright do.
 *
 * No event tells of a switch, but greenlet calls a trace function after each, in the
 * greenlet that goes on (greenlet.settrace, one for each thread). There the calls that are
 * open in the one end until it goes on, and those of the other are open again.
 *
 * The first calls of a greenlet stand below the call in which its parent was when it
 * began: that is who waits for it. What records a decorated call records in the greenlet
 * of the call, and as long as the call lasts in those that begin below it. */
#include "edbprof_ext.h"

/* What a recorder is to go on with in a greenlet. */
typedef struct {
    recorder *owner; /* borrowed; NULL once it is gone: see greenlets_forget */
    edbprof_fiber fiber;
    uint64_t call;   /* as of the active recorder */
    unsigned depth;  /* that of an active recorder of calls; else 0 */
    bool inherited;
} suspended_position;

typedef struct {
    size_t count;
    suspended_position items[];
} suspended_positions;

/* Whether a decorated call was begun in the greenlet itself. */
static bool has_own_call(const suspended_position *at)
{
    return at->depth > (at->inherited ? 1 : 0);
}

/* Frames of suspended greenlets are on no thread's stack, so switching events off and on
 * would leave them without: their calls count as being recorded. */
static bool holds_events(const suspended_position *at)
{
    return at->owner != NULL && at->owner->hook == HOOK_MONITORING && has_own_call(at);
}

static void let_go(suspended_position *at)
{
    if (holds_events(at)) {
        gate_remove_thread();
    }
    at->owner = NULL;
}

static void forget(PyObject *capsule)
{
    suspended_positions *self = (suspended_positions *)PyCapsule_GetPointer(capsule, NULL);
    for (size_t i = 0; i < self->count; i++) {
        let_go(&self->items[i]);
    }
    PyMem_Free(self);
}

/* What is open in the running greenlet, which ends: a capsule, or NULL where nothing
 * records, or no memory. */
static PyObject *suspend(thread_state *state)
{
    size_t room = 0;
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        room += state->active[hook].count;
    }
    suspended_positions *self =
        room == 0 ? NULL : PyMem_Malloc(sizeof *self + room * sizeof *self->items);
    if (self == NULL) {
        return NULL;
    }
    self->count = 0;
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        const active_recorders *list = &state->active[hook];
        for (size_t i = 0; i < list->count; i++) {
            const active_recorder *active = &list->items[i];
            suspended_position *added = &self->items[self->count++];
            *added = (suspended_position){.owner = active->owner,
                                          .call = active->call,
                                          .depth = active->of_call ? active->depth : 0,
                                          .inherited = active->inherited};
            (void)edbprof_fiber_suspend(active->handle, &added->fiber);
            if (holds_events(added)) {
                gate_add_local_thread();
            }
        }
    }
    PyObject *capsule = PyCapsule_New(self, NULL, forget);
    if (capsule == NULL) {
        PyErr_Clear();
        PyMem_Free(self);
    }
    return capsule;
}

/* What records calls of the greenlet that was left records no more. */
static void stop_calls(thread_state *state)
{
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        active_recorders *list = &state->active[hook];
        for (size_t i = list->count; i-- > 0;) {
            if (i < list->count && list->items[i].of_call) {
                (void)thread_stop(list->items[i].owner);
            }
        }
    }
}

/* Greenlets are known by their addresses, so that none is kept alive: one that is freed
 * while it is suspended goes on before, to end. */
static void keep(thread_state *state, PyObject *greenlet, PyObject *suspended)
{
    PyObject *key = PyLong_FromVoidPtr(greenlet);
    if (state->greenlets == NULL) {
        state->greenlets = PyDict_New();
    }
    if (key == NULL || state->greenlets == NULL ||
        PyDict_SetItem(state->greenlets, key, suspended) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(key);
}

/* The positions of a suspended greenlet: a new reference, because whoever reads them may
 * run Python code that changes the table. NULL if there are none. */
static PyObject *positions_of(const thread_state *state, PyObject *greenlet, bool take)
{
    PyObject *key = state->greenlets == NULL ? NULL : PyLong_FromVoidPtr(greenlet);
    PyObject *found = key == NULL ? NULL : PyDict_GetItem(state->greenlets, key);
    Py_XINCREF(found);
    if (found != NULL && take && PyDict_DelItem(state->greenlets, key) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(key);
    return found;
}

void greenlets_forget(const thread_state *state, const recorder *owner)
{
    PyObject *key, *capsule;
    Py_ssize_t at = 0;
    while (state->greenlets != NULL && PyDict_Next(state->greenlets, &at, &key, &capsule)) {
        suspended_positions *known =
            (suspended_positions *)PyCapsule_GetPointer(capsule, NULL);
        for (size_t i = 0; i < known->count; i++) {
            if (known->items[i].owner == owner) {
                let_go(&known->items[i]);
            }
        }
    }
}

/* The greenlet's position below the call `call`; NULL if it is not in it. */
static const suspended_position *in_call(PyObject *capsule, const recorder *owner,
                                         uint64_t call)
{
    const suspended_positions *known =
        capsule == NULL ? NULL
                        : (const suspended_positions *)PyCapsule_GetPointer(capsule, NULL);
    for (size_t i = 0; known != NULL && i < known->count; i++) {
        if (known->items[i].owner == owner && known->items[i].call == call) {
            return &known->items[i];
        }
    }
    return NULL;
}

/* Opens again what was open at a position. What began below a decorated call is recorded while
 * its parent, whose positions are `above`, is in that call. */
static void resume(thread_state *state, const suspended_position *at, PyObject *above)
{
    recorder *owner = at->owner;
    if (owner == NULL) {
        return;
    }
    bool still = at->inherited && in_call(above, owner, at->call) != NULL;
    unsigned depth = at->depth - (at->inherited && !still ? 1 : 0);
    for (unsigned i = 0; i < depth; i++) {
        if (!thread_try_enable(owner, at->call)) {
            return;
        }
    }
    active_recorder *active = thread_find_active(state, owner);
    if (active != NULL && active->call == at->call) {
        active->inherited = still;
        (void)edbprof_fiber_resume(active->handle, &at->fiber);
    }
}

/* Goes on with a greenlet at `known`; a new one where its parent is, at `above`. */
static void resume_all(thread_state *state, PyObject *known, PyObject *above)
{
    suspended_positions *self =
        (suspended_positions *)PyCapsule_GetPointer(known == NULL ? above : known, NULL);
    for (size_t i = 0; i < self->count; i++) {
        suspended_position at = self->items[i];
        if (known == NULL && at.depth > 0) {
            at.depth = 1;
            at.inherited = true;
        }
        resume(state, &at, above);
    }
}

/* What the trace function needs of greenlet: its type, and two attributes that programs
 * may have overridden, with code that must not run here. */
static struct {
    PyObject *tracer, *gettrace, *dead, *parent;
    PyTypeObject *type;
} known;

static PyObject *read_descriptor(PyObject *descriptor, PyObject *greenlet)
{
    if (!PyObject_TypeCheck(greenlet, known.type)) {
        return NULL;
    }
    PyObject *value =
        Py_TYPE(descriptor)
            ->tp_descr_get(descriptor, greenlet, (PyObject *)Py_TYPE(greenlet));
    PyErr_Clear();
    return value;
}

static bool is_dead(PyObject *greenlet)
{
    PyObject *dead = read_descriptor(known.dead, greenlet);
    bool result = dead == Py_True;
    Py_XDECREF(dead);
    return result;
}

/* Whether no Python function runs yet in the greenlet that runs. */
static bool is_new(const thread_state *state)
{
    PyFrameObject *frame = PyThreadState_GetFrame(state->tstate);
    Py_XDECREF(frame);
    return frame == NULL;
}

static void switch_between(thread_state *state, PyObject *origin, PyObject *target)
{
    PyObject *left = suspend(state);
    if (left != NULL && !is_dead(origin)) {
        keep(state, origin, left);
    }
    if (left != NULL) {
        stop_calls(state);
    }
    PyObject *parent = read_descriptor(known.parent, target);
    PyObject *above = parent == NULL ? NULL : positions_of(state, parent, false);
    PyObject *going_on = positions_of(state, target, true);
    if (going_on != NULL || (above != NULL && is_new(state))) {
        resume_all(state, going_on, above);
    }
    Py_XDECREF(going_on);
    Py_XDECREF(above);
    Py_XDECREF(parent);
    Py_XDECREF(left);
}

/* Called with the event's name and (origin, target). */
static PyObject *on_switch(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    thread_state *state = thread_state_current();
    if (state == NULL || state->in_switch) {
        Py_RETURN_NONE; /* or another trace function hands it back to us */
    }
    PyObject *both = count == 2 ? arguments[1] : NULL;
    if (both != NULL && PyTuple_Check(both) && PyTuple_GET_SIZE(both) == 2) {
        switch_between(state, PyTuple_GET_ITEM(both, 0), PyTuple_GET_ITEM(both, 1));
    }
    PyObject *chained = state->chained_switch;
    if (chained == NULL || chained == Py_None) {
        Py_RETURN_NONE;
    }
    Py_INCREF(chained);
    state->in_switch = true;
    PyObject *result = PyObject_Vectorcall(chained, arguments, (size_t)count, NULL);
    state->in_switch = false;
    Py_DECREF(chained);
    if (result == NULL) {
        /* greenlet now drops who has raised: for it that is us. */
        Py_CLEAR(state->chained_switch);
        state->sees_switches = false;
        thread_let_all_look();
    }
    return result;
}

static PyMethodDef on_switch_method = {"on_switch", (PyCFunction)(void (*)(void))on_switch,
                                       METH_FASTCALL,
                                       "What greenlet calls after it has switched."};

bool greenlets_are_used;

/* Whether all is there that the trace function needs. */
static bool prepare(PyObject *module)
{
    PyObject *type = PyObject_GetAttrString(module, "greenlet");
    if (type != NULL && PyType_Check(type)) {
        known.type = (PyTypeObject *)type;
        known.dead = PyObject_GetAttrString(type, "dead");
        known.parent = PyObject_GetAttrString(type, "parent");
        known.gettrace = PyObject_GetAttrString(module, "gettrace");
        known.tracer = PyCFunction_New(&on_switch_method, NULL);
    }
    bool are_descriptors =
        known.dead != NULL && Py_TYPE(known.dead)->tp_descr_get != NULL &&
        known.parent != NULL && Py_TYPE(known.parent)->tp_descr_get != NULL;
    if (!are_descriptors || known.gettrace == NULL) {
        Py_CLEAR(known.tracer);
    }
    return known.tracer != NULL;
}

/* From now on switches of the calling thread are seen. */
static void trace(thread_state *state, PyObject *module, PyObject *settrace)
{
    if (known.tracer == NULL && !prepare(module)) {
        return;
    }
    PyObject *before = PyObject_CallOneArg(settrace, known.tracer);
    if (before == NULL) {
        return;
    }
    if (before != known.tracer) {
        Py_INCREF(before);
        Py_XSETREF(state->chained_switch, before);
    }
    Py_DECREF(before);
    state->sees_switches = true;
    if (!greenlets_are_used) {
        greenlets_are_used = true;
        thread_let_all_look();
    }
}

void greenlets_look_again(thread_state *state)
{
    PyObject *now = PyObject_CallNoArgs(known.gettrace);
    if (now != known.tracer) {
        state->sees_switches = false;
        greenlets_look(state);
    }
    Py_XDECREF(now);
    PyErr_Clear();
}

void greenlets_look(thread_state *state)
{
    if (state == NULL || state->sees_switches) {
        return;
    }
    PyObject *exception = compat_take_exception();
    PyObject *modules = loaded_modules();
    PyObject *module = modules == NULL ? NULL : PyDict_GetItemString(modules, "greenlet");
    /* It may be half imported, or another module of that name. */
    PyObject *settrace = NULL;
    if (module != NULL && PyModule_CheckExact(module)) {
        settrace = PyDict_GetItemString(PyModule_GetDict(module), "settrace");
    }
    if (settrace != NULL && PyCFunction_Check(settrace)) {
        Py_INCREF(settrace);
        trace(state, module, settrace);
        Py_DECREF(settrace);
    }
    PyErr_Clear();
    compat_restore_exception(exception);
}
