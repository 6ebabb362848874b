/* The recorders that are active in each Python thread: switches them on and off. */
#include "thread.h"

#include "active.h"
#include "arrays.h"
#include "guard.h"
#include "interpreter.h"
#include "os_threads.h"
#include "recorder.h"
#include "switches.h"
#include "thread_handles.h"
#include "thread_state.h"
#include "unnoticed.h"
#include "warn.h"

static const hook_ops *hooks[HOOK_COUNT];

void thread_set_hook(hook_kind kind, const hook_ops *ops) { hooks[kind] = ops; }

const hook_ops *thread_hook(hook_kind kind) { return hooks[kind]; }

void thread_new_function(void)
{
    EDBPROF_GUARDED;
    const thread_state *state = thread_here.state;
    for (int hook = 0; state != NULL && hook < HOOK_COUNT; hook++) {
        if (state->active[hook].count > 0 && hooks[hook]->new_function != NULL) {
            hooks[hook]->new_function();
        }
    }
    switches_look(thread_here.state);
}

static int check_outside_timer(const thread_state *state)
{
    if (!state->in_timer) {
        return 0;
    }
    PyErr_SetString(PyExc_RuntimeError, "a timer can't switch recording on or off");
    return -1;
}

int thread_may_switch(void)
{
    const thread_state *state = thread_state_current();
    return state == NULL ? 0 : check_outside_timer(state);
}

uint64_t thread_new_call(void)
{
    /* A variable that all threads change at each call would slow all of them. */
    enum { BLOCK = 1024 };
    static uint64_t calls = WHOLE_THREAD;
    static EDBPROF_THREAD_LOCAL uint64_t latest;
    if (latest % BLOCK == 0) {
        latest = process_add(&calls, BLOCK) - BLOCK;
    }
    return ++latest;
}

/* Makes the hook report the events that a recorder needs. Returns 0, or -1 with an exception. */
static int listen(thread_state *state, const recorder *owner)
{
    const hook_ops *hook = hooks[owner->hook];
    if (state->active[owner->hook].count == 0) {
        return hook->begin(state, owner);
    }
    return owner->builtins && hook->add_builtins != NULL ? hook->add_builtins(owner) : 0;
}

void thread_enter_frame(const recorder *owner, edbprof_thread *handle)
{
    if (owner->frame != NULL) {
        (void)edbprof_enter_span(handle, owner->frame);
    }
}

void thread_forget_calls(const active_recorder *active)
{
    (void)edbprof_leave_all(active->handle);
    thread_enter_frame(active->owner, active->handle);
}

/* Makes the hook report events, and adds the recorder to the active ones. Returns 0, or -1 with an
 * exception. */
static int activate(thread_state *state, recorder *owner, uint64_t call)
{
    active_recorders *list = &state->active[owner->hook];
    const hook_ops *hook = hooks[owner->hook];
    switches_look_again(state);
    if (thread_handles_attach(state, owner) < 0 || listen(state, owner) < 0) {
        return -1;
    }
    /* Python code may have run until here, for the name of a thread or an audit hook. If it has
     * enabled the recorder, there must be no second entry; if it has closed the recorder, the
     * handle is gone. No Python code runs from here on. */
    active_recorder *known = thread_find_active(state, owner);
    if (known != NULL) {
        known->depth++;
        return 0;
    }
    edbprof_thread *handle = thread_handles_find(state, owner);
    active_recorder *items =
        handle == NULL ? NULL : grow_array(list->items, list->count, &list->room, sizeof *items);
    if (items == NULL) {
        (void)(handle == NULL ? recorder_raise_closed() : PyErr_NoMemory());
        if (list->count == 0 && hook->end != NULL) {
            hook->end(state);
        }
        return -1;
    }
    thread_state_count(state, owner->hook, 1);
    Py_INCREF(owner);
    owner->active_threads++;
    bool is_guest = state->is_foreign && state->is_arriving;
    if (!is_guest) {
        thread_state_count_member(owner, 1);
    }
    thread_enter_frame(owner, handle);
    list->items = items;
    list->items[list->count++] =
        (active_recorder){.owner = owner,
                          .handle = handle,
                          .depth = 1,
                          .is_guest = is_guest,
                          .of_call = call != WHOLE_THREAD,
                          .call = call == WHOLE_THREAD ? thread_new_call() : call};
    thread_state_choose_fast_way(state, list);
    return 0;
}

int thread_enable(recorder *owner, uint64_t call)
{
    EDBPROF_GUARDED;
    thread_state *state = thread_state_current();
    state = state != NULL ? state : thread_state_make();
    if (state == NULL || check_outside_timer(state) < 0) {
        return -1;
    }
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        if (state->active[hook].count > 0 && hooks[hook]->repair != NULL) {
            hooks[hook]->repair(state);
        }
    }
    active_recorder *known = thread_find_active(state, owner);
    if (known == NULL) {
        return activate(state, owner, call);
    }
    if (known->uncounted) {
        thread_state_adopt(state, known);
    }
    if (known->is_guest) {
        known->is_guest = false; /* The recorder ends with the call that begins. */
        thread_state_count_member(owner, 1);
    } else {
        known->depth++;
    }
    return 0;
}

bool thread_try_enable(recorder *owner, uint64_t call)
{
    static bool warned;
    if (shared_load(&owner->abandoned)) {
        return false; /* Tasks and threads of a request may outlive it. */
    }
    if (thread_enable(owner, call) == 0) {
        return true;
    }
    PyObject *error = compat_take_exception();
    PyObject *text = PyObject_Str(error);
    const char *why = text == NULL ? NULL : PyUnicode_AsUTF8(text);
    PyErr_Clear();
    warn_soon(&warned, "cannot record a call: %s",
              why == NULL || *why == '\0' ? Py_TYPE(error)->tp_name : why);
    Py_XDECREF(text);
    Py_DECREF(error);
    return false;
}

static bool any_stops; /* Some recorder was ended in other threads since the process began. */

/* Returns the recorder's entry in the calling thread, or NULL. */
static active_recorder *find_active_here(const recorder *owner)
{
    thread_state *state = thread_state_current();
    return state == NULL ? NULL : thread_find_active(state, owner);
}

/* Makes events of each thread that the recorder is active in take the slow way. */
static void let_stop(const recorder *owner)
{
    for (thread_state *state = thread_states(); state != NULL; state = state->next) {
        brief_lock_take(&state->lock);
        if (thread_find_active(state, owner) != NULL) {
            active_go_slowly(&state->active[owner->hook]);
        }
        brief_lock_give(&state->lock);
    }
    (void)process_add(&threads_epoch, 1);
    shared_store(&any_stops, true);
}

static void deactivate(active_recorder *known)
{
    thread_state *state = thread_here.state;
    recorder *owner = known->owner;
    active_recorders *list = &state->active[owner->hook];
    bool is_member = !known->is_guest, is_counted = !known->uncounted;
    bool of_call = known->of_call;
    active_remove(list, known);
    thread_state_choose_fast_way(state, list);
    if (is_counted) {
        thread_state_count(state, owner->hook, -1);
    }
    if (list->count == 0 && hooks[owner->hook]->end != NULL) {
        hooks[owner->hook]->end(state);
    }
    if (EDBPROF_FREE_THREADED && !of_call && !thread_state_records(state)) {
        thread_state_tell(state, false);
    }
    owner->active_threads -= is_counted;
    if (owner->builtins_changed && !thread_states_have(owner)) {
        shared_store(&owner->builtins_changed, false);
    }
    if (!is_counted) {
        return;
    }
    if (is_member) {
        thread_state_count_member(owner, -1);
    }
    if (is_member && owner->members == 0 && owner->active_threads > 0) {
        let_stop(owner);
    }
    Py_DECREF(owner);
}

bool thread_disable(recorder *owner)
{
    EDBPROF_GUARDED;
    active_recorder *known = find_active_here(owner);
    if (known == NULL || --known->depth > 0) {
        return false;
    }
    deactivate(known);
    return true;
}

unsigned thread_stop(recorder *owner)
{
    EDBPROF_GUARDED;
    active_recorder *known = find_active_here(owner);
    unsigned depth = known == NULL ? 0 : known->depth;
    if (known != NULL) {
        deactivate(known);
    }
    return depth;
}

int thread_begin_whole(recorder *owner)
{
    EDBPROF_GUARDED;
    interpreter_state *interpreter = owner->interpreter;
    if (interpreter->whole == NULL) {
        interpreter->whole = owner;
        thread_state_count_member(owner, 1);
    }
    return thread_enable(owner, WHOLE_THREAD);
}

void thread_end_whole(recorder *owner)
{
    EDBPROF_GUARDED;
    if (owner->interpreter->whole != owner) {
        return;
    }
    owner->interpreter->whole = NULL;
    thread_state_count_member(owner, -1);
    if (owner->members == 0 && owner->active_threads > 0) {
        let_stop(owner);
    }
}

void thread_abandon(recorder *owner)
{
    EDBPROF_GUARDED;
    shared_store(&owner->abandoned, true);
    thread_end_whole(owner);
    if (thread_may_switch() == 0) {
        thread_stop(owner);
    } else {
        PyErr_Clear();
    }
    if (thread_states_have(owner)) {
        let_stop(owner);
    }
}

/* Stops the calling thread's recorders that another thread has ended. */
static void stop_ended(void)
{
    thread_state *state = thread_here.state;
    if (!shared_load(&any_stops) || state == NULL || state->in_timer) {
        return;
    }
    EDBPROF_GUARDED;
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        const active_recorders *list = &state->active[hook];
        for (size_t i = 0; i < list->count;) {
            if (!active_must_stop(&list->items[i])) {
                i++;
                continue;
            }
            deactivate(&list->items[i]);
            i = 0; /* Python code may have run, and changed the list. */
        }
    }
}

void thread_slow_event(void)
{
    stop_ended();
    thread_state *state = thread_here.state;
    if (state != NULL && shared_load(&state->interpreter->all_look)) {
        switches_look(state);
    }
}

int thread_set_builtins(recorder *owner, bool builtins)
{
    EDBPROF_GUARDED;
    const hook_ops *hook = hooks[owner->hook];
    bool active = thread_states_have(owner);
    if (builtins && active && hook->add_builtins != NULL && hook->add_builtins(owner) < 0) {
        return -1;
    }
    if (builtins == owner->builtins) {
        return 0;
    }
    /* Store in this order, because threads that see the new `builtins` then look for a change. */
    shared_store(&owner->builtins_changed, active);
    shared_store(&owner->builtins, builtins);
    for (thread_state *state = thread_states(); state != NULL; state = state->next) {
        bool must_look = state->interpreter->all_look && !state->sees_switches;
        brief_lock_take(&state->lock);
        if (!must_look && thread_find_active(state, owner) != NULL) {
            active_choose_fast_way(&state->active[owner->hook]);
        }
        brief_lock_give(&state->lock);
    }
    (void)process_add(&threads_epoch, 1);
    return 0;
}

/* Counts the recorder in threads in which it is not counted. */
static void adopt(const recorder *owner)
{
    for (thread_state *state = thread_states(); state != NULL && EDBPROF_FREE_THREADED;
         state = state->next) {
        brief_lock_take(&state->lock);
        active_recorder *known = thread_find_active(state, owner);
        if (known != NULL && known->uncounted) {
            thread_state_adopt(state, known);
        }
        brief_lock_give(&state->lock);
    }
}

void thread_set_threads(recorder *owner, bool threads)
{
    EDBPROF_GUARDED;
    thread_states_want(owner->interpreter, owner->threads ? 0u - owner->members : 0);
    unnoticed_end(owner);
    if (threads) {
        shared_store(&owner->counted, true);
        adopt(owner);
    }
    owner->threads = threads;
    thread_states_want(owner->interpreter, threads ? owner->members : 0);
    if (owner->members > 0) {
        unnoticed_begin(owner);
        if (threads) {
            os_threads_begin(owner);
        } else {
            os_threads_end(owner);
        }
    }
}

void thread_notice(PyThreadState *tstate, hook_kind hook)
{
    if (hooks[hook]->notice != NULL) {
        hooks[hook]->notice(tstate);
    }
}

void thread_unnotice(PyThreadState *tstate, hook_kind hook)
{
    if (hooks[hook]->unnotice != NULL) {
        hooks[hook]->unnotice(tstate);
    }
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
