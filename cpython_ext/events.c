/* The slow way of events: a thread has several recorders, or the only one can't go the fast
 * way of events.h. */
#include "events.h"

#include "choice.h"
#include "recorder.h"
#include "thread_state.h"
#include "timer.h"

static edbprof_status enter(const active_recorder *active, uint64_t key, bool resumed)
{
    if (active->owner->timer == NULL) {
        return resumed ? edbprof_resume(active->handle, key) : edbprof_enter(active->handle, key);
    }
    uint64_t now = timer_read(active->owner);
    return resumed ? edbprof_resume_at(active->handle, key, now)
                   : edbprof_enter_at(active->handle, key, now);
}

/* Returns true if an event in this code object is recorded. */
static bool is_chosen(const active_recorder *active, PyCodeObject *in)
{
    const choice *choice = active->owner->choice;
    return choice == NULL || (in != NULL && choice_has(choice, in));
}

/* `function` is a code object, or a builtin that is called with `self`. */
static void enter_in_each(const active_recorders *list, PyObject *function, PyObject *self,
                          uint64_t key, bool resumed, PyCodeObject *in)
{
    thread_slow_event();
    active_recorder active;
    for (size_t i = 0; active_at(list, i, &active); i++) {
        if ((is_builtin_key(key) && !active.owner->builtins) || !is_chosen(&active, in)) {
            continue;
        }
        if (enter(&active, key, resumed) != EDBPROF_UNKNOWN_FUNCTION) {
            continue;
        }
        /* Memory that this takes may run a finalizer, which may drop a Profile. */
        Py_INCREF(active.owner);
        int defined = is_builtin_key(key)
                          ? recorder_define_builtin(active.owner, function, self, key)
                          : recorder_define_code(active.owner, (PyCodeObject *)function, key);
        thread_new_function();
        if (defined == 0) {
            (void)enter(&active, key, resumed);
        }
        Py_DECREF(active.owner);
    }
}

void enter_code_in_each(const active_recorders *list, PyCodeObject *code, bool resumed)
{
    enter_in_each(list, (PyObject *)code, NULL, code_key(code), resumed, code);
}

void enter_builtin_in_each(const active_recorders *list, PyObject *callable, PyObject *self,
                           uint64_t key, PyCodeObject *caller)
{
    enter_in_each(list, callable, self, key, false, caller);
}

void count_class_call_in_each(const active_recorders *list, PyCodeObject *caller)
{
    active_recorder active;
    for (size_t i = 0; active_at(list, i, &active); i++) {
        if (active.owner->builtins && is_chosen(&active, caller)) {
            edbprof_count_class_call(active.handle);
        }
    }
}

/* Returns true unless it is certain that the start of a builtin that ends was not recorded. */
static bool may_have_entered(const active_recorder *active, uint64_t key)
{
    const recorder *owner = active->owner;
    /* What a builtin has called has ended before, so that its call is the innermost open one. An
     * outer call of the same builtin has an open callee. */
    return owner->builtins_changed ? edbprof_is_innermost(active->handle, key) == EDBPROF_OK
                                   : owner->builtins;
}

void leave_in_each(const active_recorders *list, uint64_t key, PyCodeObject *in)
{
    active_recorder active;
    for (size_t i = 0; active_at(list, i, &active); i++) {
        if (!is_chosen(&active, in) || (is_builtin_key(key) && !may_have_entered(&active, key))) {
            continue;
        }
        if (active.owner->timer == NULL) {
            (void)edbprof_leave(active.handle, key);
        } else {
            (void)edbprof_leave_at(active.handle, key, timer_read(active.owner));
        }
    }
}

PyObject *call_recorded(PyObject *function, PyObject *const *arguments, size_t count,
                        PyObject *keywords)
{
    PyObject *self = PyVectorcall_NARGS(count) > 0 ? arguments[0] : Py_None;
    uint64_t key = callable_key(function, self);
    if (!is_builtin_key(key)) {
        return PyObject_Vectorcall(function, arguments, count, keywords);
    }
    PyFrameObject *frame = PyEval_GetFrame();
    PyCodeObject *caller = frame == NULL ? NULL : compat_frame_code(frame);
    const thread_state *state = thread_state_current();
    for (int hook = 0; state != NULL && hook < HOOK_COUNT; hook++) {
        enter_builtin_in_each(&state->active[hook], function, self, key, caller);
    }
    PyObject *result = PyObject_Vectorcall(function, arguments, count, keywords);
    PyObject *exception = result == NULL ? compat_take_exception() : NULL;
    for (int hook = 0; state != NULL && hook < HOOK_COUNT; hook++) {
        leave_in_each(&state->active[hook], key, caller);
    }
    compat_restore_exception(exception);
    return result;
}
