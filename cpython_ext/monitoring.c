/* The hook of Python 3.12 and later: callbacks of sys.monitoring. */
#include "monitoring.h"

#include "arrivals.h"
#include "callbacks.h"
#include "events.h"
#include "monitoring_gate.h"
#include "thread.h"
#include "thread_state.h"

/* Returns the recorders of this thread that listen to this hook; NULL for none. Their fast handles
 * serve threads of several interpreters, for which thread_monitored() has none. */
static inline const active_recorders *listening(void)
{
    const thread_state *state = thread_state_current();
    if (arrivals_is_due(state)) {
        state = arrivals_arrive();
    }
    if (state == NULL || state->active[HOOK_MONITORING].count == 0) {
        gate_unclaimed_event(HOOK_MONITORING);
        return NULL;
    }
    return &state->active[HOOK_MONITORING];
}

/* Each callback handles the usual case itself, and leaves the others to a function that it
 * calls last, so that it saves no registers. */

static Py_NO_INLINE PyObject *step_coroutine(PyCodeObject *code, uint32_t step)
{
    uint64_t running = compat_running_frame(NULL);
    if (!stepped(thread_monitored(), code, running, step)) {
        const active_recorders *list = listening();
        if (list != NULL && !stepped(shared_load(&list->fast_handle), code, running, step)) {
            step_in_each(list, code, running, step);
        }
    }
    Py_RETURN_NONE;
}

static Py_NO_INLINE PyObject *enter_code_slowly(PyObject *const *arguments, size_t count,
                                                bool resumed)
{
    const active_recorders *list = listening();
    PyCodeObject *code = code_of(arguments, count);
    if (list != NULL && code != NULL &&
        !entered_code(shared_load(&list->fast_handle), code, resumed)) {
        enter_code_in_each(list, code, resumed);
    }
    Py_RETURN_NONE;
}

static inline PyObject *enter_code(PyObject *const *arguments, size_t count, bool resumed)
{
    edbprof_thread *fast_handle = thread_monitored();
    PyCodeObject *code = code_of(arguments, count);
    if (code != NULL && compat_is_coroutine(code)) {
        return step_coroutine(code, resumed ? EDBPROF_COROUTINE_RESUMES : EDBPROF_COROUTINE_STARTS);
    }
    if (code != NULL && entered_code(fast_handle, code, resumed)) {
        Py_RETURN_NONE;
    }
    return enter_code_slowly(arguments, count, resumed);
}

static CALLBACK(on_start)
{
    if (EDBPROF_PREVENTED_STARTS_END) {
        thread_here.is_calling = false;
    }
    return enter_code(arguments, count, false);
}

/* Cython reports the resumption of a generator that is closed or thrown into with the exception
 * pending. Returning an object would turn the exception into a SystemError; NULL lets it
 * propagate. */
static Py_NO_INLINE PyObject *resume_raising(PyObject *const *arguments, size_t count)
{
    PyObject *exception = compat_take_exception();
    Py_XDECREF(enter_code(arguments, count, true));
    compat_restore_exception(exception);
    return NULL;
}

static CALLBACK(on_resume)
{
    return PyErr_Occurred() == NULL ? enter_code(arguments, count, true)
                                    : resume_raising(arguments, count);
}

/* `key` is 0 where nothing has ended. */
static Py_NO_INLINE PyObject *leave_slowly_as(uint64_t key, call_end end, PyCodeObject *in)
{
    const active_recorders *list = listening();
    if (list != NULL && key != 0 && !left(shared_load(&list->fast_handle), key, end)) {
        leave_in_each(list, key, end, in);
    }
    Py_RETURN_NONE;
}

/* leave_slowly_as for the most frequent end, whose callback passes on its registers as they are. */
static Py_NO_INLINE PyObject *leave_slowly(uint64_t key, PyCodeObject *in)
{
    return leave_slowly_as(key, CALL_RETURNED, in);
}

static inline PyObject *leave_code(PyCodeObject *code, call_end end)
{
    edbprof_thread *fast_handle = thread_monitored();
    if (code != NULL && compat_is_coroutine(code)) {
        return step_coroutine(code, end == CALL_RAISED ? EDBPROF_COROUTINE_RAISES
                                                       : EDBPROF_COROUTINE_ENDS);
    }
    if (code != NULL && left(fast_handle, code_key(code), end)) {
        Py_RETURN_NONE;
    }
    uint64_t key = code == NULL ? 0 : code_key(code);
    return end == CALL_RETURNED ? leave_slowly(key, code) : leave_slowly_as(key, end, code);
}

static CALLBACK(on_return) { return leave_code(code_of(arguments, count), CALL_RETURNED); }

static CALLBACK(on_yield)
{
    PyCodeObject *code = code_of(arguments, count);
    if (code != NULL && compat_is_coroutine(code)) {
        return step_coroutine(code, step_of_yield(code, arguments, count));
    }
    return leave_code(code, CALL_SUSPENDED);
}

/* Returns true if a call ends that was prevented from starting, in Pythons that do not report that
 * by RAISE. */
static inline bool was_prevented(PyObject *const *arguments, size_t count, PyCodeObject *code)
{
    if (!EDBPROF_PREVENTED_STARTS_END || !thread_here.is_calling || code == NULL ||
        PyVectorcall_NARGS(count) < 2 || !PyLong_Check(arguments[1])) {
        return false;
    }
    compat_start start = compat_start_raising_at(code, PyLong_AsSsize_t(arguments[1]));
    PyErr_Clear();
    return start == COMPAT_START;
}

static CALLBACK(on_unwind)
{
    PyCodeObject *code = code_of(arguments, count);
    if (was_prevented(arguments, count, code)) {
        thread_here.is_calling = false;
        Py_XDECREF(enter_code(arguments, count, false));
    }
    return leave_code(code, CALL_RAISED);
}

static Py_NO_INLINE PyObject *call_slowly(PyObject *const *arguments, size_t count)
{
    const active_recorders *list = thread_skips_builtins() ? NULL : listening();
    uint64_t key = key_of_call(arguments, count);
    bool is_skipped = list == NULL || key == 0 || shared_load(&list->skips_builtins);
    if (!is_skipped &&
        !(is_builtin_key(key) && entered_builtin(shared_load(&list->fast_builtins), key))) {
        enter_callable_in_each(list, arguments[2], arguments[3], key, code_of(arguments, count));
    }
    thread_here.is_calling = EDBPROF_PREVENTED_STARTS_END && key == 0;
    Py_RETURN_NONE;
}

/* Handles the call of a callable that is none of the usual builtins. */
static Py_NO_INLINE PyObject *call_unusual(PyObject *const *arguments, size_t count)
{
    edbprof_thread *fast_handle = thread_monitored_builtins();
    uint64_t key = key_of_call(arguments, count);
    if (fast_handle == NULL) {
        return call_slowly(arguments, count);
    }
    if (key == CLASS_CALL) {
        edbprof_count_class_call(fast_handle);
    }
    if (EDBPROF_PREVENTED_STARTS_END && key == 0) {
        thread_here.is_calling = true;
    }
    if (!is_builtin_key(key) || entered_builtin(fast_handle, key)) {
        Py_RETURN_NONE;
    }
    return call_slowly(arguments, count);
}

static CALLBACK(on_call)
{
    edbprof_thread *fast_handle = thread_monitored_builtins();
    if (fast_handle == NULL) {
        return call_slowly(arguments, count);
    }
    if (calls_python(arguments, count)) {
        if (EDBPROF_PREVENTED_STARTS_END) {
            thread_here.is_calling = true;
        }
        Py_RETURN_NONE;
    }
    uint64_t key = usual_key_of(arguments, count);
    if (key == 0 && calls_class(arguments, count)) {
        edbprof_count_class_call(fast_handle);
        Py_RETURN_NONE;
    }
    if (key == 0) {
        return call_unusual(arguments, count);
    }
    if (!entered_builtin(fast_handle, key)) {
        return call_slowly(arguments, count);
    }
    Py_RETURN_NONE;
}

/* Handles the end of such a call, or of any builtin's call without a fast handle. */
static Py_NO_INLINE PyObject *leave_unusual_builtin(PyObject *const *arguments, size_t count,
                                                    call_end end)
{
    edbprof_thread *fast_handle = thread_monitored_builtins();
    if (fast_handle == NULL && thread_skips_builtins()) {
        Py_RETURN_NONE;
    }
    uint64_t key = key_of(arguments, count);
    if (fast_handle != NULL && (!is_builtin_key(key) || left(fast_handle, key, end))) {
        Py_RETURN_NONE;
    }
    const active_recorders *list = listening();
    bool is_skipped = list == NULL || key == 0 || shared_load(&list->skips_builtins);
    if (!is_skipped &&
        !(is_builtin_key(key) && left(shared_load(&list->fast_builtins), key, end))) {
        leave_callable_in_each(list, arguments[2], key, end, code_of(arguments, count));
    }
    Py_RETURN_NONE;
}

static inline PyObject *leave_builtin(PyObject *const *arguments, size_t count, call_end end)
{
    edbprof_thread *fast_handle = thread_monitored_builtins();
    uint64_t key = usual_key_of(arguments, count);
    if (fast_handle == NULL || (key == 0 && !calls_class(arguments, count))) {
        return leave_unusual_builtin(arguments, count, end);
    }
    if (key != 0) {
        (void)left(fast_handle, key, end);
    }
    Py_RETURN_NONE;
}

static CALLBACK(on_c_return) { return leave_builtin(arguments, count, CALL_RETURNED); }

static CALLBACK(on_c_raise) { return leave_builtin(arguments, count, CALL_RAISED); }

/* Returns true if another tool has raised this exception at the same start event, after we got the
 * event. Such an exception has come through a function of that tool. */
static bool raised_after_us(PyObject *exception, compat_start start, PyCodeObject *code)
{
    PyObject *traceback = PyException_GetTraceback(exception);
    bool called = traceback != NULL && PyTraceBack_Check(traceback) &&
                  ((PyTracebackObject *)traceback)->tb_next != NULL;
    Py_XDECREF(traceback);
    if (!called) {
        return false;
    }
    long event = gate_event(start == COMPAT_START ? "PY_START" : "PY_RESUME");
    return event >= 0 && gate_others_come_after(event, code);
}

/* Starts the call that an exception ends or continues before its start event. */
static CALLBACK(on_raise)
{
    PyCodeObject *code = code_of(arguments, count);
    bool fits = code != NULL && PyVectorcall_NARGS(count) >= 3 && PyLong_Check(arguments[1]) &&
                PyExceptionInstance_Check(arguments[2]);
    if (!fits) {
        Py_RETURN_NONE;
    }
    Py_ssize_t offset = PyLong_AsSsize_t(arguments[1]);
    compat_start start = compat_start_raising_at(code, offset);
    /* Checked first, because nearly all exceptions are raised elsewhere. */
    if (start == COMPAT_NO_START) {
        if (offset < 0) {
            PyErr_Clear();
        }
        Py_RETURN_NONE;
    }
    if ((thread_monitored() == NULL && listening() == NULL) ||
        raised_after_us(arguments[2], start, code)) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    return enter_code(arguments, count, start == COMPAT_RESUME);
}

static const event_handler handlers[] = {
    {"PY_START", on_start, true},
    {"PY_RESUME", on_resume, true},
    {"PY_THROW", on_resume, true},
    {"PY_RETURN", on_return, true},
    {"PY_YIELD", on_yield, true},
    {"PY_UNWIND", on_unwind, true},
    {"CALL", on_call, true},
    {"C_RETURN", on_c_return, false},
    {"C_RAISE", on_c_raise, false},
    {"RAISE", on_raise, EDBPROF_RAISES_BEFORE_START},
    {NULL, NULL, false},
};
_Static_assert(sizeof handlers / sizeof *handlers == MOST_HANDLERS + 1, "all are registered");

static long register_all(PyObject *module, PyObject *tool, hook_kind hook)
{
    return callbacks_register(module, tool, hook, handlers);
}

static int open_gate(thread_state *Py_UNUSED(state), const recorder *owner)
{
    return owner->local_events ? 0 : gate_open(owner->hook, owner->builtins);
}

static bool is_all_open(const recorder *owner)
{
    return !owner->local_events && gate_is_open(owner->hook, owner->builtins);
}

static int add_builtins(const recorder *owner) { return gate_open(owner->hook, true); }

void monitoring_init(void)
{
    static const hook_ops ops = {
        .begin = open_gate, .is_open = is_all_open, .add_builtins = add_builtins};
    thread_set_hook(HOOK_MONITORING, &ops);
    gate_init(HOOK_MONITORING, register_all);
}
