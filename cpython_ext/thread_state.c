/* State of each Python thread: made at its first use, found by OS threads, dropped at the thread's
 * end. */
#include "thread_state.h"

#include "os_threads.h"
#include "unnoticed.h"

unsigned threads_recording;
unsigned threads_wanted;

EDBPROF_THREAD_LOCAL latest_state thread_here;

static const char DICT_KEY[] = "edbprof_native.thread";

uint64_t thread_state_newest(void)
{
    const interpreter_state *here = interpreter_here();
    if (here != NULL && !EDBPROF_FREE_THREADED && !interpreter_may_list(here)) {
        return PyThreadState_Get()->id;
    }
    return guard_newest_thread(PyInterpreterState_Get());
}

/* ---- members and guests ---------------------------------------------------- */

void thread_state_count_member(recorder *owner, int change)
{
    interpreter_state *interpreter = owner->interpreter;
    if (owner->members == 0) {
        owner->since = thread_state_newest();
        shared_add(&interpreter->generation, 1);
    }
    if (interpreter->wanted == 0) {
        interpreter->seen = thread_state_newest();
        shared_store(&interpreter->since, interpreter->seen);
    }
    if (owner->members == 0) {
        unnoticed_begin(owner);
        if (owner->threads) {
            os_threads_begin(owner);
        }
    }
    owner->members += (unsigned)change;
    thread_states_want(interpreter, owner->threads ? (unsigned)change : 0);
    if (owner->members == 0) {
        os_threads_end(owner);
        unnoticed_end(owner);
    }
}

/* Makes a recorder's guest in this thread a member, after its last member has ended in another way
 * than by disable(). If that was a fork, the thread that remains is the child's main thread. */
static void promote_guest(recorder *owner, thread_state *state)
{
    active_recorders *list = &state->active[owner->hook];
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].owner == owner && list->items[i].is_guest) {
            list->items[i].is_guest = false;
            thread_state_count_member(owner, 1);
        }
    }
}

/* ---- what all threads do --------------------------------------------------- */

#if EDBPROF_FREE_THREADED

bool thread_states_use(hook_kind hook)
{
    bool use = shared_load(&interpreter_here()->threads_by_hook[hook]) > 0;
    for (thread_state *state = thread_states(); state != NULL && !use; state = state->next) {
        brief_lock_take(&state->lock);
        use = state->active[hook].count > 0;
        brief_lock_give(&state->lock);
    }
    return use;
}

bool thread_states_have_begun(void)
{
    bool begun = false;
    for (thread_state *state = thread_states(); state != NULL; state = state->next) {
        begun = shared_exchange(&state->has_begun, false) || begun;
    }
    return begun;
}

bool thread_states_have(const recorder *owner)
{
    bool have = owner->active_threads > 0;
    for (thread_state *state = thread_states(); state != NULL && !have; state = state->next) {
        brief_lock_take(&state->lock);
        const active_recorders *list = &state->active[owner->hook];
        for (size_t i = 0; i < list->count && !have; i++) {
            have = list->items[i].owner == owner;
        }
        brief_lock_give(&state->lock);
    }
    return have;
}

#else

bool thread_states_use(hook_kind hook)
{
    const interpreter_state *here = interpreter_here();
    return here != NULL && here->threads_by_hook[hook] > 0;
}

bool thread_states_have_begun(void) { return false; }

bool thread_states_have(const recorder *owner) { return owner->active_threads > 0; }

#endif

void thread_state_adopt(thread_state *state, active_recorder *active)
{
    recorder *owner = active->owner;
    thread_state_count(state, owner->hook, 1);
    active->uncounted = false;
    Py_INCREF(owner);
    owner->active_threads++;
    thread_state_count_member(owner, 1);
}

/* ---- the end of a thread -------------------------------------------------- */

static void stop_recording(thread_state *self)
{
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        active_recorders list = self->active[hook];
        self->active[hook] = (active_recorders){0};
        if (active_is_counted(&list)) {
            thread_state_count(self, hook, -1);
        }
        for (size_t i = 0; i < list.count; i++) {
            recorder *owner = list.items[i].owner;
            if (list.items[i].uncounted) {
                continue;
            }
            owner->active_threads--;
            if (!list.items[i].is_guest) {
                thread_state_count_member(owner, -1);
                if (owner->members == 0 && thread_here.state != NULL) {
                    promote_guest(owner, thread_here.state);
                }
            }
            Py_DECREF(owner);
        }
        PyMem_Free(list.items);
    }
    thread_state_tell(self, false);
}

/* Called when the thread is over. Its open calls end, and other threads may continue its trees. */
static void thread_state_dealloc(PyObject *object)
{
    EDBPROF_GUARDED;
    thread_state *self = (thread_state *)object;
    if (self->ident != PyThread_get_thread_ident() && compat_is_finalizing()) {
        /* This is a daemon thread, which may continue to record in native code without the GIL, so
         * everything that it uses is leaked. */
        return;
    }
    bool is_here = thread_here.state == self;
    if (thread_here.of_main == self) {
        thread_here.of_main = NULL;
    }
    bool is_callback =
        is_here && PyThreadState_Get() == self->tstate && compat_ends_callback(self->tstate);
    if (is_here) {
        thread_here.ended = self->tstate->id;
        thread_here.ended_in = self->interpreter->id;
        thread_here.state = NULL;
        thread_here.tstate = NULL;
        thread_state_note_monitored(NULL);
    } else {
        (void)process_add(&threads_epoch, 1);
    }
    /* Its positions borrow recorders, which the active ones below may be the last to keep. */
    Py_CLEAR(self->greenlets);
    for (size_t i = 0; i < self->handle_count; i++) {
        if (is_callback) {
            os_threads_keep(self->handles[i].owner, self->handles[i].handle);
        } else {
            os_threads_detach_handle(self->handles[i].handle);
        }
    }
    PyMem_Free(self->handles);
    PyMem_Free(self->started);
    if (self->next != NULL) {
        self->next->link = self->link;
    }
    *self->link = self->next;
    stop_recording(self);
    Py_XDECREF(self->chained_argument);
    Py_XDECREF(self->chained_switch);
    Py_XDECREF(self->arrivals);
    interpreter_give_back(self->interpreter);
    compat_free(object);
}

int thread_state_init(interpreter_state *interpreter)
{
    static PyType_Slot slots[] = {
        {Py_tp_dealloc, thread_state_dealloc},
        {Py_tp_doc, (void *)"State of one thread in edbprof."},
        {0, NULL},
    };
    static PyType_Spec spec = {
        .name = "edbprof_native._native.ThreadState",
        .basicsize = sizeof(thread_state),
        .flags = EDBPROF_TYPE_FLAGS | EDBPROF_NEVER_CALLED,
        .slots = slots,
    };
    return interpreter_make_type(interpreter, TYPE_THREAD_STATE, &spec);
}

/* Notes that the calling OS thread runs this Python thread from now on. */
static void bind_os_thread(thread_state *state, PyThreadState *tstate)
{
    if (state != NULL && state->home != &thread_here) {
        /* No other OS thread knows a thread that has not run. */
        (void)process_add(&threads_epoch, state->home != NULL);
        state->ident = PyThread_get_thread_ident();
        state->home = &thread_here;
    }
    if (state != NULL && state->interpreter->is_main) {
        thread_here.is_several =
            thread_here.is_several || (thread_here.of_main != NULL && thread_here.of_main != state);
        thread_here.of_main = state;
    }
    thread_here.state = state;
    thread_here.tstate = tstate;
    thread_state_note_monitored(state);
}

thread_state *thread_state_find(PyThreadState *tstate)
{
    EDBPROF_GUARDED;
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

/* Makes the state of a Python thread with this dict. NULL with an exception. */
static thread_state *make(PyThreadState *tstate, PyObject *dict)
{
    interpreter_state *here = interpreter_here();
    if (here == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "the interpreter ends");
        return NULL;
    }
    thread_state *state = PyObject_New(thread_state, here->types[TYPE_THREAD_STATE]);
    if (state == NULL) {
        return NULL;
    }
    memset((char *)state + sizeof(PyObject), 0, sizeof *state - sizeof(PyObject));
    interpreter_keep(here);
    state->interpreter = here;
    state->tstate = tstate;
    state->next = here->threads;
    state->link = &here->threads;
    if (here->threads != NULL) {
        here->threads->link = &state->next;
    }
    here->threads = state;
    int failed = PyDict_SetItemString(dict, DICT_KEY, (PyObject *)state);
    Py_DECREF(state);
    return failed ? NULL : state;
}

thread_state *thread_state_make(void)
{
    EDBPROF_GUARDED;
    PyObject *dict = PyThreadState_GetDict();
    if (dict == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    PyThreadState *tstate = PyThreadState_Get();
    const interpreter_state *here = interpreter_here();
    if (here != NULL && here->wanted > 0 && tstate->id > here->seen) {
        unnoticed_account();
    }
    thread_state *state = make(tstate, dict);
    if (state != NULL) {
        bind_os_thread(state, tstate);
    }
    return state;
}

thread_state *thread_state_make_for(PyThreadState *tstate)
{
    tstate->dict = tstate->dict != NULL ? tstate->dict : PyDict_New();
    return tstate->dict == NULL ? NULL : make(tstate, tstate->dict);
}

thread_state *thread_state_of(PyThreadState *tstate)
{
    PyObject *dict = tstate->dict;
    return dict == NULL ? NULL : (thread_state *)PyDict_GetItemString(dict, DICT_KEY);
}

bool thread_state_exists(PyThreadState *tstate) { return thread_state_of(tstate) != NULL; }
