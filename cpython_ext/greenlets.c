/* Greenlets: stacks of Python calls that a thread goes on with by turns, as gevent,
 * SQLAlchemy's asyncio and Playwright do.
 *
 * No event tells of a switch, but greenlet calls a trace function after each, in the
 * greenlet that goes on (greenlet.settrace, one for each thread). There the calls that are
 * open in the one end until it goes on, and those of the other are open again.
 *
 * The first calls of a greenlet stand below the call in which its parent was when it
 * began: that is who waits for it. What records a decorated call records in the greenlet
 * of the call, and in those that begin below it. */
#include "edbprof_ext.h"

/* What a recorder is to go on with in a greenlet. */
typedef struct {
    recorder *owner; /* a strong reference */
    edbprof_fiber fiber;
    unsigned depth;  /* that of the activity if it goes with the greenlet; else 0 */
} place;

typedef struct {
    size_t count;
    place items[];
} places;

static void places_free(places *self)
{
    for (size_t i = 0; i < self->count; i++) {
        Py_DECREF(self->items[i].owner);
    }
    PyMem_Free(self);
}

static void forget(PyObject *capsule)
{
    places_free((places *)PyCapsule_GetPointer(capsule, NULL));
}

/* Ends what is open in the running greenlet. NULL where nothing records, or no memory. */
static places *suspend(thread_state *state)
{
    size_t room = 0;
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        room += state->active[hook].count;
    }
    places *self =
        room == 0 ? NULL : PyMem_Malloc(sizeof *self + room * sizeof *self->items);
    if (self == NULL) {
        return NULL;
    }
    self->count = 0;
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        activities *list = &state->active[hook];
        /* Backwards: those that go with the greenlet are taken out. */
        for (size_t i = list->count; i-- > 0;) {
            activity active = list->items[i];
            place *added = &self->items[self->count++];
            Py_INCREF(active.owner);
            *added = (place){.owner = active.owner};
            (void)edbprof_fiber_suspend(active.handle, &added->fiber);
            if (active.part == RECORDS_CALL) {
                added->depth = thread_stop(active.owner);
            }
        }
    }
    return self;
}

static edbprof_thread *active_handle(const thread_state *state, const recorder *owner)
{
    const activities *list = &state->active[owner->hook];
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].owner == owner) {
            return list->items[i].handle;
        }
    }
    return NULL;
}

/* Opens again what was open; in a new greenlet, what is open in its parent. */
static void resume(const thread_state *state, const places *self, bool new)
{
    for (size_t i = 0; i < self->count; i++) {
        const place *at = &self->items[i];
        unsigned depth = new && at->depth > 0 ? 1 : at->depth;
        while (depth-- > 0 && thread_try_enable(at->owner, RECORDS_CALL)) {
        }
        edbprof_thread *handle = active_handle(state, at->owner);
        if (handle != NULL) {
            (void)edbprof_fiber_resume(handle, &at->fiber);
        }
    }
}

/* The places of a suspended greenlet, borrowed; NULL if there are none. */
static places *places_of(const thread_state *state, PyObject *greenlet)
{
    PyObject *key = PyLong_FromVoidPtr(greenlet);
    PyObject *found =
        key == NULL || state->greenlets == NULL ? NULL : PyDict_GetItem(state->greenlets, key);
    Py_XDECREF(key);
    return found == NULL ? NULL : (places *)PyCapsule_GetPointer(found, NULL);
}

/* Greenlets are known by their addresses, so that none is kept alive: one that is freed
 * while it is suspended goes on before, to end. */
static void keep(thread_state *state, PyObject *greenlet, places *suspended)
{
    PyObject *key = PyLong_FromVoidPtr(greenlet);
    PyObject *capsule = PyCapsule_New(suspended, NULL, forget);
    if (capsule == NULL) {
        places_free(suspended);
    }
    if (state->greenlets == NULL) {
        state->greenlets = PyDict_New();
    }
    if (key == NULL || capsule == NULL || state->greenlets == NULL ||
        PyDict_SetItem(state->greenlets, key, capsule) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(capsule);
    Py_XDECREF(key);
}

static void drop(thread_state *state, PyObject *greenlet)
{
    PyObject *key = state->greenlets == NULL ? NULL : PyLong_FromVoidPtr(greenlet);
    if (key == NULL || PyDict_DelItem(state->greenlets, key) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(key);
}

static PyObject *tracer, *dead_name;

static bool is_dead(PyObject *greenlet)
{
    PyObject *dead = PyObject_GetAttr(greenlet, dead_name);
    bool result = dead != NULL && PyObject_IsTrue(dead) == 1;
    PyErr_Clear();
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

static void resume_new(const thread_state *state, PyObject *greenlet)
{
    PyObject *parent = PyObject_GetAttrString(greenlet, "parent");
    places *above = parent == NULL ? NULL : places_of(state, parent);
    PyErr_Clear();
    if (above != NULL) {
        resume(state, above, true);
    }
    Py_XDECREF(parent);
}

static void switch_between(thread_state *state, PyObject *origin, PyObject *target)
{
    places *suspended = suspend(state);
    if (suspended != NULL && is_dead(origin)) {
        places_free(suspended);
    } else if (suspended != NULL) {
        keep(state, origin, suspended);
    }
    const places *known = places_of(state, target);
    if (known != NULL) {
        resume(state, known, false);
        drop(state, target);
    } else if (is_new(state)) {
        resume_new(state, target);
    }
}

/* Called with the event's name and (origin, target). */
static PyObject *on_switch(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    thread_state *state = thread_state_current();
    if (state == NULL) {
        Py_RETURN_NONE;
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
    PyObject *result = PyObject_Vectorcall(chained, arguments, (size_t)count, NULL);
    Py_DECREF(chained);
    return result;
}

static PyMethodDef on_switch_method = {
    "on_switch", (PyCFunction)(void (*)(void))on_switch, METH_FASTCALL,
    "What greenlet calls after it has switched."};

/* From now on switches of the calling thread are seen. */
static void trace(thread_state *state, PyObject *settrace)
{
    if (tracer == NULL && (dead_name = PyUnicode_InternFromString("dead")) != NULL) {
        tracer = PyCFunction_New(&on_switch_method, NULL);
    }
    PyObject *before = tracer == NULL ? NULL : PyObject_CallOneArg(settrace, tracer);
    if (before != NULL && before != tracer) {
        Py_INCREF(before);
        Py_XSETREF(state->chained_switch, before);
    }
    state->sees_switches = before != NULL;
    Py_XDECREF(before);
}

void greenlets_look(thread_state *state)
{
    if (state == NULL || state->sees_switches) {
        return;
    }
    PyObject *exception = compat_take_exception();
    PyObject *greenlet = PyDict_GetItemString(PyImport_GetModuleDict(), "greenlet");
    PyObject *settrace =
        greenlet == NULL ? NULL : PyObject_GetAttrString(greenlet, "settrace");
    /* It may be half imported, or another module of that name. */
    if (settrace != NULL && PyCFunction_Check(settrace)) {
        trace(state, settrace);
    }
    Py_XDECREF(settrace);
    PyErr_Clear();
    compat_restore_exception(exception);
}
