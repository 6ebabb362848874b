/* State of each Python thread. */
#include "thread_state.h"

unsigned threads_recording;
unsigned threads_by_hook[HOOK_COUNT];

EDBPROF_THREAD_LOCAL latest_state thread_here;
uint64_t threads_epoch = 1;

thread_state *thread_states;

static const char DICT_KEY[] = "edbprof_native.thread";

static void stop_recording(thread_state *self)
{
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        active_recorders list = self->active[hook];
        self->active[hook] = (active_recorders){0};
        if (list.count > 0) {
            thread_state_count(self, hook, -1);
        }
        for (size_t i = 0; i < list.count; i++) {
            list.items[i].owner->active_threads--;
            Py_DECREF(list.items[i].owner);
        }
        PyMem_Free(list.items);
    }
}

/* The thread is over. Its open calls end, and its trees are for others to continue. */
static void thread_state_dealloc(PyObject *object)
{
    thread_state *self = (thread_state *)object;
    if (self->ident != PyThread_get_thread_ident() && compat_is_finalizing()) {
        /* A daemon thread, which may continue to record in native code without the GIL:
         * everything that it uses is leaked. */
        return;
    }
    if (thread_here.state == self) {
        thread_here.state = NULL;
        thread_here.tstate = NULL;
        thread_here.monitored = NULL;
    } else {
        threads_epoch++;
    }
    /* Its positions borrow recorders, which the active ones below may be the last to keep. */
    Py_CLEAR(self->greenlets);
    for (size_t i = 0; i < self->handle_count; i++) {
        (void)edbprof_thread_detach(self->handles[i].handle);
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
    Py_TYPE(object)->tp_free(object);
}

PyTypeObject thread_state_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "edbprof_native._native.ThreadState",
    .tp_basicsize = sizeof(thread_state),
    .tp_dealloc = thread_state_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "State of one thread in edbprof.",
};

/* The calling OS thread is this Python thread from now on. */
static void bind_os_thread(thread_state *state, PyThreadState *tstate)
{
    if (state != NULL && state->home != &thread_here) {
        threads_epoch++;
        state->home = &thread_here;
    }
    if (thread_here.state != NULL && thread_here.state != state) {
        thread_here.is_several = true;
    }
    thread_here.state = state;
    thread_here.tstate = tstate;
    thread_state_note_monitored(state);
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

thread_state *thread_state_make(void)
{
    PyObject *dict = PyThreadState_GetDict();
    if (dict == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    thread_state *state = PyObject_New(thread_state, &thread_state_type);
    if (state == NULL) {
        return NULL;
    }
    memset((char *)state + sizeof(PyObject), 0, sizeof *state - sizeof(PyObject));
    state->tstate = PyThreadState_Get();
    state->ident = PyThread_get_thread_ident();
    state->next = thread_states;
    state->link = &thread_states;
    if (thread_states != NULL) {
        thread_states->link = &state->next;
    }
    thread_states = state;
    int failed = PyDict_SetItemString(dict, DICT_KEY, (PyObject *)state);
    Py_DECREF(state);
    if (failed) {
        return NULL;
    }
    bind_os_thread(state, state->tstate);
    return state;
}
