/* Arrival of a thread: its first event, with which recorders begin in it. See arrivals.h for the
 * words. */
#include "arrivals.h"

#include "active.h"
#include "guard.h"
#include "recorder.h"
#include "thread_state.h"
#include "unnoticed.h"
#include "warn.h"

/* Returns true if the calling thread, which is `state`'s, is to be a guest of a member's
 * recorder. */
static bool is_welcome(const thread_state *state, const active_recorder *member, bool was_foreign)
{
    const recorder *owner = member->owner;
    return owner->threads && !member->is_guest && !owner->abandoned &&
           owner->interpreter == state->interpreter &&
           (was_foreign || state->tstate->id > owner->since);
}

/* Sets *owner to the recorder of an entry of a thread's list if the guest is welcome to it: a new
 * reference, else NULL. Returns false behind the last entry. */
static bool welcoming_at(thread_state *state, int hook, size_t at, const thread_state *guest,
                         bool was_foreign, PyObject **owner)
{
    active_recorder member;
    brief_lock_take(&state->lock);
    bool is_one = active_at(&state->active[hook], at, &member);
    bool welcome = is_one && is_welcome(guest, &member, was_foreign);
    *owner = welcome ? (PyObject *)member.owner : NULL;
    Py_XINCREF(*owner);
    brief_lock_give(&state->lock);
    return is_one;
}

/* Returns the recorders of which a foreign thread becomes a guest: a new reference to a list, or
 * NULL with an exception. */
static PyObject *recorders_for(const thread_state *guest, bool was_foreign)
{
    PyObject *found = PyList_New(0);
    PyObject *whole = (PyObject *)guest->interpreter->whole;
    if (found != NULL && whole != NULL && PyList_Append(found, whole) < 0) {
        Py_CLEAR(found);
    }
    for (thread_state *state = thread_states(); state != NULL; state = state->next) {
        for (int hook = 0; hook < HOOK_COUNT; hook++) {
            PyObject *owner;
            for (size_t i = 0;
                 found != NULL && welcoming_at(state, hook, i, guest, was_foreign, &owner); i++) {
                if (owner != NULL && PySequence_Contains(found, owner) == 0 &&
                    PyList_Append(found, owner) < 0) {
                    Py_CLEAR(found);
                }
                Py_XDECREF(owner);
            }
        }
    }
    return found;
}

static void enable_each(PyObject *recorders)
{
    PyObject *each = PySequence_Fast(recorders, "");
    for (Py_ssize_t i = 0; each != NULL && i < PySequence_Fast_GET_SIZE(each); i++) {
        recorder *owner = (recorder *)PySequence_Fast_GET_ITEM(each, i);
        if (owner->recording != NULL && !owner->abandoned) {
            (void)thread_try_enable(owner, WHOLE_THREAD);
        }
    }
    Py_XDECREF(each);
}

thread_state *arrivals_arrive(void)
{
    EDBPROF_GUARDED;
    static bool warned;
    PyObject *exception = compat_take_exception();
    thread_state *state = thread_state_current();
    bool was_foreign = state != NULL && state->is_foreign;
    bool is_new = state == NULL;
    state = is_new ? thread_state_make() : state;
    if (state != NULL && !state->is_arriving) {
        state->is_arriving = true;
        PyObject *recorders = state->arrivals;
        state->arrivals = NULL;
        if (recorders == NULL) {
            recorders = recorders_for(state, was_foreign);
            state->is_foreign = was_foreign || (recorders != NULL && PyList_GET_SIZE(recorders));
        }
        state->judged = state->interpreter->generation;
        if (recorders != NULL) {
            enable_each(recorders);
        }
        Py_XDECREF(recorders);
        state->is_arriving = false;
    }
    if (PyErr_Occurred()) {
        PyErr_Clear();
        warn_soon(&warned, "cannot record a thread that has called Python");
    }
    compat_restore_exception(exception);
    return state;
}

/* Makes the recorders begin with the next event of a thread. */
static void let_arrive(thread_state *state, PyObject *recorders)
{
    Py_INCREF(recorders);
    Py_XSETREF(state->arrivals, recorders);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(recorders); i++) {
        thread_notice(state->tstate, ((recorder *)PyTuple_GET_ITEM(recorders, i))->hook);
    }
}

void arrivals_start_here(PyObject *recorders)
{
    EDBPROF_GUARDED;
    thread_state *state = thread_state_current();
    state = state != NULL ? state : thread_state_make();
    if (state != NULL && recorders != NULL) {
        let_arrive(state, recorders);
    }
    PyErr_Clear();
}

void arrivals_started(uint64_t before, unsigned long ident, PyObject *recorders)
{
    PyInterpreterState *interpreter = PyInterpreterState_Get();
    PyThreadState *tstate = PyInterpreterState_ThreadHead(interpreter);
    for (; tstate != NULL && tstate->id > before; tstate = PyThreadState_Next(tstate)) {
        /* Until it has run, it may have no OS thread yet or that of the thread that made it. */
        unsigned long of = tstate->thread_id;
        bool fits = of == 0 || of == ident || of == PyThread_get_thread_ident();
        if (tstate == PyThreadState_Get() || !fits || thread_state_exists(tstate)) {
            continue;
        }
        thread_state *state = thread_state_make_for(tstate);
        if (state != NULL && recorders != NULL) {
            let_arrive(state, recorders);
        }
        break;
    }
    PyErr_Clear();
}

void arrivals_notice(void)
{
    PyObject *exception = compat_take_exception();
    interpreter_state *here = interpreter_here();
    uint64_t seen = here->seen;
    PyThreadState *tstate = PyInterpreterState_ThreadHead(here->python);
    here->seen = tstate->id;
    for (; tstate != NULL && tstate->id > seen; tstate = PyThreadState_Next(tstate)) {
        if (tstate != PyThreadState_Get() && !thread_state_exists(tstate)) {
            thread_notice(tstate, HOOK_SETPROFILE);
            unnoticed_account();
        }
    }
    PyErr_Clear();
    compat_restore_exception(exception);
}
