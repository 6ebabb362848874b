/* The hook that every Python version has: PyEval_SetProfile. */
#include "setprofile.h"

#include "active.h"
#include "arrays.h"
#include "arrivals.h"
#include "choice.h"
#include "events.h"
#include "guard.h"
#include "profile_slot.h"
#include "thread.h"
#include "thread_state.h"
#include "warn.h"

enum { GENERATOR_FLAGS = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR };

/* Returns true if no recorder of the list records events in this frame. */
static inline bool is_left_out(const active_recorders *list, PyFrameObject *frame)
{
    const choice *filter = shared_load(&list->filter);
    return filter != NULL && !choice_has(filter, compat_frame_code(frame));
}

/* on_event calls each of the following functions last and returns their 0, so that no kind of event
 * saves registers for another. */

static Py_NO_INLINE int record_step(const active_recorders *list, PyFrameObject *frame,
                                    uint32_t step)
{
    PyCodeObject *code = compat_frame_code(frame);
    uint64_t running = compat_running_frame(frame);
    if (!stepped(shared_load(&list->fast_handle), code, running, step) &&
        !is_left_out(list, frame)) {
        step_in_each(list, code, running, step);
    }
    return 0;
}

/* Records a start without a fast handle, or of a function that the recording does not know yet. */
static Py_NO_INLINE int record_slow_start(const thread_state *state, PyFrameObject *frame,
                                          bool resumed)
{
    const active_recorders *list = &state->active[HOOK_SETPROFILE];
    PyCodeObject *code = compat_frame_code(frame);
    if (!is_left_out(list, frame) &&
        !entered_code(shared_load(&list->filtered_handle), code, resumed)) {
        enter_code_in_each(list, code, resumed);
    }
    return 0;
}

/* Records the start or resumption of a generator or coroutine. */
static Py_NO_INLINE int record_generator_start(const thread_state *state, PyFrameObject *frame,
                                               PyCodeObject *code)
{
    const active_recorders *list = &state->active[HOOK_SETPROFILE];
    bool resumed = !compat_generator_starts(frame, code, state->interpreter->code_slot);
    if (compat_is_coroutine(code)) {
        return record_step(list, frame,
                           resumed ? EDBPROF_COROUTINE_RESUMES : EDBPROF_COROUTINE_STARTS);
    }
    if (!entered_code(shared_load(&list->fast_handle), code, resumed)) {
        return record_slow_start(state, frame, resumed);
    }
    return 0;
}

static inline int record_function_start(const thread_state *state, PyFrameObject *frame,
                                        PyCodeObject *code)
{
    if (!entered_code(shared_load(&state->active[HOOK_SETPROFILE].fast_handle), code, false)) {
        return record_slow_start(state, frame, false);
    }
    return 0;
}

static inline int record_start(const thread_state *state, PyFrameObject *frame, PyCodeObject *code)
{
    return code->co_flags & GENERATOR_FLAGS ? record_generator_start(state, frame, code)
                                            : record_function_start(state, frame, code);
}

static void leave_unstarted(const active_recorders *list, PyCodeObject *code)
{
    active_recorder active;
    for (size_t i = 0; active_at(list, i, &active); i++) {
        (void)edbprof_leave_unstarted(active.handle, code_key(code));
    }
}

/* Records the suspension or end of a coroutine. */
static Py_NO_INLINE int record_pause(const active_recorders *list, PyFrameObject *frame,
                                     PyObject *value)
{
    PyCodeObject *code = compat_frame_code(frame);
    uint32_t step = value == NULL ? EDBPROF_COROUTINE_RAISES : EDBPROF_COROUTINE_ENDS;
    if (compat_is_suspended(frame, code, value)) {
        step = compat_is_item(code, value) ? EDBPROF_COROUTINE_YIELDS : EDBPROF_COROUTINE_SUSPENDS;
    }
    return record_step(list, frame, step);
}

/* Gives an end to the only recorder, which has a timeline or a filter, or to each of several. */
static inline void end_slowly(const active_recorders *list, PyCodeObject *code, call_end end)
{
    uint64_t key = code_key(code);
    if (!left(shared_load(&list->fast_handle), key, end) &&
        !left(shared_load(&list->filtered_handle), key, end)) {
        leave_in_each(list, key, end, code);
    }
}

/* Records an end without a handle for ends, or of a coroutine, or by an exception. */
static Py_NO_INLINE int record_slow_end(const active_recorders *list, PyFrameObject *frame,
                                        PyObject *value)
{
    PyCodeObject *code = compat_frame_code(frame);
    bool steps = code->co_flags & GENERATOR_FLAGS;
    if (is_left_out(list, frame)) {
        return 0;
    }
    if (value == NULL && steps && compat_generator_never_ran(frame)) {
        leave_unstarted(list, code);
    } else if (compat_is_coroutine(code)) {
        return record_pause(list, frame, value);
    } else if (value == NULL) {
        end_slowly(list, code, CALL_RAISED);
    } else {
        bool yields = steps && compat_is_suspended(frame, code, value);
        end_slowly(list, code, yields ? CALL_SUSPENDED : CALL_RETURNED);
    }
    return 0;
}

/* Ends a call of the function `key`. A coroutine has key 0, because its end is a step. */
static inline int record_end(const active_recorders *list, PyFrameObject *frame, PyObject *value,
                             uint64_t key)
{
    edbprof_thread *end_handle = shared_load(&list->end_handle);
    if (end_handle == NULL || value == NULL || key == 0) {
        return record_slow_end(list, frame, value);
    }
    (void)edbprof_leave(end_handle, key);
    return 0;
}

static inline uint64_t key_for_end(PyCodeObject *code)
{
    return compat_is_coroutine(code) ? 0 : code_key(code);
}

/* Remembers a frame that has started and not ended, with its key, so that its end need not look up
 * the code object. */
static inline void push_started(thread_state *state, PyFrameObject *frame, PyCodeObject *code)
{
    *state->started_end++ = (started_frame){.frame = frame, .key = code_key(code)};
}

/* Records the start or resumption of a generator or coroutine, whose frame is on `started`. */
static Py_NO_INLINE int record_generator_call(thread_state *state, PyFrameObject *frame,
                                              PyCodeObject *code)
{
    if (compat_is_coroutine(code)) {
        state->started_end[-1].key = 0;
        return record_generator_start(state, frame, code);
    }
    if (!compat_generator_continues(frame, code)) {
        return record_generator_start(state, frame, code);
    }
    if (!entered_code(shared_load(&state->active[HOOK_SETPROFILE].fast_handle), code, true)) {
        return record_slow_start(state, frame, true);
    }
    return 0;
}

static inline int record_pushed_call(thread_state *state, PyFrameObject *frame, PyCodeObject *code)
{
    push_started(state, frame, code);
    return code->co_flags & GENERATOR_FLAGS ? record_generator_call(state, frame, code)
                                            : record_function_start(state, frame, code);
}

static Py_NO_INLINE int grow_and_record_call(thread_state *state, PyFrameObject *frame)
{
    PyCodeObject *code = compat_frame_code(frame);
    size_t count = (size_t)(state->started_end - state->started);
    size_t room = count;
    started_frame *started = grow_array(state->started, count, &room, sizeof *started);
    if (started == NULL) {
        return record_start(state, frame, code);
    }
    state->started = started;
    state->started_end = started + count;
    state->started_limit = started + room;
    return record_pushed_call(state, frame, code);
}

static Py_NO_INLINE int record_call(thread_state *state, PyFrameObject *frame)
{
    PyCodeObject *code = compat_frame_code(frame);
    if (EDBPROF_FAILED_STARTS_END) {
        if (state->started_end == state->started_limit) {
            return grow_and_record_call(state, frame);
        }
        return record_pushed_call(state, frame, code);
    }
    return record_start(state, frame, code);
}

static Py_NO_INLINE int look_and_record_call(thread_state *state, PyFrameObject *frame)
{
    arrivals_look(state);
    return record_call(state, frame);
}

/* Records the end of a frame that is not the latest one that has started. */
static Py_NO_INLINE int record_other_return(thread_state *state, PyFrameObject *frame,
                                            PyObject *value)
{
    const active_recorders *list = &state->active[HOOK_SETPROFILE];
    for (started_frame *at = state->started_end; at != state->started;) {
        at--;
        if (at->frame == frame) {
            state->started_end = at;
            return record_end(list, frame, value, at->key);
        }
    }
    PyCodeObject *code = compat_frame_code(frame);
    if (compat_ends_at_start(frame, code)) {
        (void)record_start(state, frame, code);
    } else if ((code->co_flags & GENERATOR_FLAGS) && state->started_end != state->started &&
               !state->sees_switches) {
        return 0; /* The generator has caught an exception that was raised before it resumed. */
    }
    return record_end(list, frame, value, key_for_end(code));
}

static Py_NO_INLINE int record_return(thread_state *state, PyFrameObject *frame, PyObject *value)
{
    const active_recorders *list = &state->active[HOOK_SETPROFILE];
    if (EDBPROF_FAILED_STARTS_END) {
        started_frame *end = state->started_end;
        if (end == state->started || end[-1].frame != frame) {
            return record_other_return(state, frame, value);
        }
        state->started_end = end - 1;
        return record_end(list, frame, value, end[-1].key);
    }
    return record_end(list, frame, value, key_for_end(compat_frame_code(frame)));
}

/* Records a builtin's call without a fast handle, or if the recording does not know it yet. */
static Py_NO_INLINE int record_slow_builtin_call(const active_recorders *list, PyFrameObject *frame,
                                                 PyObject *callee)
{
    if (!shared_load(&list->skips_builtins) && !is_left_out(list, frame)) {
        PyCFunctionObject *builtin = (PyCFunctionObject *)callee;
        PyCodeObject *caller = compat_frame_code(frame);
        enter_builtin_in_each(list, callee, builtin->m_self, builtin_key(builtin), caller);
    }
    return 0;
}

/* Records the call of a builtin that is none of the usual ones. */
static Py_NO_INLINE int record_unusual_builtin_call(const active_recorders *list,
                                                    PyFrameObject *frame, PyObject *callee)
{
    if (PyCFunction_Check(callee) && !entered_builtin(shared_load(&list->fast_builtins),
                                                      builtin_key((PyCFunctionObject *)callee))) {
        return record_slow_builtin_call(list, frame, callee);
    }
    return 0;
}

static Py_NO_INLINE int record_builtin_call(const active_recorders *list, PyFrameObject *frame,
                                            PyObject *callee)
{
    uint64_t key = usual_builtin_key(callee);
    if (key == 0) {
        return record_unusual_builtin_call(list, frame, callee);
    }
    if (!entered_builtin(shared_load(&list->fast_builtins), key)) {
        return record_slow_builtin_call(list, frame, callee);
    }
    return 0;
}

static Py_NO_INLINE int record_unusual_builtin_return(edbprof_thread *end_builtins,
                                                      PyObject *callee)
{
    if (PyCFunction_Check(callee)) {
        (void)edbprof_leave(end_builtins, builtin_key((PyCFunctionObject *)callee));
    }
    return 0;
}

static Py_NO_INLINE int record_builtin_return(edbprof_thread *end_builtins, PyObject *callee)
{
    uint64_t key = usual_builtin_key(callee);
    if (key == 0) {
        return record_unusual_builtin_return(end_builtins, callee);
    }
    (void)edbprof_leave(end_builtins, key);
    return 0;
}

/* Records the end of a builtin's call without a handle for ends. */
static Py_NO_INLINE int record_slow_builtin_end(const active_recorders *list, PyFrameObject *frame,
                                                PyObject *callee, int what)
{
    if (!shared_load(&list->skips_builtins) && !is_left_out(list, frame) &&
        PyCFunction_Check(callee)) {
        uint64_t key = builtin_key((PyCFunctionObject *)callee);
        call_end end = what == PyTrace_C_EXCEPTION ? CALL_RAISED : CALL_RETURNED;
        if (!left(shared_load(&list->fast_builtins), key, end)) {
            leave_in_each(list, key, end, compat_frame_code(frame));
        }
    }
    return 0;
}

static inline int record(thread_state *state, PyFrameObject *frame, int what, PyObject *argument)
{
    const active_recorders *list = &state->active[HOOK_SETPROFILE];
    edbprof_thread *end_builtins;
    switch (what) {
    case PyTrace_CALL:
        return ARRIVALS_ARE_NOTICED && shared_load(&threads_wanted) > 0
                   ? look_and_record_call(state, frame)
                   : record_call(state, frame);
    case PyTrace_RETURN: return record_return(state, frame, argument);
    case PyTrace_C_CALL: return record_builtin_call(list, frame, argument);
    case PyTrace_C_RETURN:
    case PyTrace_C_EXCEPTION:
        end_builtins = shared_load(&list->end_builtins);
        return end_builtins == NULL ? record_slow_builtin_end(list, frame, argument, what)
                                    : record_builtin_return(end_builtins, argument);
    default: return 0;
    }
}

static int on_event(PyObject *self, PyFrameObject *frame, int what, PyObject *argument);
static int on_arrival(PyObject *self, PyFrameObject *frame, int what, PyObject *argument);

/* Sets the profile function of the calling thread. Audit hooks that run meanwhile may switch
 * recorders on and off. The profile function for those is set afterwards, because 3.11 refuses to
 * set one while another is being set. */
static void set_profile(thread_state *state, Py_tracefunc function, PyObject *argument)
{
    state->sets_profile = true;
    shared_lock_take(&profile_slot_setting);
    compat_set_profile(state->tstate, function, argument);
    shared_lock_give(&profile_slot_setting);
    state->sets_profile = false;
}

/* Sets the profile function of another thread. */
static void set_profile_in(PyThreadState *tstate, Py_tracefunc function, PyObject *argument)
{
    shared_lock_take(&profile_slot_setting);
    compat_set_profile_in(tstate, function, argument);
    shared_lock_give(&profile_slot_setting);
}

/* Returns true if our profile function is set. Compares function and object, because up to 3.10
 * yappi sets the function alone. */
static bool is_installed(const thread_state *state)
{
    return state->tstate->c_profilefunc == on_event &&
           state->tstate->c_profileobj == (PyObject *)state;
}

/* Notes the profile function that is set now, whose place ours is about to take. */
static void chain(thread_state *state)
{
    Py_tracefunc function = state->tstate->c_profilefunc;
    PyObject *argument = state->tstate->c_profileobj;
    bool foreign = !is_installed(state) && function != on_arrival;
    state->chained = foreign ? function : NULL;
    /* yappi leaves ours where it was. */
    argument = foreign && argument != (PyObject *)state ? argument : NULL;
    Py_XINCREF(argument);
    Py_XSETREF(state->chained_argument, argument);
}

/* Sets our profile function, which chains to the one that is set now. */
static void take_slot(thread_state *state)
{
    chain(state);
    set_profile(state, on_event, (PyObject *)state);
}

/* Gives the event also to the profile function that was set before. */
static Py_NO_INLINE int on_chained_event(thread_state *state, PyFrameObject *frame, int what,
                                         PyObject *argument)
{
    /* Recording the event may end the last recording, and with it the chain. */
    Py_tracefunc chained = state->chained;
    PyObject *chained_argument = state->chained_argument;
    Py_XINCREF(chained_argument);
    (void)record(state, frame, what, argument);
    int result = chained(chained_argument, frame, what, argument);
    Py_XDECREF(chained_argument);
    if (result < 0 && what == PyTrace_CALL && !EDBPROF_FAILED_STARTS_END) {
        PyObject *exception = compat_take_exception();
        PyCodeObject *code = compat_frame_code(frame);
        leave_in_each(&state->active[HOOK_SETPROFILE], code_key(code), CALL_RAISED, code);
        compat_restore_exception(exception);
    }
    if (state->active[HOOK_SETPROFILE].count > 0 && !is_installed(state)) {
        /* The function has raised, so the interpreter has switched profiling off for it, and must
         * not for us. Or it has set another function. */
        PyObject *exception = compat_take_exception();
        take_slot(state);
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
    return record(state, frame, what, argument);
}

/* Profile function of another thread until its first event, a Py_tracefunc. */
static int on_arrival(PyObject *Py_UNUSED(self), PyFrameObject *frame, int what, PyObject *argument)
{
    thread_state *state = thread_state_current();
    if (arrivals_is_due(state)) {
        state = arrivals_arrive();
    }
    PyThreadState *tstate = PyThreadState_Get();
    if (tstate->c_profilefunc == on_arrival) {
        PyObject *exception = compat_take_exception();
        shared_lock_take(&profile_slot_setting);
        compat_set_profile(tstate, NULL, NULL);
        shared_lock_give(&profile_slot_setting);
        compat_restore_exception(exception);
    }
    if (state == NULL || state->active[HOOK_SETPROFILE].count == 0) {
        return 0;
    }
    return on_event((PyObject *)state, frame, what, argument);
}

/* Sets on_arrival in a thread, unless another profiler's function is set there. */
static void notice(PyThreadState *tstate)
{
    if (tstate->c_profilefunc == NULL) {
        set_profile_in(tstate, on_arrival, NULL);
    }
}

static void unnotice(PyThreadState *tstate)
{
    if (tstate->c_profilefunc == on_arrival) {
        compat_set_profile_in(tstate, NULL, NULL);
    }
}

static void warn_of_another(void)
{
    static bool warned;
    warn_soon(&warned, "another profiler was switched on or off while edbprof was "
                       "recording; some of what was called after that is missing");
}

/* Ends all open calls, because events were missed: any of the calls may have ended meanwhile. */
static void forget_open_calls(thread_state *state)
{
    active_recorder active;
    state->started_end = state->started;
    for (size_t i = 0; active_at(&state->active[HOOK_SETPROFILE], i, &active); i++) {
        thread_forget_calls(&active);
    }
}

/* Returns the calling thread's state if it records, else NULL. */
static thread_state *recording_state(void)
{
    thread_state *state = thread_state_current();
    return state != NULL && state->active[HOOK_SETPROFILE].count > 0 ? state : NULL;
}

/* Puts the profile function behind ours back into the slot. Events of that function's end are
 * missed. */
static void slot_changes(void)
{
    EDBPROF_GUARDED;
    thread_state *state = recording_state();
    if (state != NULL && is_installed(state) && state->chained != NULL) {
        state->tstate->c_profilefunc = state->chained;
        state->tstate->c_profileobj = state->chained_argument;
        state->chained = NULL;
        state->chained_argument = NULL;
        Py_DECREF(state); /* the slot's reference */
    }
}

/* Puts ours in front again, in each thread. No event was missed. */
static void slot_changed(void)
{
    EDBPROF_GUARDED;
    PyObject *exception = compat_take_exception();
    for (thread_state *state = thread_states(); state != NULL; state = state->next) {
        if (state->active[HOOK_SETPROFILE].count == 0 || state->sets_profile ||
            is_installed(state) || state->tstate == PyThreadState_Get()) {
            continue;
        }
        chain(state);
        set_profile_in(state->tstate, on_event, (PyObject *)state);
    }
    /* The calling thread comes last, because this may run Python code. */
    thread_state *state = recording_state();
    if (state != NULL && !state->sets_profile && !is_installed(state)) {
        take_slot(state);
    }
    compat_restore_exception(exception);
}

static PyObject *slot_behind_ours(void)
{
    EDBPROF_GUARDED;
    const thread_state *state = recording_state();
    if (state == NULL || !is_installed(state)) {
        return NULL;
    }
    PyObject *function = state->chained_argument == NULL ? Py_None : state->chained_argument;
    Py_INCREF(function);
    return function;
}

static int install(thread_state *state, const recorder *Py_UNUSED(owner))
{
    static const profile_slot_ops ops = {slot_changes, slot_changed, slot_behind_ours};
    if (!state->sets_profile) {
        profile_slot_watch(&ops);
        profile_slot_look();
        state->started_end = state->started;
        take_slot(state);
    }
    return 0;
}

static void repair(thread_state *state)
{
    if (!state->sets_profile && !is_installed(state)) {
        forget_open_calls(state);
        (void)install(state, NULL);
        warn_of_another();
    }
}

static void uninstall(thread_state *state)
{
    if (state->sets_profile) {
        return;
    }
    if (is_installed(state)) {
        set_profile(state, state->chained, state->chained_argument);
    } else {
        warn_of_another();
    }
    state->chained = NULL;
    Py_CLEAR(state->chained_argument);
    if (state->active[HOOK_SETPROFILE].count > 0) {
        (void)install(state, NULL); /* for a recorder that an audit hook has enabled */
    }
}

int setprofile_init(interpreter_state *interpreter)
{
    static const hook_ops ops = {.begin = install,
                                 .end = uninstall,
                                 .repair = repair,
                                 .notice = notice,
                                 .unnotice = unnotice,
                                 .new_function = profile_slot_look};
    thread_set_hook(HOOK_SETPROFILE, &ops);
    shared_lock_watch(&profile_slot_setting);
    if (interpreter->has_code_slot) {
        return 0;
    }
    interpreter->has_code_slot = compat_generators_init(&interpreter->code_slot) == 0;
    return interpreter->has_code_slot ? 0 : -1;
}
