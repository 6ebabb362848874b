/* The slow way of events: a thread has several recorders, or the only one can't go the fast
 * way of events.h. */
#include "events.h"

#include "recorder.h"
#include "thread_state.h"
#include "timer.h"

/* What begins or continues. `function` is a code object, or a builtin that is called with
 * `self`; `frame` is 0 for what is no coroutine. */
typedef struct {
    PyObject *function, *self;
    uint64_t key, frame;
    bool resumed;
} entry;

static edbprof_status step(const active_recorder *active, uint64_t key, uint64_t frame,
                           uint32_t what)
{
    if (active->owner->timer == NULL) {
        return edbprof_step_coroutine(active->handle, key, frame, what);
    }
    return edbprof_step_coroutine_at(active->handle, key, frame, what, timer_read(active->owner));
}

static edbprof_status enter(const active_recorder *active, const entry *new)
{
    if (new->frame != 0) {
        return step(active, new->key, new->frame,
                    new->resumed ? EDBPROF_COROUTINE_RESUMES : EDBPROF_COROUTINE_STARTS);
    }
    if (active->owner->timer == NULL) {
        return new->resumed ? edbprof_resume(active->handle, new->key)
                            : edbprof_enter(active->handle, new->key);
    }
    uint64_t now = timer_read(active->owner);
    return new->resumed ? edbprof_resume_at(active->handle, new->key, now)
                        : edbprof_enter_at(active->handle, new->key, now);
}

static void enter_in_each(const active_recorders *list, const entry *new)
{
    thread_slow_event();
    active_recorder active;
    for (size_t i = 0; active_at(list, i, &active); i++) {
        bool is_builtin = is_builtin_key(new->key);
        if (is_builtin && !active.owner->builtins) {
            continue;
        }
        if (enter(&active, new) != EDBPROF_UNKNOWN_FUNCTION) {
            continue;
        }
        /* Memory that this takes may run a finalizer, which may drop a Profile. */
        Py_INCREF(active.owner);
        int defined =
            is_builtin
                ? recorder_define_builtin(active.owner, new->function, new->self, new->key)
                : recorder_define_code(active.owner, (PyCodeObject *)new->function, new->key);
        thread_new_function();
        if (defined == 0) {
            (void)enter(&active, new);
        }
        Py_DECREF(active.owner);
    }
}

void enter_code_in_each(const active_recorders *list, PyCodeObject *code, bool resumed)
{
    const entry new = {.function = (PyObject *)code, .key = code_key(code), .resumed = resumed};
    enter_in_each(list, &new);
}

void enter_builtin_in_each(const active_recorders *list, PyObject *callable, PyObject *self,
                           uint64_t key)
{
    const entry new = {.function = callable, .self = self, .key = key};
    enter_in_each(list, &new);
}

void step_in_each(const active_recorders *list, PyCodeObject *code, uint64_t frame, uint32_t what)
{
    uint64_t key = code_key(code);
    if (what == EDBPROF_COROUTINE_STARTS || what == EDBPROF_COROUTINE_RESUMES) {
        const entry new = {.function = (PyObject *)code,
                           .key = key,
                           .frame = frame,
                           .resumed = what == EDBPROF_COROUTINE_RESUMES};
        enter_in_each(list, &new);
        return;
    }
    active_recorder active;
    for (size_t i = 0; active_at(list, i, &active); i++) {
        (void)step(&active, key, frame, what);
    }
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
