/* The slow way of events: a thread has several recorders, or the only one can't go the fast
 * way of events.h. */
#include "events.h"

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

/* `function` is a code object, or a builtin that is called with `self`. */
static void enter_in_each(const active_recorders *list, PyObject *function, PyObject *self,
                          uint64_t key, bool resumed)
{
    edbprof_thread *told = list->told_handle;
    if (told != NULL && (resumed ? edbprof_resume(told, key) : edbprof_enter(told, key)) !=
                            EDBPROF_UNKNOWN_FUNCTION) {
        return;
    }
    thread_slow_event();
    active_recorder active;
    for (size_t i = 0; active_at(list, i, &active); i++) {
        if (is_builtin_key(key) && !active.owner->builtins) {
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
    enter_in_each(list, (PyObject *)code, NULL, code_key(code), resumed);
}

void enter_builtin_in_each(const active_recorders *list, PyObject *callable, PyObject *self,
                           uint64_t key)
{
    enter_in_each(list, callable, self, key, false);
}

void count_class_call_in_each(const active_recorders *list)
{
    active_recorder active;
    for (size_t i = 0; active_at(list, i, &active); i++) {
        edbprof_count_class_call(active.handle);
    }
}

static void leave(const active_recorder *active, uint64_t key, call_end end)
{
    if (active->owner->timer == NULL) {
        (void)left(active->handle, key, end);
        return;
    }
    uint64_t now = timer_read(active->owner);
    (void)(end == CALL_RETURNED ? edbprof_leave_at(active->handle, key, now)
           : end == CALL_RAISED ? edbprof_leave_raised_at(active->handle, key, now)
                                : edbprof_leave_suspended_at(active->handle, key, now));
}

void leave_in_each(const active_recorders *list, uint64_t key, call_end end)
{
    if (left(list->told_handle, key, end)) {
        return;
    }
    active_recorder active;
    for (size_t i = 0; active_at(list, i, &active); i++) {
        if (is_builtin_key(key) && !active.owner->builtins) {
            continue;
        }
        leave(&active, key, end);
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
    const thread_state *state = thread_state_current();
    for (int hook = 0; state != NULL && hook < HOOK_COUNT; hook++) {
        enter_builtin_in_each(&state->active[hook], function, self, key);
    }
    PyObject *result = PyObject_Vectorcall(function, arguments, count, keywords);
    PyObject *exception = result == NULL ? compat_take_exception() : NULL;
    for (int hook = 0; state != NULL && hook < HOOK_COUNT; hook++) {
        leave_in_each(&state->active[hook], key, result == NULL ? CALL_RAISED : CALL_RETURNED);
    }
    compat_restore_exception(exception);
    return result;
}
