/* The hooks of choices, from Python 3.12 on.
 *
 * Each choice has a tool id of sys.monitoring. The first event at each place of a code object that
 * is not chosen returns DISABLE, so that no more events come from there. These events are PY_START,
 * PY_RETURN, PY_YIELD, PY_RESUME and CALL. PY_UNWIND and PY_THROW can't be disabled. From 3.15 on,
 * PY_UNWIND is an event of chosen code objects alone. PY_THROW is not, because throw() may be the
 * first event of a generator.
 *
 * Another choice must see those places, so it has another tool id, and
 * sys.monitoring.restart_events() is never called. */
#include "chosen.h"

#include "active.h"
#include "arrivals.h"
#include "callbacks.h"
#include "choice.h"
#include "events.h"
#include "guard.h"
#include "interpreter.h"
#include "monitoring_gate.h"
#include "thread.h"
#include "thread_state.h"

/* Returns the choice of a hook of the calling thread's interpreter. */
static inline const choice *choice_of(hook_kind hook)
{
    return interpreter_here()->choices_of_hooks[hook];
}

static inline hook_kind hook_of_callback(PyObject *called) { return ((callback *)called)->hook; }

/* Makes the interpreter report calls of this chosen code object that end by an exception. */
static Py_NO_INLINE void listen_to_exceptions(hook_kind hook, PyCodeObject *code)
{
    interpreter_state *here = interpreter_here();
    long unwind = shared_load(&here->local_unwind[hook]);
    if (gate_listen_in(hook, code, unwind)) {
        choice_note_local(choice_of(hook), code);
    } else {
        shared_store(&here->local_unwind[hook], 0);
        gate_listen_everywhere(hook, unwind);
    }
}

/* Returns true if calls of this code object, which has an event, are recorded. */
static bool is_in_choice(hook_kind hook, PyCodeObject *code)
{
    const choice *of = choice_of(hook);
    bool chosen = choice_has(of, code);
    if (EDBPROF_HAVE_LOCAL_UNWIND && chosen &&
        shared_load(&interpreter_here()->local_unwind[hook]) && !choice_is_local(of, code)) {
        listen_to_exceptions(hook, code);
    }
    return chosen;
}

/* The calling thread's recorders that listen to this hook; NULL for none. */
static const active_recorders *listening_by(hook_kind hook)
{
    const thread_state *state = thread_state_current();
    if (arrivals_is_due(state)) {
        state = arrivals_arrive();
    }
    if (state == NULL || state->active[hook].count == 0) {
        gate_unclaimed_event(hook);
        return NULL;
    }
    return &state->active[hook];
}

/* Returns the recorders of the hook in the usual case, or NULL. */
static inline const active_recorders *listening_at_once(hook_kind hook)
{
    const thread_state *state = thread_state_current();
    return state == NULL ? NULL : &state->active[hook];
}

static PyObject *disable_place(void)
{
    PyObject *disable = interpreter_here()->disable;
    Py_INCREF(disable);
    return disable;
}

/* Gives a step of a coroutine to each recorder. */
static Py_NO_INLINE PyObject *step_chosen(hook_kind hook, PyCodeObject *code, uint32_t step)
{
    if (!is_in_choice(hook, code)) {
        return disable_place();
    }
    const active_recorders *list = listening_by(hook);
    uint64_t running = compat_running_frame(NULL);
    if (list != NULL && !stepped(shared_load(&list->fast_handle), code, running, step)) {
        step_in_each(list, code, running, step);
    }
    Py_RETURN_NONE;
}

static Py_NO_INLINE PyObject *enter_chosen_slowly(hook_kind hook, PyCodeObject *code, bool resumed)
{
    if (code == NULL) {
        Py_RETURN_NONE;
    }
    if (!is_in_choice(hook, code)) {
        return disable_place();
    }
    const active_recorders *list = listening_by(hook);
    if (list != NULL) {
        enter_code_in_each(list, code, resumed);
    }
    Py_RETURN_NONE;
}

static inline PyObject *enter_chosen(hook_kind hook, PyCodeObject *code, bool resumed)
{
    if (code != NULL && compat_is_coroutine(code)) {
        return step_chosen(hook, code,
                           resumed ? EDBPROF_COROUTINE_RESUMES : EDBPROF_COROUTINE_STARTS);
    }
    const active_recorders *list = listening_at_once(hook);
    if (list != NULL && code != NULL &&
        entered_code(shared_load(&list->fast_handle), code, resumed)) {
        Py_RETURN_NONE;
    }
    return enter_chosen_slowly(hook, code, resumed);
}

static CALLBACK(on_chosen_start)
{
    return enter_chosen(hook_of_callback(self), code_of(arguments, count), false);
}

/* Handles PY_THROW, which can't be disabled, and PY_RESUME of Cython, which may come with an
 * exception: see monitoring.c. */
static CALLBACK(on_chosen_throw)
{
    PyCodeObject *code = code_of(arguments, count);
    bool raises = PyErr_Occurred() != NULL;
    if (code != NULL && is_in_choice(hook_of_callback(self), code)) {
        PyObject *exception = compat_take_exception();
        Py_XDECREF(enter_chosen(hook_of_callback(self), code, true));
        compat_restore_exception(exception);
    }
    if (raises) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static CALLBACK(on_chosen_resume)
{
    if (PyErr_Occurred() != NULL) {
        return on_chosen_throw(self, arguments, count, NULL);
    }
    return enter_chosen(hook_of_callback(self), code_of(arguments, count), true);
}

static Py_NO_INLINE PyObject *leave_chosen_slowly(hook_kind hook, PyCodeObject *code, call_end end)
{
    if (code == NULL) {
        Py_RETURN_NONE;
    }
    if (!is_in_choice(hook, code)) {
        return disable_place();
    }
    const active_recorders *list = listening_by(hook);
    if (list != NULL && !left(shared_load(&list->fast_handle), code_key(code), end)) {
        leave_in_each(list, code_key(code), end, code);
    }
    Py_RETURN_NONE;
}

static CALLBACK(on_chosen_return)
{
    PyCodeObject *code = code_of(arguments, count);
    if (code != NULL && compat_is_coroutine(code)) {
        return step_chosen(hook_of_callback(self), code, EDBPROF_COROUTINE_ENDS);
    }
    const active_recorders *list = listening_at_once(hook_of_callback(self));
    edbprof_thread *fast_handle = list == NULL ? NULL : shared_load(&list->fast_handle);
    if (fast_handle != NULL && code != NULL &&
        edbprof_leave(fast_handle, code_key(code)) == EDBPROF_OK) {
        Py_RETURN_NONE;
    }
    return leave_chosen_slowly(hook_of_callback(self), code, CALL_RETURNED);
}

static CALLBACK(on_chosen_yield)
{
    PyCodeObject *code = code_of(arguments, count);
    if (code == NULL || !compat_is_coroutine(code)) {
        return leave_chosen_slowly(hook_of_callback(self), code, CALL_SUSPENDED);
    }
    return step_chosen(hook_of_callback(self), code, step_of_yield(code, arguments, count));
}

/* Starts the call that an exception has ended before its start event. Such a call is not the
 * innermost open one. If its caller is a call of the same function, that call is ended in its
 * place. */
static void start_lost_call(const active_recorders *list, PyObject *const *arguments, size_t count,
                            PyCodeObject *code)
{
    if (PyVectorcall_NARGS(count) < 2 || !PyLong_Check(arguments[1])) {
        return;
    }
    compat_start start = compat_start_raising_at(code, PyLong_AsSsize_t(arguments[1]));
    PyErr_Clear();
    active_recorder active;
    if (start != COMPAT_NO_START && active_at(list, 0, &active) &&
        edbprof_is_innermost(active.handle, code_key(code)) != EDBPROF_OK) {
        enter_code_in_each(list, code, start == COMPAT_RESUME);
    }
}

/* Can't be disabled up to 3.14. */
static CALLBACK(on_chosen_unwind)
{
    hook_kind hook = hook_of_callback(self);
    PyCodeObject *code = code_of(arguments, count);
    if (code == NULL || !choice_is_known_to_have(choice_of(hook), code)) {
        Py_RETURN_NONE;
    }
    if (compat_is_coroutine(code)) {
        return step_chosen(hook, code, EDBPROF_COROUTINE_RAISES);
    }
    const active_recorders *list = listening_by(hook);
    if (list != NULL) {
        start_lost_call(list, arguments, count, code);
        leave_in_each(list, code_key(code), CALL_RAISED, code);
    }
    Py_RETURN_NONE;
}

static CALLBACK(on_chosen_call)
{
    hook_kind hook = hook_of_callback(self);
    PyCodeObject *caller = code_of(arguments, count);
    if (caller == NULL) {
        Py_RETURN_NONE;
    }
    if (!is_in_choice(hook, caller)) {
        return disable_place();
    }
    const active_recorders *list = listening_by(hook);
    if (list == NULL || shared_load(&list->skips_builtins)) {
        Py_RETURN_NONE;
    }
    uint64_t key = key_of_call(arguments, count);
    edbprof_thread *fast_handle = shared_load(&list->fast_builtins);
    if (key != 0 && (!is_builtin_key(key) || !entered_builtin(fast_handle, key))) {
        enter_callable_in_each(list, arguments[2], arguments[3], key, caller);
    }
    Py_RETURN_NONE;
}

static inline PyObject *leave_chosen_builtin(PyObject *self, PyObject *const *arguments,
                                             size_t count, call_end end)
{
    hook_kind hook = hook_of_callback(self);
    PyCodeObject *caller = code_of(arguments, count);
    const active_recorders *list = listening_at_once(hook);
    if (list == NULL || caller == NULL || list->count == 0 || shared_load(&list->skips_builtins) ||
        !choice_is_known_to_have(choice_of(hook), caller)) {
        Py_RETURN_NONE;
    }
    uint64_t key = key_of(arguments, count);
    edbprof_thread *fast_handle = shared_load(&list->fast_builtins);
    if (key != 0 && (!is_builtin_key(key) || !left(fast_handle, key, end))) {
        leave_callable_in_each(list, arguments[2], key, end, caller);
    }
    Py_RETURN_NONE;
}

static CALLBACK(on_chosen_c_return)
{
    return leave_chosen_builtin(self, arguments, count, CALL_RETURNED);
}

static CALLBACK(on_chosen_c_raise)
{
    return leave_chosen_builtin(self, arguments, count, CALL_RAISED);
}

static const event_handler handlers_of_choices[] = {
    {"PY_START", on_chosen_start, true},   {"PY_RESUME", on_chosen_resume, true},
    {"PY_THROW", on_chosen_throw, true},   {"PY_RETURN", on_chosen_return, true},
    {"PY_YIELD", on_chosen_yield, true},   {"PY_UNWIND", on_chosen_unwind, true},
    {"CALL", on_chosen_call, true},        {"C_RETURN", on_chosen_c_return, false},
    {"C_RAISE", on_chosen_c_raise, false}, {NULL, NULL, false},
};

static long register_chosen(PyObject *module, PyObject *tool, hook_kind hook)
{
    interpreter_state *here = interpreter_here();
    if (here->disable == NULL) {
        here->disable = PyObject_GetAttrString(module, "DISABLE");
    }
    long all =
        here->disable == NULL ? -1 : callbacks_register(module, tool, hook, handlers_of_choices);
    /* Local events are lost with their tool id, but code objects remember that they had them. */
    bool is_local =
        EDBPROF_HAVE_LOCAL_UNWIND && !here->has_had_tool[hook] && choice_is_noted(choice_of(hook));
    long unwind = all < 0 || !is_local ? 0 : gate_event("PY_UNWIND");
    shared_store(&here->local_unwind[hook], unwind < 0 ? 0 : unwind);
    here->has_had_tool[hook] = true;
    return all < 0 || unwind < 0 ? -1 : all & ~unwind;
}

static int open_chosen(thread_state *Py_UNUSED(state), const recorder *owner)
{
    return gate_open(owner->hook, owner->builtins);
}

static bool is_choice_open(const recorder *owner)
{
    return gate_is_open(owner->hook, owner->builtins);
}

static int add_chosen_builtins(const recorder *owner) { return gate_open(owner->hook, true); }

int chosen_find_hook(const choice *of, hook_kind *hook)
{
    EDBPROF_GUARDED;
    const void **choices_of_hooks = interpreter_here()->choices_of_hooks;
    int free = HOOK_CHOSEN;
    for (; free < HOOK_COUNT && choices_of_hooks[free] != NULL; free++) {
        if (choices_of_hooks[free] == of) {
            *hook = (hook_kind)free;
            return 0;
        }
    }
    if (free == HOOK_COUNT) {
        PyErr_SetString(PyExc_ValueError, "all tool ids of sys.monitoring are taken by choices");
        return -1;
    }
    choices_of_hooks[free] = of;
    if (gate_take_tool((hook_kind)free) < 0) {
        choices_of_hooks[free] = NULL;
        return -1;
    }
    *hook = (hook_kind)free;
    return 0;
}

void chosen_init(void)
{
    static const hook_ops ops = {
        .begin = open_chosen, .is_open = is_choice_open, .add_builtins = add_chosen_builtins};
    for (int hook = HOOK_CHOSEN; hook < HOOK_COUNT; hook++) {
        thread_set_hook((hook_kind)hook, &ops);
        gate_init((hook_kind)hook, register_chosen);
    }
}
