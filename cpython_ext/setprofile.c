/* The hook that every Python version has: PyEval_SetProfile. */
#include "events.h"

enum { GENERATOR_FLAGS = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR };

/* Each of these is called last by on_event, for which it returns 0, so that no event saves
 * registers for another kind. */

static Py_NO_INLINE int on_call(const active_recorders *list, PyFrameObject *frame)
{
    PyCodeObject *code = compat_frame_code(frame);
    bool resumed =
        (code->co_flags & GENERATOR_FLAGS) && !compat_generator_starts(frame, code);
    if (!entered_code(list->fast_handle, code, resumed)) {
        enter_code_in_each(list, code, resumed);
    }
    return 0;
}

static void leave_unstarted(const active_recorders *list, PyCodeObject *code)
{
    FOR_EACH_ACTIVE (active, list) {
        (void)edbprof_leave_unstarted(active.handle, code_key(code));
    }
}

static Py_NO_INLINE int on_return(const active_recorders *list, PyFrameObject *frame,
                                  PyObject *value)
{
    PyCodeObject *code = compat_frame_code(frame);
    if (value == NULL && (code->co_flags & GENERATOR_FLAGS) &&
        compat_generator_never_ran(frame)) {
        leave_unstarted(list, code);
    } else if (!left(list->fast_handle, code_key(code))) {
        leave_in_each(list, code_key(code), false);
    }
    return 0;
}

static Py_NO_INLINE int on_builtin_call(const active_recorders *list, PyObject *callee)
{
    if (PyCFunction_Check(callee)) {
        PyCFunctionObject *builtin = (PyCFunctionObject *)callee;
        uint64_t key = builtin_key(builtin);
        if (!entered_builtin(list->fast_handle, key)) {
            enter_builtin_in_each(list, callee, builtin->m_self, key);
        }
    }
    return 0;
}

static Py_NO_INLINE int on_builtin_return(const active_recorders *list, PyObject *callee)
{
    if (PyCFunction_Check(callee)) {
        uint64_t key = builtin_key((PyCFunctionObject *)callee);
        if (!left(list->fast_handle, key)) {
            leave_in_each(list, key, true);
        }
    }
    return 0;
}

static inline int record(const active_recorders *list, PyFrameObject *frame, int what,
                         PyObject *argument)
{
    switch (what) {
    case PyTrace_CALL: return on_call(list, frame);
    case PyTrace_RETURN: return on_return(list, frame, argument);
    case PyTrace_C_CALL: return on_builtin_call(list, argument);
    case PyTrace_C_RETURN:
    case PyTrace_C_EXCEPTION: return on_builtin_return(list, argument);
    default: return 0;
    }
}

static int on_event(PyObject *self, PyFrameObject *frame, int what, PyObject *argument);

/* Gives the event to the profile function that was there before, too. */
static Py_NO_INLINE int on_chained_event(thread_state *state, PyFrameObject *frame,
                                         int what, PyObject *argument)
{
    (void)record(&state->active[HOOK_SETPROFILE], frame, what, argument);
    int result = state->chained(state->chained_argument, frame, what, argument);
    if (result < 0 && compat_profile_function(state->tstate) == NULL) {
        /* It has raised, so the interpreter has switched profiling off: for it, but
         * not for us. */
        PyObject *exception = compat_take_exception();
        state->chained = NULL;
        Py_CLEAR(state->chained_argument);
        PyEval_SetProfile(on_event, (PyObject *)state);
        compat_restore_exception(exception);
    }
    return result;
}

/* A Py_tracefunc; `self` is the thread's state. */
static int on_event(PyObject *self, PyFrameObject *frame, int what, PyObject *argument)
{
    thread_state *state = (thread_state *)self;
    if (state->chained != NULL) {
        return on_chained_event(state, frame, what, argument);
    }
    return record(&state->active[HOOK_SETPROFILE], frame, what, argument);
}

static void tell_of_another(void)
{
    static bool told;
    warn_once(&told, "another profiler was switched on or off while edbprof was "
                     "recording; some of what was called after that is missing");
}

/* Events were missed: which of the open calls have ended meanwhile, nobody knows. */
static void forget_open_calls(thread_state *state)
{
    FOR_EACH_ACTIVE (active, &state->active[HOOK_SETPROFILE]) {
        (void)edbprof_leave_all(active.handle);
    }
}

/* Programs put back what sys.getprofile() gave them, by sys.setprofile(): then the
 * state is called as a Python function would be, once. */
PyObject *setprofile_put_back(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static const struct {
        const char *name;
        int what;
    } events[] = {
        {"call", PyTrace_CALL},
        {"return", PyTrace_RETURN},
        {"c_call", PyTrace_C_CALL},
        {"c_return", PyTrace_C_RETURN},
        {"c_exception", PyTrace_C_EXCEPTION},
    };
    (void)keywords;
    thread_state *state = (thread_state *)self;
    PyFrameObject *frame;
    const char *name;
    PyObject *argument;
    if (!PyArg_ParseTuple(arguments, "O!sO", &PyFrame_Type, &frame, &name, &argument)) {
        return NULL;
    }
    if (state->tstate != PyThreadState_Get() || state->active[HOOK_SETPROFILE].count == 0) {
        PyEval_SetProfile(NULL, NULL);
        Py_RETURN_NONE;
    }
    forget_open_calls(state);
    if (state->chained_argument == self) {
        state->chained = NULL; /* this function, by sys.setprofile() */
        Py_CLEAR(state->chained_argument);
    }
    Py_INCREF(self);
    PyEval_SetProfile(on_event, self);
    int result = 0;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (strcmp(events[i].name, name) == 0) {
            result = on_event(self, frame, events[i].what, argument);
        }
    }
    Py_DECREF(self);
    if (result < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* Both are looked at: up to 3.10 yappi sets the function alone. */
static bool is_armed(const thread_state *state)
{
    return compat_profile_function(state->tstate) == on_event &&
           compat_profile_argument(state->tstate) == (PyObject *)state;
}

void setprofile_arm(thread_state *state)
{
    bool foreign = !is_armed(state);
    PyObject *argument = foreign ? compat_profile_argument(state->tstate) : NULL;
    state->chained = foreign ? compat_profile_function(state->tstate) : NULL;
    Py_XINCREF(argument);
    Py_XSETREF(state->chained_argument, argument);
    PyEval_SetProfile(on_event, (PyObject *)state);
}

void setprofile_keep_armed(thread_state *state)
{
    if (is_armed(state)) {
        return;
    }
    tell_of_another();
    forget_open_calls(state);
    setprofile_arm(state);
}

void setprofile_disarm(thread_state *state)
{
    if (is_armed(state)) {
        PyEval_SetProfile(state->chained, state->chained_argument);
    } else {
        tell_of_another();
    }
    state->chained = NULL;
    Py_CLEAR(state->chained_argument);
}
