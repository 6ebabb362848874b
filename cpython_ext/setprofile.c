/* The hook of every Python version: PyEval_SetProfile. */
#include "edbprof_ext.h"

enum { GENERATOR_FLAGS = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR };

/* A code object is its address; aligned, so the lowest bit is free. */
static inline uint64_t code_key(PyCodeObject *code) { return (uint64_t)(uintptr_t)code; }

/* A builtin is its method definition, with the lowest bit set. Definitions that
 * live on the heap can be freed and their address used again; those (pybind11's,
 * say, whose owner is a capsule) are told apart by their name as well. */
static inline uint64_t builtin_key(PyCFunctionObject *builtin)
{
    uint64_t key = (uint64_t)(uintptr_t)builtin->m_ml;
    PyObject *owner = builtin->m_self;
    if (owner == NULL || PyCapsule_CheckExact(owner)) {
        /* FNV-1a */
        const char *name = builtin->m_ml->ml_name;
        for (; name != NULL && *name != '\0'; name++) {
            key = (key ^ (unsigned char)*name) * 0x100000001b3u;
        }
    }
    return key | 1;
}

/* One event for one recorder. The function that the key stands for is defined when
 * the recording does not know it yet. */
static inline void enter_code(const activity *active, PyCodeObject *code, bool resumed)
{
    uint64_t key = code_key(code);
    for (int attempt = 0; attempt < 2; attempt++) {
        edbprof_status status;
        if (active->owner->timer == NULL) {
            status = resumed ? edbprof_resume(active->handle, key)
                             : edbprof_enter(active->handle, key);
        } else {
            uint64_t now = recorder_read_timer(active->owner);
            status = resumed ? edbprof_resume_at(active->handle, key, now)
                             : edbprof_enter_at(active->handle, key, now);
        }
        if (status != EDBPROF_UNKNOWN_FUNCTION ||
            recorder_define_code(active->owner, code, key) < 0) {
            return;
        }
    }
}

static inline void enter_builtin(const activity *active, PyCFunctionObject *builtin,
                                 uint64_t key)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        edbprof_status status =
            active->owner->timer == NULL
                ? edbprof_enter(active->handle, key)
                : edbprof_enter_at(active->handle, key,
                                   recorder_read_timer(active->owner));
        if (status != EDBPROF_UNKNOWN_FUNCTION ||
            recorder_define_builtin(active->owner, builtin, key) < 0) {
            return;
        }
    }
}

static inline void leave(const activity *active, uint64_t key, bool never_ran)
{
    if (never_ran) {
        (void)edbprof_leave_unstarted(active->handle, key);
    } else if (active->owner->timer != NULL) {
        (void)edbprof_leave_at(active->handle, key, recorder_read_timer(active->owner));
    } else {
        (void)edbprof_leave(active->handle, key);
    }
}

static inline void on_call(thread_state *state, PyFrameObject *frame)
{
    PyCodeObject *code = compat_frame_code(frame);
    bool resumed =
        (code->co_flags & GENERATOR_FLAGS) && !compat_generator_starts(frame, code);
    for (size_t i = 0; i < state->active_count; i++) {
        enter_code(&state->active[i], code, resumed);
    }
    Py_DECREF(code);
}

static inline void on_return(thread_state *state, PyFrameObject *frame, PyObject *value)
{
    PyCodeObject *code = compat_frame_code(frame);
    bool never_ran = value == NULL && (code->co_flags & GENERATOR_FLAGS) &&
                     compat_generator_never_ran(frame);
    for (size_t i = 0; i < state->active_count; i++) {
        leave(&state->active[i], code_key(code), never_ran);
    }
    Py_DECREF(code);
}

static inline void on_builtin(thread_state *state, PyObject *callee, bool begins)
{
    if (!PyCFunction_Check(callee)) {
        return;
    }
    PyCFunctionObject *builtin = (PyCFunctionObject *)callee;
    uint64_t key = builtin_key(builtin);
    for (size_t i = 0; i < state->active_count; i++) {
        const activity *active = &state->active[i];
        if (!active->owner->builtins) {
            continue;
        }
        if (begins) {
            enter_builtin(active, builtin, key);
        } else {
            leave(active, key, false);
        }
    }
}

static int on_event(PyObject *self, PyFrameObject *frame, int what, PyObject *argument);

/* Gives the event to the profile function that was there before. */
static int hand_on(thread_state *state, PyFrameObject *frame, int what, PyObject *argument)
{
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
    switch (what) {
    case PyTrace_CALL: on_call(state, frame); break;
    case PyTrace_RETURN: on_return(state, frame, argument); break;
    case PyTrace_C_CALL: on_builtin(state, argument, true); break;
    case PyTrace_C_RETURN:
    case PyTrace_C_EXCEPTION: on_builtin(state, argument, false); break;
    default: break;
    }
    return state->chained == NULL ? 0 : hand_on(state, frame, what, argument);
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
    for (size_t i = 0; i < state->active_count; i++) {
        (void)edbprof_leave_all(state->active[i].handle);
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
        {"call", PyTrace_CALL},     {"return", PyTrace_RETURN},
        {"c_call", PyTrace_C_CALL}, {"c_return", PyTrace_C_RETURN},
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
    if (state->tstate != PyThreadState_Get() || state->active_count == 0) {
        PyEval_SetProfile(NULL, NULL);
        Py_RETURN_NONE;
    }
    forget_open_calls(state);
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

void setprofile_arm(thread_state *state)
{
    PyObject *argument = compat_profile_argument(state->tstate);
    /* Not ours, that was put back when it was too late. */
    bool foreign = argument != (PyObject *)state;
    state->chained = foreign ? compat_profile_function(state->tstate) : NULL;
    argument = foreign ? argument : NULL;
    Py_XINCREF(argument);
    Py_XSETREF(state->chained_argument, argument);
    PyEval_SetProfile(on_event, (PyObject *)state);
}

void setprofile_keep_armed(thread_state *state)
{
    if (compat_profile_argument(state->tstate) == (PyObject *)state) {
        return;
    }
    tell_of_another();
    forget_open_calls(state);
    setprofile_arm(state);
}

void setprofile_disarm(thread_state *state)
{
    if (compat_profile_argument(state->tstate) == (PyObject *)state) {
        PyEval_SetProfile(state->chained, state->chained_argument);
    } else {
        tell_of_another();
    }
    state->chained = NULL;
    Py_CLEAR(state->chained_argument);
}
