/* Which recorders record in a thread. */
#include "edbprof_ext.h"

unsigned threads_recording;

EDBPROF_THREAD_LOCAL thread_state *here;

static const char DICT_KEY[] = "edbprof_native.thread";

thread_state *thread_state_here(void) { return here; }

static void thread_state_dealloc(PyObject *object)
{
    thread_state *self = (thread_state *)object;
    if (here == self) {
        here = NULL;
    }
    if (self->active_count > 0) {
        threads_recording--;
    }
    for (size_t i = 0; i < self->active_count; i++) {
        /* The thread is over, and perhaps cleared by another: EDBPROF_WRONG_THREAD
         * then leaves the calls open, as they were at the end. */
        (void)edbprof_leave_all(self->active[i].handle);
        self->active[i].owner->active_threads--;
        Py_DECREF(self->active[i].owner);
    }
    PyMem_Free(self->active);
    Py_XDECREF(self->chained_argument);
    Py_TYPE(self)->tp_free(object);
}

PyTypeObject thread_state_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "edbprof_native._native.ThreadState",
    .tp_basicsize = sizeof(thread_state),
    .tp_dealloc = thread_state_dealloc,
    .tp_call = setprofile_put_back,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "What edbprof knows of one thread.",
};

/* Borrowed from the thread's dict, made at first use. NULL with an exception. */
static thread_state *own_state(void)
{
    static uint64_t serials;
    PyThreadState *tstate = PyThreadState_Get();
    if (here != NULL && here->tstate == tstate) {
        return here;
    }
    PyObject *dict = PyThreadState_GetDict();
    if (dict == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    thread_state *state = (thread_state *)PyDict_GetItemString(dict, DICT_KEY);
    if (state == NULL) {
        state = PyObject_New(thread_state, &thread_state_type);
        if (state == NULL) {
            return NULL;
        }
        memset((char *)state + sizeof(PyObject), 0, sizeof *state - sizeof(PyObject));
        state->tstate = tstate;
        state->serial = ++serials;
        int failed = PyDict_SetItemString(dict, DICT_KEY, (PyObject *)state);
        Py_DECREF(state);
        if (failed) {
            return NULL;
        }
    }
    here = state;
    return state;
}

/* threading's own table is read: current_thread() would put an entry into it. */
PyObject *thread_name(void)
{
    PyObject *name = NULL;
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *threading = PyDict_GetItemString(modules, "threading");
    PyObject *known =
        threading == NULL ? NULL : PyObject_GetAttrString(threading, "_active");
    PyObject *ident = PyLong_FromUnsignedLong(PyThread_get_thread_ident());
    if (known != NULL && PyDict_Check(known) && ident != NULL) {
        PyObject *thread = PyDict_GetItemWithError(known, ident);
        name = thread == NULL ? NULL : PyObject_GetAttrString(thread, "_name");
    }
    PyErr_Clear();
    Py_XDECREF(known);
    if (name == NULL && threading == NULL) {
        name = PyUnicode_FromString("MainThread");
    } else if (name == NULL && ident != NULL) {
        name = PyUnicode_FromFormat("thread %R", ident);
    }
    Py_XDECREF(ident);
    return name;
}

static activity *find(thread_state *state, const recorder *owner)
{
    for (size_t i = 0; i < state->active_count; i++) {
        if (state->active[i].owner == owner) {
            return &state->active[i];
        }
    }
    return NULL;
}

int thread_may_switch(void)
{
    if (here == NULL || !here->in_timer) {
        return 0;
    }
    PyErr_SetString(PyExc_RuntimeError, "a timer can't switch recording on or off");
    return -1;
}

int thread_enable(recorder *owner)
{
    thread_state *state = thread_may_switch() < 0 ? NULL : own_state();
    if (state == NULL) {
        return -1;
    }
    if (state->active_count > 0) {
        setprofile_keep_armed(state);
    }
    activity *known = find(state, owner);
    if (known != NULL) {
        known->depth++;
        return 0;
    }
    /* The handles of a closed recording are gone; attaching to it is refused. */
    if (owner->recording == NULL || state->latest.recorder_serial != owner->serial) {
        edbprof_thread *handle = recorder_attach(owner, state->serial);
        if (handle == NULL) {
            return -1;
        }
        state->latest.recorder_serial = owner->serial;
        state->latest.handle = handle;
    }
    if (state->active_count == state->active_room) {
        size_t room = state->active_room ? state->active_room * 2 : 4;
        activity *active = state->active;
        PyMem_Resize(active, activity, room);
        if (active == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        state->active = active;
        state->active_room = room;
    }
    Py_INCREF(owner);
    owner->active_threads++;
    state->active[state->active_count++] =
        (activity){.owner = owner, .handle = state->latest.handle, .depth = 1};
    if (state->active_count == 1) {
        threads_recording++;
        setprofile_arm(state);
    }
    return 0;
}

/* NULL where the recorder does not record in the calling thread. */
static activity *find_here(const recorder *owner)
{
    bool own = here != NULL && here->tstate == PyThreadState_Get();
    return own ? find(here, owner) : NULL;
}

static void end(thread_state *state, activity *known)
{
    recorder *owner = known->owner;
    (void)edbprof_leave_all(known->handle);
    size_t behind = state->active_count - (size_t)(known - state->active) - 1;
    memmove(known, known + 1, behind * sizeof *known);
    state->active_count--;
    if (state->active_count == 0) {
        threads_recording--;
        setprofile_disarm(state);
    }
    owner->active_threads--;
    Py_DECREF(owner);
}

bool thread_disable(recorder *owner)
{
    activity *known = find_here(owner);
    if (known == NULL || --known->depth > 0) {
        return false;
    }
    end(here, known);
    return true;
}

void thread_stop(recorder *owner)
{
    activity *known = find_here(owner);
    if (known != NULL) {
        end(here, known);
    }
}
