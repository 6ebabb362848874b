/* Greenlets: stacks of Python calls between which a thread switches, used by gevent, SQLAlchemy's
 * asyncio and Playwright.
 *
 * No event reports a switch, but greenlet calls a trace function after each, in the greenlet that
 * continues (greenlet.settrace, one for each thread). Our trace function closes the calls that are
 * open in the greenlet that was left, until that continues. Then it opens those of the other
 * greenlet again.
 *
 * The first calls of a greenlet are below the call in which its parent was when it began, because
 * that call waits for it. A recorder of a decorated call records in the greenlet of the call, and
 * while the call lasts in those that begin below it. */
#include "greenlets.h"

#include "guard.h"
#include "interpreter.h"
#include "names.h"
#include "switches.h"
#include "thread.h"
#include "thread_state.h"

/* The position at which a recorder continues in a greenlet. */
typedef struct {
    recorder *owner; /* borrowed; NULL once it is gone: see forget_owner */
    edbprof_fiber fiber;
    uint64_t call;  /* of the active recorder */
    unsigned depth; /* of an active recorder of calls; else 0 */
    bool inherited;
} suspended_position;

typedef struct {
    size_t count;
    suspended_position items[];
} suspended_positions;

/* Frames of suspended greenlets are on no thread's stack, so events that are switched off and on
 * again would not come for them. So a call that was begun in the greenlet itself counts like a
 * thread that records. */
static bool counts_as_thread(const suspended_position *at)
{
    return at->owner != NULL && at->depth > (at->inherited ? 1 : 0);
}

static void let_go(suspended_position *at)
{
    if (counts_as_thread(at)) {
        shared_add(&at->owner->interpreter->threads_by_hook[at->owner->hook], -1u);
    }
    at->owner = NULL;
}

static void free_positions(PyObject *capsule)
{
    EDBPROF_GUARDED;
    suspended_positions *self = (suspended_positions *)PyCapsule_GetPointer(capsule, NULL);
    for (size_t i = 0; i < self->count; i++) {
        let_go(&self->items[i]);
    }
    PyMem_Free(self);
}

/* Closes the open calls of the greenlet that was left. Returns a capsule of its positions, or NULL
 * if nothing records there or memory is used up. */
static PyObject *suspend_calls(thread_state *state)
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
            if (counts_as_thread(added)) {
                shared_add(&state->interpreter->threads_by_hook[hook], 1u);
            }
        }
    }
    PyObject *capsule = PyCapsule_New(self, NULL, free_positions);
    if (capsule == NULL) {
        PyErr_Clear();
        PyMem_Free(self);
    }
    return capsule;
}

/* Stops the recorders of calls of the greenlet that was left. */
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

/* Keeps a greenlet's positions by its address, so that no greenlet is kept alive. A suspended
 * greenlet that is about to be freed continues first, in order to end. */
static void keep_positions(thread_state *state, PyObject *greenlet, PyObject *suspended)
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

/* Returns the positions of a suspended greenlet: a new reference, because resuming may run Python
 * code that changes the table. NULL if there are none. */
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

/* Forgets a recorder that is about to be freed. */
static void forget_owner(const thread_state *state, const recorder *owner)
{
    PyObject *key, *capsule;
    Py_ssize_t at = 0;
    while (state->greenlets != NULL && PyDict_Next(state->greenlets, &at, &key, &capsule)) {
        suspended_positions *known = (suspended_positions *)PyCapsule_GetPointer(capsule, NULL);
        for (size_t i = 0; i < known->count; i++) {
            if (known->items[i].owner == owner) {
                let_go(&known->items[i]);
            }
        }
    }
}

/* Returns the greenlet's position in the call `call`, or NULL if it is not in that call. */
static const suspended_position *in_call(PyObject *capsule, const recorder *owner, uint64_t call)
{
    const suspended_positions *known =
        capsule == NULL ? NULL : (const suspended_positions *)PyCapsule_GetPointer(capsule, NULL);
    for (size_t i = 0; known != NULL && i < known->count; i++) {
        if (known->items[i].owner == owner && known->items[i].call == call) {
            return &known->items[i];
        }
    }
    return NULL;
}

/* Opens the calls at a position again. A greenlet that began below a decorated call is recorded
 * while its parent, whose positions are `above`, is in that call. */
static void resume_position(thread_state *state, const suspended_position *at, PyObject *above)
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

/* Continues a greenlet at its positions; a new one, at its parent's. */
static void resume_all(thread_state *state, PyObject *own, PyObject *above)
{
    suspended_positions *self =
        (suspended_positions *)PyCapsule_GetPointer(own == NULL ? above : own, NULL);
    for (size_t i = 0; i < self->count; i++) {
        suspended_position at = self->items[i];
        if (own == NULL && at.depth > 0) {
            at.depth = 1;
            at.inherited = true;
        }
        resume_position(state, &at, above);
    }
}

/* Returns the parts of greenlet that the trace function needs: its type, and the descriptors of two
 * attributes. Programs may have overridden the attributes with code that must not run here. */
static greenlet_parts *library(void) { return &interpreter_here()->greenlets; }

static PyObject *read_descriptor(PyObject *descriptor, PyObject *greenlet)
{
    if (!PyObject_TypeCheck(greenlet, library()->type)) {
        return NULL;
    }
    PyObject *value =
        Py_TYPE(descriptor)->tp_descr_get(descriptor, greenlet, (PyObject *)Py_TYPE(greenlet));
    PyErr_Clear();
    return value;
}

static bool is_dead(PyObject *greenlet)
{
    PyObject *dead = read_descriptor(library()->dead, greenlet);
    bool result = dead == Py_True;
    Py_XDECREF(dead);
    return result;
}

/* Returns true if the running greenlet has no Python function yet. */
static bool is_new(const thread_state *state)
{
    PyFrameObject *frame = PyThreadState_GetFrame(state->tstate);
    Py_XDECREF(frame);
    return frame == NULL;
}

static void switch_between(thread_state *state, PyObject *origin, PyObject *target)
{
    EDBPROF_GUARDED;
    PyObject *left = suspend_calls(state);
    if (left != NULL && !is_dead(origin)) {
        keep_positions(state, origin, left);
    }
    if (left != NULL) {
        stop_calls(state);
    }
    PyObject *parent = read_descriptor(library()->parent, target);
    PyObject *above = parent == NULL ? NULL : positions_of(state, parent, false);
    PyObject *own = positions_of(state, target, true);
    if (own != NULL || (above != NULL && is_new(state))) {
        resume_all(state, own, above);
    }
    Py_XDECREF(own);
    Py_XDECREF(above);
    Py_XDECREF(parent);
    Py_XDECREF(left);
}

/* Called with the event's name and (origin, target). */
static PyObject *on_switch(PyObject *Py_UNUSED(module), PyObject *const *arguments,
                           Py_ssize_t count)
{
    thread_state *state = thread_state_current();
    if (state == NULL || state->in_switch) {
        Py_RETURN_NONE; /* the latter if another trace function calls ours */
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
        /* greenlet now removes the trace function that has raised, which is ours. */
        Py_CLEAR(state->chained_switch);
        state->sees_switches = false;
        switches_let_all_look();
    }
    return result;
}

static PyMethodDef on_switch_method = {"on_switch", (PyCFunction)(void (*)(void))on_switch,
                                       METH_FASTCALL, "Called by greenlet after each switch."};

/* The C functions of greenlet that the functions below replace. The program sees the trace function
 * behind ours. They are replaced in the table of methods, so that no object changes that the
 * program can see. */
static PyCFunction module_gettrace, module_settrace;

/* Returns the trace function that is set now: a new reference, or NULL with an exception. */
static PyObject *trace_function(void)
{
    return module_gettrace != NULL ? module_gettrace(NULL, NULL)
                                   : PyObject_CallNoArgs(library()->gettrace);
}

static PyObject *program_gettrace(PyObject *module, PyObject *unused)
{
    const thread_state *state = thread_state_current();
    PyObject *now = module_gettrace(module, unused);
    if (state != NULL && now == library()->tracer) {
        PyObject *behind = state->chained_switch == NULL ? Py_None : state->chained_switch;
        Py_INCREF(behind);
        Py_SETREF(now, behind);
    }
    return now;
}

static PyObject *program_settrace(PyObject *module, PyObject *arguments)
{
    thread_state *state = thread_state_current();
    PyObject *now = PyTuple_GET_SIZE(arguments) == 1 ? module_gettrace(module, NULL) : NULL;
    bool is_ours = state != NULL && now == library()->tracer;
    PyObject *function = is_ours ? PyTuple_GET_ITEM(arguments, 0) : NULL;
    Py_XDECREF(now);
    PyErr_Clear();
    if (function == NULL || function == library()->tracer) {
        return module_settrace(module, arguments);
    }
    PyObject *before = state->chained_switch;
    if (before == NULL) {
        before = Py_None;
        Py_INCREF(before);
    }
    Py_INCREF(function);
    state->chained_switch = function;
    return before;
}

static void cover(PyObject *gettrace, PyObject *settrace)
{
    bool fit = PyCFunction_Check(gettrace) && PyCFunction_Check(settrace);
    PyMethodDef *get = fit ? ((PyCFunctionObject *)gettrace)->m_ml : NULL;
    PyMethodDef *set = fit ? ((PyCFunctionObject *)settrace)->m_ml : NULL;
    if (fit && module_gettrace == NULL && get->ml_flags == METH_NOARGS &&
        set->ml_flags == METH_VARARGS) {
        module_gettrace = get->ml_meth;
        module_settrace = set->ml_meth;
        get->ml_meth = program_gettrace;
        set->ml_meth = program_settrace;
    }
}

/* Looks up what the trace function needs; false if greenlet lacks any of it. */
static bool find_parts(PyObject *module, PyObject *settrace)
{
    greenlet_parts *parts = library();
    PyObject *type = PyObject_GetAttrString(module, "greenlet");
    if (type != NULL && PyType_Check(type)) {
        parts->type = (PyTypeObject *)type;
        parts->dead = PyObject_GetAttrString(type, "dead");
        parts->parent = PyObject_GetAttrString(type, "parent");
        parts->gettrace = PyObject_GetAttrString(module, "gettrace");
        parts->tracer = PyCFunction_New(&on_switch_method, NULL);
    }
    bool are_descriptors = parts->dead != NULL && Py_TYPE(parts->dead)->tp_descr_get != NULL &&
                           parts->parent != NULL && Py_TYPE(parts->parent)->tp_descr_get != NULL;
    if (!are_descriptors || parts->gettrace == NULL) {
        Py_CLEAR(parts->tracer);
    }
    if (parts->tracer != NULL) {
        cover(parts->gettrace, settrace);
    }
    return parts->tracer != NULL;
}

/* Sees the switches of the calling thread from now on. */
static void trace_switches(thread_state *state, PyObject *module, PyObject *settrace)
{
    const greenlet_parts *parts = library();
    if (parts->tracer == NULL && !find_parts(module, settrace)) {
        return;
    }
    PyObject *before = PyObject_CallOneArg(settrace, parts->tracer);
    if (before == NULL) {
        return;
    }
    if (before != parts->tracer) {
        Py_INCREF(before);
        Py_XSETREF(state->chained_switch, before);
    }
    Py_DECREF(before);
    state->sees_switches = true;
    if (!shared_load(&state->interpreter->all_look)) {
        switches_let_all_look();
    }
}

static void look(thread_state *state)
{
    EDBPROF_GUARDED;
    if (state->sees_switches) {
        return;
    }
    PyObject *exception = compat_take_exception();
    PyObject *module = loaded_module("greenlet");
    /* The module may be half imported, or another one of that name. */
    PyObject *settrace = NULL;
    if (module != NULL && PyModule_CheckExact(module)) {
        settrace = compat_dict_get(PyModule_GetDict(module), "settrace");
    }
    if (settrace != NULL && PyCFunction_Check(settrace)) {
        trace_switches(state, module, settrace);
    }
    Py_XDECREF(settrace);
    Py_XDECREF(module);
    PyErr_Clear();
    compat_restore_exception(exception);
}

static void look_again(thread_state *state)
{
    EDBPROF_GUARDED;
    if (library()->tracer == NULL) {
        look(state);
        return;
    }
    PyObject *now = trace_function();
    if (now != library()->tracer) {
        state->sees_switches = false;
        look(state);
    }
    Py_XDECREF(now);
    PyErr_Clear();
}

void greenlets_init(void)
{
    static const switch_observer observer = {look, look_again, forget_owner};
    switches_set_observer(&observer);
}
