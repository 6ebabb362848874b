/* The recorders that are active in each Python thread. */
#include "thread.h"

#include "arrays.h"
#include "guard.h"
#include "interpreter.h"
#include "os_threads.h"
#include "recorder.h"
#include "thread_state.h"
#include "unnoticed.h"
#include "warn.h"

static const hook_ops *hooks[HOOK_COUNT];

void thread_set_hook(hook_kind kind, const hook_ops *ops) { hooks[kind] = ops; }

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

/* Returns true if another thread has ended the recording of this one. */
static bool must_stop(const active_recorder *active)
{
    return active->owner->abandoned || (active->is_guest && active->owner->members == 0);
}

/* The choice of all recorders of a list; NULL if they differ, or if there is none. */
static const choice *common_choice(const active_recorders *list)
{
    const choice *common = list->count > 0 ? list->items[0].owner->choice : NULL;
    for (size_t i = 1; i < list->count; i++) {
        if (list->items[i].owner->choice != common) {
            return NULL;
        }
    }
    return common;
}

/* Chooses what the fast way of a list's events uses. */
static void choose_fast_way(active_recorders *list)
{
    active_go_slowly(list);
    const active_recorder *first = list->count == 1 ? list->items : NULL;
    if (list->count == 0 || (first != NULL && must_stop(first))) {
        return;
    }
    bool skips_builtins = true, records_types = false;
    for (size_t i = 0; i < list->count; i++) {
        const recorder *owner = list->items[i].owner;
        skips_builtins = skips_builtins && !owner->builtins && !owner->builtins_changed;
        records_types = records_types || owner->record_types;
    }
    shared_store(&list->skips_builtins, skips_builtins);
    shared_store(&list->records_types, records_types);
    hook_kind hook = list->items[0].owner->hook;
    if (hook == HOOK_SETPROFILE && !must_stop(list->items)) {
        shared_store(&list->filter, common_choice(list));
    }
    if (first == NULL || first->owner->timer != NULL) {
        return;
    }
    const recorder *owner = first->owner;
    if (list->filter != NULL) {
        shared_store(&list->filtered_handle, first->handle);
        return;
    }
    /* The hook 'monitoring' does not filter before its fast path. */
    if (owner->choice != NULL && hook < HOOK_CHOSEN) {
        return;
    }
    /* PyEval_SetProfile reports no classes. */
    bool is_fast = owner->builtins && !owner->builtins_changed &&
                   (!owner->record_types || hook == HOOK_SETPROFILE);
    edbprof_thread *builtins = is_fast ? first->handle : NULL;
    shared_store(&list->fast_handle, first->handle);
    shared_store(&list->fast_builtins, builtins);
    if (!owner->timeline) {
        shared_store(&list->end_handle, first->handle);
        shared_store(&list->end_builtins, builtins);
    }
}

/* The same after a change of one of the calling thread's lists. */
static void choose_fast_handle(const thread_state *state, active_recorders *list)
{
    choose_fast_way(list);
    thread_state_note_monitored(state);
}

/* ---- switches between stacks of calls ------------------------------------ */

static const switch_observer *observer;

void thread_set_switch_observer(const switch_observer *new) { observer = new; }

void thread_let_all_look(void)
{
    EDBPROF_GUARDED;
    interpreter_state *here = interpreter_here();
    if (here != NULL) {
        shared_store(&here->all_look, true);
    }
    for (thread_state *state = thread_states(); state != NULL; state = state->next) {
        brief_lock_take(&state->lock);
        for (int hook = 0; hook < HOOK_COUNT && !state->sees_switches; hook++) {
            active_go_slowly(&state->active[hook]);
        }
        brief_lock_give(&state->lock);
    }
    (void)process_add(&threads_epoch, 1);
}

static void look_for_switches(thread_state *state)
{
    if (state == NULL || state->sees_switches) {
        return;
    }
    EDBPROF_GUARDED;
    observer->look(state);
    for (int hook = 0; hook < HOOK_COUNT && state->sees_switches; hook++) {
        choose_fast_handle(state, &state->active[hook]);
    }
}

/* ---- first calls --------------------------------------------------------- */

void thread_new_function(void)
{
    EDBPROF_GUARDED;
    const thread_state *state = thread_here.state;
    for (int hook = 0; state != NULL && hook < HOOK_COUNT; hook++) {
        if (state->active[hook].count > 0 && hooks[hook]->new_function != NULL) {
            hooks[hook]->new_function();
        }
    }
    look_for_switches(thread_here.state);
}

/* ---- handles ------------------------------------------------------------- */

/* The recorder's handle for the thread, or NULL. */
static edbprof_thread *find_handle(const thread_state *state, const recorder *owner)
{
    for (size_t i = state->handle_count; i-- > 0;) {
        if (state->handles[i].owner == owner) {
            return state->handles[i].handle;
        }
    }
    return NULL;
}

/* Makes the recorder's handle for the thread, if it has none. May run Python code. 0, or -1
 * with an exception. */
static int attach(thread_state *state, recorder *owner)
{
    edbprof_thread *given = find_handle(state, owner);
    if (given != NULL) {
        /* Another thread may have made it. */
        (void)edbprof_thread_adopt(given);
        return 0;
    }
    observer->look(state);
    edbprof_thread *handle = os_threads_lend(owner);
    handle = handle != NULL ? handle : recorder_attach(owner);
    if (handle == NULL) {
        return -1;
    }
    /* After recorder_attach, because its Python code may have attached the recorder too. */
    bool is_known = find_handle(state, owner) != NULL;
    thread_handle *handles = NULL;
    if (!is_known) {
        handles =
            grow_array(state->handles, state->handle_count, &state->handle_room, sizeof *handles);
    }
    if (handles != NULL) {
        state->handles = handles;
        state->handles[state->handle_count++] = (thread_handle){owner, handle};
        return 0;
    }
    os_threads_detach_handle(handle);
    if (!is_known) {
        PyErr_NoMemory();
    }
    return is_known ? 0 : -1;
}

void thread_forget(const recorder *owner)
{
    EDBPROF_GUARDED;
    for (thread_state *state = thread_states(); state != NULL; state = state->next) {
        size_t kept = 0;
        brief_lock_take(&state->lock);
        for (size_t i = 0; i < state->handle_count; i++) {
            if (state->handles[i].owner != owner) {
                state->handles[kept++] = state->handles[i];
            }
        }
        state->handle_count = kept;
        brief_lock_give(&state->lock);
        observer->forget(state, owner);
    }
    os_threads_forget(owner);
}

/* ---- switching recorders on and off -------------------------------------- */

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

/* Makes the events that a recorder needs come. 0, or -1 with an exception. */
static int listen(thread_state *state, const recorder *owner)
{
    const hook_ops *hook = hooks[owner->hook];
    if (state->active[owner->hook].count == 0) {
        return hook->begin(state, owner);
    }
    return owner->builtins && hook->add_builtins != NULL ? hook->add_builtins(owner) : 0;
}

/* Opens the call below which a recorder of another interpreter than the main one records. */
static void enter_frame(const recorder *owner, edbprof_thread *handle)
{
    if (owner->frame != NULL) {
        (void)edbprof_enter_span(handle, owner->frame);
    }
}

void thread_forget_calls(const active_recorder *active)
{
    (void)edbprof_leave_all(active->handle);
    enter_frame(active->owner, active->handle);
}

/* Makes events come, and adds the recorder to the active ones. 0, or -1 with an exception. */
static int activate(thread_state *state, recorder *owner, uint64_t call)
{
    active_recorders *list = &state->active[owner->hook];
    const hook_ops *hook = hooks[owner->hook];
    if (state->interpreter->all_look) {
        observer->look_again(state);
    }
    if (attach(state, owner) < 0 || listen(state, owner) < 0) {
        return -1;
    }
    /* Python code may have run until here: the name of a thread, audit hooks. If that has
     * enabled the recorder, there must be no second entry; if it has closed the recorder, the
     * handle is gone. None runs from here on. */
    active_recorder *known = thread_find_active(state, owner);
    if (known != NULL) {
        known->depth++;
        return 0;
    }
    edbprof_thread *handle = find_handle(state, owner);
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
    enter_frame(owner, handle);
    list->items = items;
    list->items[list->count++] =
        (active_recorder){.owner = owner,
                          .handle = handle,
                          .depth = 1,
                          .is_guest = is_guest,
                          .of_call = call != WHOLE_THREAD,
                          .call = call == WHOLE_THREAD ? thread_new_call() : call};
    choose_fast_handle(state, list);
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
        known->is_guest = false; /* It ends with the call that begins. */
        thread_state_count_member(owner, 1);
    } else {
        known->depth++;
    }
    return 0;
}

bool thread_try_enable(recorder *owner, uint64_t call)
{
    static bool warned;
    if (thread_enable(owner, call) == 0) {
        return true;
    }
    PyObject *error = compat_take_exception();
    PyObject *text = PyObject_Str(error);
    const char *why = text == NULL ? NULL : PyUnicode_AsUTF8(text);
    PyErr_Clear();
    warn_once(&warned, "cannot record a call: %s",
              why == NULL || *why == '\0' ? Py_TYPE(error)->tp_name : why);
    Py_XDECREF(text);
    Py_DECREF(error);
    return false;
}

static bool any_stops; /* Some recorder was ended in other threads since the process began. */

/* The recorder's entry in the calling thread, or NULL. */
static active_recorder *find_active_here(const recorder *owner)
{
    thread_state *state = thread_state_current();
    return state == NULL ? NULL : thread_find_active(state, owner);
}

/* Lets an event of each thread that a recorder is active in take the slow way. */
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
    (void)edbprof_leave_all(known->handle);
    size_t behind = list->count - (size_t)(known - list->items) - 1;
    memmove(known, known + 1, behind * sizeof *known);
    list->count--;
    choose_fast_handle(state, list);
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

/* ---- decorated calls ------------------------------------------------------ */

/* Variables that each decorated call of all threads changes would slow all of them. So without the
 * GIL a recorder begins again in a thread by an entry in the thread's own list, which is not
 * counted. Code that has to know where a recorder is active looks into all lists. */

/* In so many beginnings one takes the slow way, which checks that the events are still ours. */
enum { BEGINS_BETWEEN_CHECKS = 256 };

/* Returns true if the recorder can begin in a thread without the guard. */
static bool can_begin(thread_state *state, const recorder *owner)
{
    return state != NULL && state->is_told && !state->in_timer && !state->is_arriving &&
           hooks[owner->hook]->is_open != NULL && state->active[HOOK_SETPROFILE].count == 0 &&
           !shared_load(&owner->abandoned) && ++state->begins % BEGINS_BETWEEN_CHECKS != 0;
}

/* Adds the recorder, or counts its entry once more. Returns false if that takes the guard. Under
 * the state's lock. */
static bool begin_uncounted(thread_state *state, recorder *owner, uint64_t call)
{
    active_recorders *list = &state->active[owner->hook];
    active_recorder *known = thread_find_active(state, owner);
    if (known != NULL) {
        known->depth += !known->is_guest;
        return !known->is_guest;
    }
    edbprof_thread *handle = find_handle(state, owner);
    /* Whoever changes these looks into the list afterwards, and takes the lock for that. */
    bool must_wait = shared_load(&owner->counted) || shared_load(&state->interpreter->all_look) ||
                     !hooks[owner->hook]->is_open(owner);
    if (must_wait || handle == NULL || list->count == list->room) {
        return false;
    }
    list->items[list->count++] = (active_recorder){.owner = owner,
                                                   .handle = handle,
                                                   .depth = 1,
                                                   .of_call = true,
                                                   .uncounted = true,
                                                   .call = call};
    enter_frame(owner, handle);
    choose_fast_handle(state, list);
    return true;
}

/* Ends an uncounted entry. Returns false if that takes the guard. Under the state's lock. */
static bool end_uncounted(thread_state *state, active_recorder *known)
{
    active_recorders *list = &state->active[known->owner->hook];
    if (shared_load(&known->owner->builtins_changed)) {
        return false;
    }
    (void)edbprof_leave_all(known->handle);
    size_t behind = list->count - (size_t)(known - list->items) - 1;
    memmove(known, known + 1, behind * sizeof *known);
    list->count--;
    choose_fast_handle(state, list);
    return true;
}

bool thread_enable_for_call(recorder *owner, uint64_t call)
{
    thread_state *state = EDBPROF_FREE_THREADED ? thread_state_current() : NULL;
    bool begun = false;
    if (can_begin(state, owner)) {
        brief_lock_take(&state->lock);
        begun = begin_uncounted(state, owner, call);
        brief_lock_give(&state->lock);
        shared_store(&state->has_begun, true);
    }
    return begun || thread_try_enable(owner, call);
}

bool thread_end_call(recorder *owner)
{
    thread_state *state = EDBPROF_FREE_THREADED ? thread_state_current() : NULL;
    active_recorder *known = state == NULL ? NULL : thread_find_active(state, owner);
    if (known == NULL || !known->uncounted) {
        return thread_disable(owner);
    }
    if (known->depth > 1) {
        known->depth--;
        return false;
    }
    /* While it is active, the recording is not freed. */
    bool may_be_due =
        owner->save_every > 1 ||
        (owner->save_every == 1 && edbprof_thread_save_may_be_due(known->handle) == EDBPROF_OK);
    brief_lock_take(&state->lock);
    bool ended = end_uncounted(state, known);
    brief_lock_give(&state->lock);
    return ended ? may_be_due : thread_disable(owner);
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
            if (!must_stop(&list->items[i])) {
                i++;
                continue;
            }
            deactivate(&list->items[i]);
            i = 0; /* That may have run Python code, which changes the list. */
        }
    }
}

void thread_slow_event(void)
{
    stop_ended();
    thread_state *state = thread_here.state;
    if (state != NULL && shared_load(&state->interpreter->all_look)) {
        look_for_switches(state);
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
    /* In this order, because threads look for a change when they have seen this. */
    shared_store(&owner->builtins_changed, active);
    shared_store(&owner->builtins, builtins);
    for (thread_state *state = thread_states(); state != NULL; state = state->next) {
        bool must_look = state->interpreter->all_look && !state->sees_switches;
        brief_lock_take(&state->lock);
        if (!must_look && thread_find_active(state, owner) != NULL) {
            choose_fast_way(&state->active[owner->hook]);
        }
        brief_lock_give(&state->lock);
    }
    (void)process_add(&threads_epoch, 1);
    return 0;
}

/* Counts the recorder where it is not counted. */
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

int thread_give_handle(thread_state *state, recorder *owner, edbprof_thread *handle)
{
    thread_handle *handles =
        grow_array(state->handles, state->handle_count, &state->handle_room, sizeof *handles);
    if (handles == NULL) {
        os_threads_detach_handle(handle);
        PyErr_NoMemory();
        return -1;
    }
    state->handles = handles;
    state->handles[state->handle_count++] = (thread_handle){owner, handle};
    return 0;
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
