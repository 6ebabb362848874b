/* Recording that begins in a running process.
 *
 * Only a thread itself can record, at an event. A thread that waits has no event, and matters most
 * here. So the thread that begins makes the handles of all threads, and enters the calls that are
 * open there, while it holds the GIL. At its first event, a thread takes its handle over. */
#include "attached.h"

#include "arrivals.h"
#include "events.h"
#include "interpreter.h"
#include "names.h"
#include "os_threads.h"
#include "thread.h"
#include "thread_handles.h"
#include "thread_state.h"

/* Returns the frames of a thread, the innermost first: a new reference to a list, or NULL with an
 * exception. */
static PyObject *frames_of(PyThreadState *tstate)
{
    PyObject *frames = PyList_New(0);
    PyFrameObject *frame = frames == NULL ? NULL : PyThreadState_GetFrame(tstate);
    while (frame != NULL) {
        if (PyList_Append(frames, (PyObject *)frame) < 0) {
            Py_DECREF(frame);
            Py_CLEAR(frames);
            break;
        }
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    return frames;
}

/* Enters the calls that are open in a thread into its handle. Returns 0, or -1 with an
 * exception. */
static int enter_open_calls(recorder *owner, edbprof_thread *handle, PyThreadState *tstate)
{
    PyObject *frames = frames_of(tstate);
    if (frames == NULL) {
        return -1;
    }
    active_recorder only = {.owner = owner, .handle = handle};
    const active_recorders list = {.items = &only, .count = 1};
    for (Py_ssize_t i = PyList_GET_SIZE(frames); i-- > 0;) {
        PyFrameObject *frame = (PyFrameObject *)PyList_GET_ITEM(frames, i);
        enter_code_in_each(&list, compat_frame_code(frame), true);
    }
    Py_DECREF(frames);
    return 0;
}

/* Makes the recorder's handle of another thread. NULL with an exception. */
static edbprof_thread *make_handle(recorder *owner, PyThreadState *tstate)
{
    PyObject *name = name_thread(tstate);
    PyObject *text = NULL;
    edbprof_thread *handle = NULL;
    if (name != NULL) {
        edbprof_status status =
            edbprof_recording_attach(owner->recording, name_text(name, &text), &handle);
        if (status != EDBPROF_OK) {
            handle = NULL;
            recorder_raise(owner->recording, status);
        }
    }
    Py_XDECREF(text);
    Py_XDECREF(name);
    return handle;
}

/* Adds the recorder to those that begin with the thread's next event. Returns 0, or -1 with an
 * exception. */
static int add_arrival(thread_state *state, recorder *owner)
{
    PyObject *before = state->arrivals;
    Py_ssize_t count = before == NULL ? 0 : PyTuple_GET_SIZE(before);
    PyObject *after = PyTuple_New(count + 1);
    if (after == NULL) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *each = PyTuple_GET_ITEM(before, i);
        Py_INCREF(each);
        PyTuple_SET_ITEM(after, i, each);
    }
    Py_INCREF(owner);
    PyTuple_SET_ITEM(after, count, (PyObject *)owner);
    Py_XSETREF(state->arrivals, after);
    return 0;
}

/* Lets the recorder begin in another thread. Returns 0, or -1 with an exception. */
static int begin_in(recorder *owner, PyThreadState *tstate)
{
    thread_state *state = thread_state_of(tstate);
    state = state != NULL ? state : thread_state_make_for(tstate);
    if (state == NULL || thread_find_active(state, owner) != NULL) {
        return state == NULL ? -1 : 0;
    }
    edbprof_thread *handle = make_handle(owner, tstate);
    if (handle == NULL || enter_open_calls(owner, handle, tstate) < 0 ||
        thread_handles_give(state, owner, handle) < 0 || add_arrival(state, owner) < 0) {
        return -1;
    }
    /* The thread waits, if only for the GIL. That time counts, although the thread has had no event
     * yet. */
    (void)edbprof_thread_hand_over(handle, name_os_number(tstate));
    thread_notice(tstate, owner->hook);
    return 0;
}

int attached_begin(recorder *owner)
{
    if (EDBPROF_FREE_THREADED) {
        /* The frames of a thread that runs can't be read. */
        PyErr_SetString(PyExc_RuntimeError, "a Python without GIL can't be attached to");
        return -1;
    }
    interpreter_here()->recorders_attached += owner->hook == HOOK_MONITORING;
    if (thread_enable(owner, WHOLE_THREAD) < 0) {
        return -1;
    }
    PyThreadState *own = PyThreadState_Get();
    active_recorder *here = thread_find_active(thread_state_current(), owner);
    if (here == NULL || enter_open_calls(owner, here->handle, own) < 0) {
        return -1;
    }
    PyThreadState *tstate = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    for (; tstate != NULL; tstate = PyThreadState_Next(tstate)) {
        if (tstate != own && begin_in(owner, tstate) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Takes the recorder from those that are to begin in a thread. */
static void drop_arrival(thread_state *state, const recorder *owner)
{
    PyObject *before = state->arrivals;
    Py_ssize_t count = before == NULL ? 0 : PyTuple_GET_SIZE(before);
    PyObject *rest = PyList_New(0);
    for (Py_ssize_t i = 0; rest != NULL && i < count; i++) {
        PyObject *each = PyTuple_GET_ITEM(before, i);
        if (each != (const PyObject *)owner && PyList_Append(rest, each) < 0) {
            Py_CLEAR(rest);
        }
    }
    PyObject *after = rest != NULL && PyList_GET_SIZE(rest) > 0 ? PyList_AsTuple(rest) : NULL;
    if (rest != NULL && count > PyList_GET_SIZE(rest)) {
        if (after == NULL) {
            thread_unnotice(state->tstate, owner->hook);
        }
        Py_XINCREF(after);
        Py_XSETREF(state->arrivals, after);
    }
    Py_XDECREF(after);
    Py_XDECREF(rest);
    PyErr_Clear();
}

void attached_end(recorder *owner)
{
    PyObject *exception = compat_take_exception();
    for (thread_state *state = thread_states(); state != NULL; state = state->next) {
        drop_arrival(state, owner);
    }
    thread_abandon(owner);
    PyErr_Clear();
    compat_restore_exception(exception);
}
