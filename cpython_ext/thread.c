/* Which recorders record in a thread. */
#include "edbprof_ext.h"

unsigned threads_recording;

EDBPROF_THREAD_LOCAL latest_state thread_here;
uint64_t threads_epoch = 1;

static const char DICT_KEY[] = "edbprof_native.thread";

/* Recorders that are active by whichever hook. */
static size_t active_count(const thread_state *state)
{
    return state->active[HOOK_SETPROFILE].count + state->active[HOOK_MONITORING].count;
}

/* All that there are. */
static thread_state *all_states;

static void stop_recording(thread_state *self)
{
    if (active_count(self) > 0) {
        threads_recording--;
    }
    if (self->active[HOOK_MONITORING].count > 0) {
        gate_remove_thread();
    }
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        active_recorders *list = &self->active[hook];
        for (size_t i = 0; i < list->count; i++) {
            list->items[i].owner->active_threads--;
            Py_DECREF(list->items[i].owner);
        }
        PyMem_Free(list->items);
    }
}

/* The thread is over. Its open calls end, and its trees are for others to go on with. */
static void thread_state_dealloc(PyObject *object)
{
    thread_state *self = (thread_state *)object;
    if (self->ident != PyThread_get_thread_ident() && compat_is_finalizing()) {
        /* A daemon thread, which may be in native code that goes on recording without the
         * GIL: all that it uses stays, for good. */
        return;
    }
    if (thread_here.state == self) {
        thread_here.state = NULL;
        thread_here.tstate = NULL;
        thread_here.monitored = NULL;
    } else {
        threads_epoch++;
    }
    for (size_t i = 0; i < self->handle_count; i++) {
        (void)edbprof_thread_detach(self->handles[i].handle);
    }
    PyMem_Free(self->handles);
    if (self->next != NULL) {
        self->next->link = self->link;
    }
    *self->link = self->next;
    stop_recording(self);
    Py_XDECREF(self->chained_argument);
    Py_XDECREF(self->chained_switch);
    Py_XDECREF(self->greenlets);
    Py_TYPE(object)->tp_free(object);
}

PyTypeObject thread_state_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "edbprof_native._native.ThreadState",
    .tp_basicsize = sizeof(thread_state),
    .tp_dealloc = thread_state_dealloc,
    .tp_call = setprofile_put_back,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "What edbprof knows of one thread.",
};

/* The calling OS thread is this Python thread now. */
static void bind_os_thread(thread_state *state, PyThreadState *tstate)
{
    if (state != NULL && state->home != &thread_here) {
        threads_epoch++;
        state->home = &thread_here;
    }
    if (thread_here.state != NULL && thread_here.state != state) {
        thread_here.is_several = true;
        thread_here.monitored = NULL;
    }
    thread_here.state = state;
    thread_here.tstate = tstate;
}

thread_state *thread_state_find(PyThreadState *tstate)
{
    PyObject *exception = compat_take_exception();
    PyObject *dict = PyThreadState_GetDict();
    thread_state *state = NULL;
    if (dict != NULL) {
        state = (thread_state *)PyDict_GetItemString(dict, DICT_KEY);
    }
    compat_restore_exception(exception);
    bind_os_thread(state, tstate);
    return state;
}

/* The current thread's state, made at first use. NULL with an exception. */
static thread_state *own_state(void)
{
    thread_state *state = thread_state_current();
    if (state != NULL) {
        return state;
    }
    PyObject *dict = PyThreadState_GetDict();
    if (dict == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    state = PyObject_New(thread_state, &thread_state_type);
    if (state == NULL) {
        return NULL;
    }
    memset((char *)state + sizeof(PyObject), 0, sizeof *state - sizeof(PyObject));
    state->tstate = PyThreadState_Get();
    state->ident = PyThread_get_thread_ident();
    state->next = all_states;
    state->link = &all_states;
    if (all_states != NULL) {
        all_states->link = &state->next;
    }
    all_states = state;
    int failed = PyDict_SetItemString(dict, DICT_KEY, (PyObject *)state);
    Py_DECREF(state);
    if (failed) {
        return NULL;
    }
    bind_os_thread(state, state->tstate);
    return state;
}

active_recorder *thread_find_active(thread_state *state, const recorder *owner)
{
    active_recorders *list = &state->active[owner->hook];
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].owner == owner) {
            return &list->items[i];
        }
    }
    return NULL;
}

int thread_may_switch(void)
{
    if (thread_here.state == NULL || !thread_here.state->in_timer) {
        return 0;
    }
    PyErr_SetString(PyExc_RuntimeError, "a timer can't switch recording on or off");
    return -1;
}

/* Makes room for one more, and events come for it. 0, or -1 with an exception. */
static int prepare(thread_state *state, const recorder *owner)
{
    hook_kind hook = owner->hook;
    active_recorders *list = &state->active[hook];
    active_recorder *items =
        grow_array(list->items, list->count, &list->room, sizeof *items);
    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    list->items = items;
    if (list->count > 0) {
        return 0;
    }
    if (hook == HOOK_MONITORING && owner->local_events) {
        gate_add_local_thread();
        return 0;
    }
    if (hook == HOOK_MONITORING) {
        return gate_add_thread();
    }
    setprofile_arm(state);
    return 0;
}

/* Called for lists of the calling thread. */
static void choose_fast_handle(active_recorders *list)
{
    const recorder *first = list->count == 1 ? list->items[0].owner : NULL;
    bool usual = first != NULL && first->timer == NULL && first->builtins;
    list->fast_handle = usual ? list->items[0].handle : NULL;
    thread_here.monitored = thread_here.is_several
                                ? NULL
                                : thread_here.state->active[HOOK_MONITORING].fast_handle;
    thread_here.epoch = threads_epoch;
}

/* The recorder's handle for the thread, made at first use. NULL with an exception. */
static edbprof_thread *attach(thread_state *state, recorder *owner)
{
    for (size_t i = state->handle_count; i-- > 0;) {
        if (state->handles[i].owner == owner) {
            return state->handles[i].handle;
        }
    }
    greenlets_look(state);
    edbprof_thread *handle = recorder_attach(owner);
    if (handle == NULL) {
        return NULL;
    }
    /* Now, since attaching runs Python code. */
    thread_handle *handles = grow_array(state->handles, state->handle_count,
                                        &state->handle_room, sizeof *handles);
    if (handles == NULL) {
        (void)edbprof_thread_detach(handle);
        return (edbprof_thread *)PyErr_NoMemory();
    }
    state->handles = handles;
    state->handles[state->handle_count++] = (thread_handle){owner, handle};
    return handle;
}

void thread_forget(const recorder *owner)
{
    for (thread_state *state = all_states; state != NULL; state = state->next) {
        size_t kept = 0;
        for (size_t i = 0; i < state->handle_count; i++) {
            if (state->handles[i].owner != owner) {
                state->handles[kept++] = state->handles[i];
            }
        }
        state->handle_count = kept;
        greenlets_forget(state, owner);
    }
}

void thread_look(void)
{
    thread_state *state = thread_here.state;
    if (!greenlets_are_used || state == NULL || state->sees_switches) {
        return;
    }
    greenlets_look(state);
    for (int hook = 0; hook < HOOK_COUNT && state->sees_switches; hook++) {
        choose_fast_handle(&state->active[hook]);
    }
}

void thread_let_all_look(void)
{
    for (thread_state *state = all_states; state != NULL; state = state->next) {
        for (int hook = 0; hook < HOOK_COUNT && !state->sees_switches; hook++) {
            state->active[hook].fast_handle = NULL;
        }
    }
    threads_epoch++;
}

PyObject *thread_recorders_of_new_threads(void)
{
    thread_state *state = thread_state_current();
    PyObject *found = NULL;
    for (int hook = 0; state != NULL && hook < HOOK_COUNT; hook++) {
        for (size_t i = 0; i < state->active[hook].count; i++) {
            recorder *owner = state->active[hook].items[i].owner;
            if (!owner->threads) {
                continue;
            }
            found = found == NULL ? PyList_New(0) : found;
            if (found == NULL || PyList_Append(found, (PyObject *)owner) < 0) {
                Py_XDECREF(found);
                return NULL;
            }
        }
    }
    PyObject *recorders = found == NULL ? NULL : PyList_AsTuple(found);
    Py_XDECREF(found);
    return recorders;
}

uint64_t thread_new_call(void)
{
    static uint64_t calls = WHOLE_THREAD;
    return ++calls;
}

int thread_enable(recorder *owner, uint64_t call)
{
    thread_state *state = thread_may_switch() < 0 ? NULL : own_state();
    if (state == NULL) {
        return -1;
    }
    if (state->active[HOOK_SETPROFILE].count > 0) {
        setprofile_keep_armed(state);
    }
    active_recorders *list = &state->active[owner->hook];
    active_recorder *known = thread_find_active(state, owner);
    if (known != NULL) {
        known->depth++;
        return 0;
    }
    if (greenlets_are_used) {
        greenlets_look_again(state);
    }
    edbprof_thread *handle = attach(state, owner);
    if (handle == NULL) {
        return -1;
    }
    active_recorder added = {.owner = owner,
                             .handle = handle,
                             .depth = 1,
                             .of_call = call != WHOLE_THREAD,
                             .call = call == WHOLE_THREAD ? thread_new_call() : call};
    if (prepare(state, owner) < 0) {
        return -1;
    }
    if (active_count(state) == 0) {
        threads_recording++;
    }
    Py_INCREF(owner);
    owner->active_threads++;
    list->items[list->count++] = added;
    choose_fast_handle(list);
    return 0;
}

bool thread_try_enable(recorder *owner, uint64_t call)
{
    static bool told;
    if (thread_enable(owner, call) == 0) {
        return true;
    }
    PyObject *error = compat_take_exception();
    PyObject *text = PyObject_Str(error);
    const char *why = text == NULL ? NULL : PyUnicode_AsUTF8(text);
    PyErr_Clear();
    warn_once(&told, "cannot record a call: %s",
              why == NULL || *why == '\0' ? Py_TYPE(error)->tp_name : why);
    Py_XDECREF(text);
    Py_DECREF(error);
    return false;
}

/* NULL where the recorder does not record in the calling thread. */
static active_recorder *find_active_here(const recorder *owner)
{
    thread_state *state = thread_state_current();
    return state == NULL ? NULL : thread_find_active(state, owner);
}

static void deactivate(active_recorder *known)
{
    thread_state *state = thread_here.state;
    recorder *owner = known->owner;
    active_recorders *list = &state->active[owner->hook];
    (void)edbprof_leave_all(known->handle);
    size_t behind = list->count - (size_t)(known - list->items) - 1;
    memmove(known, known + 1, behind * sizeof *known);
    list->count--;
    choose_fast_handle(list);
    if (active_count(state) == 0) {
        threads_recording--;
    }
    if (list->count == 0 && owner->hook == HOOK_MONITORING) {
        gate_remove_thread();
    } else if (list->count == 0) {
        setprofile_disarm(state);
    }
    owner->active_threads--;
    Py_DECREF(owner);
}

bool thread_disable(recorder *owner)
{
    active_recorder *known = find_active_here(owner);
    if (known == NULL || --known->depth > 0) {
        return false;
    }
    deactivate(known);
    return true;
}

unsigned thread_stop(recorder *owner)
{
    active_recorder *known = find_active_here(owner);
    unsigned depth = known == NULL ? 0 : known->depth;
    if (known != NULL) {
        deactivate(known);
    }
    return depth;
}

void thread_set_builtins(recorder *owner, bool builtins)
{
    owner->builtins = builtins;
    if (find_active_here(owner) != NULL) {
        choose_fast_handle(&thread_here.state->active[owner->hook]);
    }
}
