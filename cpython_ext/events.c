/* The slow way of events, for a thread with several recorders, or with one that can't take the fast
 * way of events.h. */
#include "events.h"

#include "active.h"
#include "choice.h"
#include "guard.h"
#include "recorder.h"
#include "thread_state.h"
#include "timer.h"

/* A call that begins or continues. `function` is a code object, or a builtin that is called with
 * `self`; `frame` is 0 unless it is a coroutine. */
typedef struct {
    PyObject *function, *self;
    uint64_t key, frame;
    PyCodeObject *in; /* the code object, or the builtin's caller, or NULL */
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

/* Returns true if an event in this code object is recorded. */
static bool is_chosen(const active_recorder *active, PyCodeObject *in)
{
    const choice *chosen = active->owner->choice;
    return chosen == NULL || (in != NULL && choice_has(chosen, in));
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

static int define_callable(recorder *owner, const entry *new)
{
    called_function called = native_callee(new->function, new->self);
    bool is_builtin = PyCFunction_Check(called.function) ||
                      (Py_IS_TYPE(called.function, &PyMethodDescr_Type) && called.self != NULL &&
                       !native_is_type_key(new->key));
    int result = is_builtin ? recorder_define_builtin(owner, called.function, called.self, new->key)
                            : recorder_define_native(owner, called.function, new->key);
    Py_XDECREF(called.owner);
    return result;
}

static void enter_in_each(const active_recorders *list, const entry *new)
{
    thread_slow_event();
    active_recorder active;
    for (size_t i = 0; active_at(list, i, &active); i++) {
        bool is_builtin = is_builtin_key(new->key);
        if ((is_builtin && !shared_load(&active.owner->builtins)) || !is_chosen(&active, new->in)) {
            continue;
        }
        if (native_is_type_key(new->key) && !active.owner->record_types) {
            edbprof_count_class_call(active.handle);
            continue;
        }
        if (enter(&active, new) != EDBPROF_UNKNOWN_FUNCTION) {
            continue;
        }
        /* An allocation may run a finalizer, which may drop a Profile. */
        Py_INCREF(active.owner);
        int defined = is_builtin ? define_callable(active.owner, new)
                                 : recorder_define_code(active.owner, (PyCodeObject *)new->function,
                                                        new->key);
        thread_new_function();
        if (defined == 0) {
            (void)enter(&active, new);
        }
        Py_DECREF(active.owner);
    }
}

void enter_code_in_each(const active_recorders *list, PyCodeObject *code, bool resumed)
{
    const entry new = {
        .function = (PyObject *)code, .key = code_key(code), .in = code, .resumed = resumed};
    enter_in_each(list, &new);
}

void enter_builtin_in_each(const active_recorders *list, PyObject *callable, PyObject *self,
                           uint64_t key, PyCodeObject *caller)
{
    const entry new = {.function = callable, .self = self, .key = key, .in = caller};
    enter_in_each(list, &new);
}

void step_in_each(const active_recorders *list, PyCodeObject *code, uint64_t frame, uint32_t what)
{
    uint64_t key = code_key(code);
    if (what == EDBPROF_COROUTINE_STARTS || what == EDBPROF_COROUTINE_RESUMES) {
        const entry new = {.function = (PyObject *)code,
                           .key = key,
                           .frame = frame,
                           .in = code,
                           .resumed = what == EDBPROF_COROUTINE_RESUMES};
        enter_in_each(list, &new);
        return;
    }
    active_recorder active;
    for (size_t i = 0; active_at(list, i, &active); i++) {
        if (is_chosen(&active, code)) {
            (void)step(&active, key, frame, what);
        }
    }
}

void count_class_call_in_each(const active_recorders *list, PyCodeObject *caller)
{
    active_recorder active;
    for (size_t i = 0; active_at(list, i, &active); i++) {
        if (shared_load(&active.owner->builtins) && is_chosen(&active, caller)) {
            edbprof_count_class_call(active.handle);
        }
    }
}

/* Returns true unless it is certain that the start of a builtin that ends was not recorded. */
static bool may_have_entered(const active_recorder *active, uint64_t key)
{
    const recorder *owner = active->owner;
    /* In this order: see thread_set_builtins. */
    bool builtins = shared_load(&owner->builtins);
    /* All callees of a builtin end before it, so its call is the innermost open one. An outer call
     * of the same builtin has an open callee. */
    return shared_load(&owner->builtins_changed)
               ? edbprof_is_innermost(active->handle, key) == EDBPROF_OK
               : builtins;
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

void leave_in_each(const active_recorders *list, uint64_t key, call_end end, PyCodeObject *in)
{
    active_recorder active;
    for (size_t i = 0; active_at(list, i, &active); i++) {
        bool is_left_out = native_is_type_key(key) && !active.owner->record_types;
        if (!is_chosen(&active, in) || is_left_out ||
            (is_builtin_key(key) && !may_have_entered(&active, key))) {
            continue;
        }
        leave(&active, key, end);
    }
}

/* Returns the key of a class for recorders that record it, else `key`. */
static uint64_t key_of_type(const active_recorders *list, PyObject *callable, uint64_t key)
{
    if (key != CLASS_CALL || !shared_load(&list->records_types)) {
        return key;
    }
    called_function called = native_callee(callable, NULL);
    uint64_t found = native_type_key(called.function);
    Py_XDECREF(called.owner);
    return found == 0 ? key : found;
}

void enter_callable_in_each(const active_recorders *list, PyObject *callable, PyObject *self,
                            uint64_t key, PyCodeObject *caller)
{
    key = key_of_type(list, callable, key);
    if (key == CLASS_CALL) {
        count_class_call_in_each(list, caller);
    } else if (is_builtin_key(key)) {
        enter_builtin_in_each(list, callable, self, key, caller);
    }
}

void leave_callable_in_each(const active_recorders *list, PyObject *callable, uint64_t key,
                            call_end end, PyCodeObject *caller)
{
    key = key_of_type(list, callable, key);
    if (is_builtin_key(key)) {
        leave_in_each(list, key, end, caller);
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
        leave_in_each(&state->active[hook], key, result == NULL ? CALL_RAISED : CALL_RETURNED,
                      caller);
    }
    compat_restore_exception(exception);
    return result;
}
