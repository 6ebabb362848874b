/* Cost of recording in this process, measured in it.
 *
 * Some of a hook's cost is part of the callee's self time, most of it of the caller's. Loops that
 * only call are timed with and without recording. The difference is the cost of a call, and the
 * callee's node shows the callee's part of it. Noise only adds time, so the lower quartile of many
 * repetitions counts, and the lower of two measurements. Calls that are recorded meanwhile go to a
 * recorder of their own, which is dropped.
 *
 * This takes about three milliseconds, as long as recording some 40,000 calls. So it is done when a
 * recording with about as many calls is saved. It is also done when the process has had a hundred
 * times as much processor time. It is done once more at the end of a process that was measured
 * before. */
#include "calibrate.h"

#include "events.h"
#include "guard.h"
#include "interpreter.h"
#include "monitoring_gate.h"
#include "slowness.h"
#include "thread.h"
#include "thread_state.h"

#include <signal.h>
#include <time.h>

enum {
    FEWEST_CALLS = 1 << 15,
    LEAST_MS = 300,
    ROUNDS = 50,
    /* The interpreter specializes code in its first rounds. */
    FEW_ROUNDS = 25,
    REPETITIONS = 10,
    QUARTILE = REPETITIONS / 4,
};

enum {
    OF_PYTHON_CALL,
    OF_C_CALL,
    OF_RESUME,
    OF_IMPLICIT_CALL,
    OF_CLASS_CALL,
    OF_INIT_CALL,    /* and that of the class */
    OF_INSTRUCTIONS, /* without calls */
    KINDS,
};

/* Calls and resumes in a run of each kind's loop, and those of the one callee that is timed.
 * A generator is started, too. */
static const struct {
    double in_loop, of_callee;
} call_counts[] = {
    [OF_PYTHON_CALL] = {3 * ROUNDS, ROUNDS}, [OF_C_CALL] = {3 * ROUNDS, ROUNDS},
    [OF_RESUME] = {ROUNDS + 1, ROUNDS + 1},  [OF_IMPLICIT_CALL] = {3 * ROUNDS, ROUNDS},
    [OF_CLASS_CALL] = {3 * ROUNDS, ROUNDS},  [OF_INIT_CALL] = {3 * ROUNDS, ROUNDS},
    [OF_INSTRUCTIONS] = {ROUNDS, ROUNDS},
};
_Static_assert(sizeof call_counts / sizeof *call_counts == KINDS, "one for each kind");

typedef struct {
    PyObject *loop, *argument, *callees; /* borrowed from what make_loops() got */
    uint64_t loop_key, callee_key;       /* of the first callee; 0 where that has no node */
} timed_loop;

static struct {
    PyObject *make; /* the package's function that makes them, or NULL */
    PyObject *no_calls;
    PyObject *rounds, *few_rounds;
    timed_loop plain[KINDS], recorded[KINDS];
    PyObject *recorded_codes; /* a list */
} loops;

/* Nanoseconds, or ticks of the recorder's clock where it says so. */
typedef struct {
    double empty[REPETITIONS];
    double plain[KINDS][REPETITIONS];
    double recorded[KINDS][REPETITIONS];
    double callee_ticks[KINDS][REPETITIONS];
    double recorded_sum, loop_ticks_sum; /* the same time by both clocks */
} samples;

typedef struct {
    edbprof_calibration costs;
    uint32_t init_and_class_ps[2]; /* a call of each: of the callee, of the caller */
    bool known, known_at_end;
} measurement;

/* Returns the hook that is measured for a recorder: a chosen function's events cost what others
 * cost. */
static hook_kind hook_to_measure(const recorder *self)
{
    return self->hook == HOOK_SETPROFILE ? HOOK_SETPROFILE : HOOK_MONITORING;
}

/* Returns the costs for a recorder, which are less for one that skips events of C functions. */
static measurement *measured_for(const recorder *self)
{
    static measurement measured[HOOK_COUNT][2];
    return &measured[hook_to_measure(self)][self->builtins];
}

static int add_code(PyObject *codes, PyObject *function, uint64_t *key)
{
    if (PyCFunction_Check(function)) {
        *key = builtin_key((PyCFunctionObject *)function);
        return 0;
    }
    PyObject *code = PyFunction_GetCode(function);
    *key = code_key((PyCodeObject *)code);
    return PyList_Append(codes, code);
}

static int read_loops(PyObject *given, timed_loop *into)
{
    for (Py_ssize_t kind = 0; kind < KINDS; kind++) {
        PyObject *parts = PyTuple_GetItem(given, kind);
        timed_loop *read = &into[kind];
        if (parts == NULL || !PyArg_ParseTuple(parts, "O!OO!", &PyFunction_Type, &read->loop,
                                               &read->argument, &PyTuple_Type, &read->callees)) {
            return -1;
        }
    }
    return 0;
}

PyObject *calibrate_set_loops(PyObject *Py_UNUSED(module), PyObject *make)
{
    if (interpreter_here()->is_main) { /* Other interpreters use its costs. */
        Py_INCREF(make);
        Py_XSETREF(loops.make, make);
    }
    Py_RETURN_NONE;
}

/* Makes the loops at their first use, because most processes end without one. Returns 0, or -1 with
 * an exception. */
static int make_loops(void)
{
    PyObject *plain, *recorded;
    if (loops.recorded_codes != NULL) {
        return 0;
    }
    /* Kept as long as the process: `made` is never dropped. */
    PyObject *made = PyObject_CallNoArgs(loops.make);
    if (made == NULL || !PyArg_ParseTuple(made, "O!O!O!", &PyFunction_Type, &loops.no_calls,
                                          &PyTuple_Type, &plain, &PyTuple_Type, &recorded)) {
        return -1;
    }
    loops.rounds = PyObject_CallFunction((PyObject *)&PyRange_Type, "i", ROUNDS);
    loops.few_rounds = PyObject_CallFunction((PyObject *)&PyRange_Type, "i", FEW_ROUNDS);
    PyObject *codes = PyList_New(0);
    if (loops.rounds == NULL || loops.few_rounds == NULL || codes == NULL ||
        read_loops(plain, loops.plain) < 0 || read_loops(recorded, loops.recorded) < 0) {
        return -1;
    }
    for (int kind = 0; kind < KINDS; kind++) {
        timed_loop *loop = &loops.recorded[kind];
        if (add_code(codes, loop->loop, &loop->loop_key) < 0) {
            return -1;
        }
        for (Py_ssize_t i = PyTuple_GET_SIZE(loop->callees); i-- > 0;) {
            if (add_code(codes, PyTuple_GET_ITEM(loop->callees, i), &loop->callee_key) < 0) {
                return -1;
            }
        }
    }
    loops.recorded_codes = codes;
    return 0;
}

/* Runs a loop; *ns becomes the nanoseconds that it took. Returns 0, or -1 with an exception. */
static int run_loop(PyObject *loop, PyObject *argument, PyObject *rounds, double *ns)
{
    struct timespec begin, end;
    PyObject *arguments[] = {rounds, argument};
    clock_gettime(CLOCK_MONOTONIC, &begin);
    PyObject *result = PyObject_Vectorcall(loop, arguments, 2, NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    Py_XDECREF(result);
    *ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
    return result == NULL ? -1 : 0;
}

/* Runs a loop after some rounds that don't count. Returns 0, or -1 with an exception. */
static int run_warm(const timed_loop *loop, double *ns)
{
    return run_loop(loop->loop, loop->argument, loops.few_rounds, ns) < 0
               ? -1
               : run_loop(loop->loop, loop->argument, loops.rounds, ns);
}

static double ticks(edbprof_thread *handle, uint64_t key)
{
    uint64_t ticks = 0;
    if (key != 0) {
        (void)edbprof_thread_ticks(handle, key, &ticks);
    }
    return (double)ticks;
}

static int run_recorded(edbprof_thread *handle, samples *into, int repetition)
{
    for (int kind = 0; kind < KINDS; kind++) {
        const timed_loop *loop = &loops.recorded[kind];
        double *ns = &into->recorded[kind][repetition];
        if (run_loop(loop->loop, loop->argument, loops.few_rounds, ns) < 0) {
            return -1;
        }
        double loop_ticks = ticks(handle, loop->loop_key);
        double callee_ticks = ticks(handle, loop->callee_key);
        if (run_loop(loop->loop, loop->argument, loops.rounds, ns) < 0) {
            return -1;
        }
        into->callee_ticks[kind][repetition] = ticks(handle, loop->callee_key) - callee_ticks;
        into->loop_ticks_sum += ticks(handle, loop->loop_key) - loop_ticks;
        into->recorded_sum += *ns;
    }
    return 0;
}

/* Takes one sample of everything. Returns 0, or -1 with an exception. */
static int repeat(recorder *owner, samples *into, int repetition)
{
    for (int kind = 0; kind < KINDS; kind++) {
        if (run_warm(&loops.plain[kind], &into->plain[kind][repetition]) < 0) {
            return -1;
        }
    }
    if (run_loop(loops.no_calls, Py_None, loops.rounds, &into->empty[repetition]) < 0 ||
        thread_enable(owner, WHOLE_THREAD) < 0) {
        return -1;
    }
    edbprof_thread *handle = thread_find_active(thread_state_current(), owner)->handle;
    int result = run_recorded(handle, into, repetition);
    thread_stop(owner);
    return result;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double lower_quartile(double *values)
{
    qsort(values, REPETITIONS, sizeof *values, compare);
    return values[QUARTILE];
}

static uint32_t picoseconds(double ns)
{
    return ns <= 0 ? 0 : ns >= 4e6 ? UINT32_MAX : (uint32_t)(ns * 1000);
}

/* Returns the slowness of a kind's loop, 1 where it is unknown. */
static double slowness_of_loop(int kind)
{
    PyObject *code = PyFunction_GetCode(loops.recorded[kind].loop);
    double slowness = slowness_of((PyCodeObject *)code);
    return slowness > 0 ? slowness : 1;
}

/* Returns the time that a profile function adds to code of slowness 1, in parts of the time that
 * the code takes otherwise. */
static double slowed_parts(samples *from)
{
    double plain = lower_quartile(from->plain[OF_INSTRUCTIONS]);
    double recorded = lower_quartile(from->recorded[OF_INSTRUCTIONS]);
    return EDBPROF_PROFILING_SLOWS_CODE && recorded > plain
               ? (recorded / plain - 1) / slowness_of_loop(OF_INSTRUCTIONS)
               : 0;
}

/* Evaluates one kind's samples, and keeps the costs if they are lower than the known ones. Time of
 * slowed instructions is left out, because it is kept on its own. */
static void evaluate(samples *from, int kind, double slowed, bool known, uint32_t *callee_ps,
                     uint32_t *caller_ps)
{
    double ns_per_tick = from->recorded_sum / from->loop_ticks_sum;
    double times_slowed = 1 + slowed * slowness_of_loop(kind);
    double plain = lower_quartile(from->plain[kind]) / call_counts[kind].in_loop;
    double recorded = lower_quartile(from->recorded[kind]) / call_counts[kind].in_loop;
    /* The callee's own work, next to nothing, takes about as long as a round. */
    double nothing = lower_quartile(from->empty) / ROUNDS;
    double callee =
        lower_quartile(from->callee_ticks[kind]) * ns_per_tick / call_counts[kind].of_callee;
    double both = recorded - plain * times_slowed;
    callee -= kind == OF_C_CALL ? nothing : nothing * times_slowed;
    callee = callee < 0 ? 0 : callee > both ? both : callee;
    if (!known || both * 1000 < (double)*callee_ps + (double)*caller_ps) {
        *callee_ps = picoseconds(callee);
        *caller_ps = picoseconds(both - callee);
    }
}

/* Under process_lock. */
static void keep_costs(samples *from, const recorder *self)
{
    measurement *measured = measured_for(self);
    edbprof_calibration *costs = &measured->costs;
    bool known = measured->known;
    if (!(from->loop_ticks_sum > 0)) {
        return;
    }
    costs->struct_size = sizeof *costs;
    double slowed = slowed_parts(from);
    uint32_t slowed_ppm = (uint32_t)(slowed / (1 + slowed) * 1e6);
    if (!known || slowed_ppm < costs->slowed_ppm) {
        costs->slowed_ppm = slowed_ppm;
    }
    evaluate(from, OF_PYTHON_CALL, slowed, known, &costs->python_call_callee_ps,
             &costs->python_call_caller_ps);
    evaluate(from, OF_C_CALL, slowed, known, &costs->c_call_callee_ps, &costs->c_call_caller_ps);
    evaluate(from, OF_RESUME, slowed, known, &costs->resume_callee_ps, &costs->resume_caller_ps);
    evaluate(from, OF_IMPLICIT_CALL, slowed, known, &costs->implicit_call_callee_ps,
             &costs->implicit_call_caller_ps);
    uint32_t none = 0;
    evaluate(from, OF_CLASS_CALL, slowed, known, &none, &costs->class_call_ps);
    uint32_t *both = measured->init_and_class_ps;
    evaluate(from, OF_INIT_CALL, slowed, known, &both[0], &both[1]);
    /* The own work of `__init__` takes longer than a round, so its part is that of any call. */
    uint64_t others = (uint64_t)costs->python_call_callee_ps + costs->class_call_ps;
    uint64_t all = (uint64_t)both[0] + both[1];
    costs->init_call_callee_ps = costs->python_call_callee_ps;
    uint64_t rest = all > others ? all - others : 0;
    costs->init_call_caller_ps = rest < UINT32_MAX ? (uint32_t)rest : UINT32_MAX;
    measured->known = true;
}

/* Returns 0, or -1 with an exception. */
static int take_samples(const recorder *self, samples *into)
{
    PyObject *nothing = PyTuple_New(0);
    PyObject *options = Py_BuildValue(
        "{sssi}", "hook", hook_to_measure(self) == HOOK_MONITORING ? "monitoring" : "setprofile",
        "builtins", (int)self->builtins);
    PyObject *owner = nothing == NULL || options == NULL
                          ? NULL
                          : PyObject_Call((PyObject *)Py_TYPE(self), nothing, options);
    Py_XDECREF(nothing);
    Py_XDECREF(options);
    if (owner == NULL) {
        return -1;
    }
    ((recorder *)owner)->local_events = true;
    /* The first repetition does not count, because functions are defined and code is specialized in
     * it. */
    int result = repeat((recorder *)owner, into, 0);
    into->recorded_sum = into->loop_ticks_sum = 0;
    for (int repetition = 0; repetition < REPETITIONS && result == 0; repetition++) {
        result = repeat((recorder *)owner, into, repetition);
    }
    Py_DECREF(owner);
    return result;
}

/* Blocks the calling thread's signals, whose handlers would find a frame of ours. Leaves open those
 * of faults, which would then kill without a handler, and SIGPROF, which is another profiler's. */
static void block_signals(sigset_t *before)
{
    static const int open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF};
    sigset_t blocked;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        sigdelset(&blocked, open[i]);
    }
    pthread_sigmask(SIG_BLOCK, &blocked, before);
}

/* Returns 0, or -1 with an exception. */
static int measure_alone(const recorder *self)
{
    samples taken;
    /* A choice has a tool id of its own, and this one may be another tool's. */
    if (hook_to_measure(self) == HOOK_MONITORING && gate_take_tool(HOOK_MONITORING) < 0) {
        PyErr_Clear();
        return 0;
    }
    /* No tool may see how the loops are made, either. */
    if (!gate_restrict_to(NULL, false)) {
        return 0;
    }
    if (make_loops() < 0) {
        return -1;
    }
    PyObject *codes = hook_to_measure(self) == HOOK_MONITORING ? loops.recorded_codes : NULL;
    if (!gate_restrict_to(codes, self->builtins)) {
        return 0;
    }
    int result = take_samples(self, &taken);
    PyObject *exception = compat_take_exception();
    bool undisturbed = gate_lift_restriction(codes);
    if (result == 0 && undisturbed) {
        process_lock_take();
        keep_costs(&taken, self);
        process_lock_give();
    }
    compat_restore_exception(exception);
    return result;
}

/* Returns 0, or -1 with an exception. */
static int measure(const recorder *self)
{
    sigset_t before;
    block_signals(&before);
    int result = measure_alone(self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result < 0 && (PyErr_ExceptionMatches(PyExc_RecursionError) ||
                       PyErr_ExceptionMatches(PyExc_MemoryError))) {
        PyErr_Clear(); /* of calibration, not of the program */
        result = 0;
    }
    return result;
}

/* Returns true if measuring takes little beside what the process has done. */
static bool is_small_cost(const recorder *self)
{
    uint64_t calls = 0;
    struct timespec spent = {0};
    return (edbprof_recording_count_calls(self->recording, &calls) == EDBPROF_OK &&
            calls >= FEWEST_CALLS) ||
           (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) == 0 &&
            spent.tv_sec * 1000 + spent.tv_nsec / 1000000 >= LEAST_MS);
}

/* Returns true if calibration would be neither recorded nor slowed by another tool. */
static bool is_quiet(const recorder *self)
{
    const thread_state *state = thread_state_current();
    PyThreadState *tstate = PyThreadState_Get();
    bool records = state != NULL && thread_state_records(state);
    return !records && !compat_is_finalizing() && tstate->c_profilefunc == NULL &&
           tstate->c_tracefunc == NULL && interpreter_here() == self->interpreter &&
           self->interpreter->is_main;
}

int calibrate(recorder *self, bool at_end)
{
    static bool is_under_way; /* in another thread */
    measurement *measured = measured_for(self);
    bool due = !measured->known || (at_end && !measured->known_at_end);
    if (!self->wall_clock || loops.make == NULL || PyErr_Occurred()) {
        return 0;
    }
    int result = 0;
    if (due && is_quiet(self) && is_small_cost(self) && !shared_exchange(&is_under_way, true)) {
        result = measure(self);
        measured->known_at_end = at_end;
        (void)shared_exchange(&is_under_way, false);
    }
    calibrate_set(self);
    return result;
}

void calibrate_set(recorder *self)
{
    EDBPROF_GUARDED;
    process_lock_take();
    measurement measured = *measured_for(self);
    process_lock_give();
    if (self->wall_clock && measured.known) {
        (void)edbprof_recording_set_calibration(self->recording, &measured.costs);
    }
}
