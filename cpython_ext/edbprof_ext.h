/* What the parts of the extension know of each other.
 *
 *   setprofile.c, monitoring.c: the hooks
 *        │ event                  thread.c: this thread's active recorders
 *        ▼                                │
 *   events.h ◀────────────────────────────┘
 *        │ edbprof_enter / edbprof_leave (Rust)
 *        │ first sight: names.c says what it is
 *        ▼
 *   monitoring_gate.c  when events of sys.monitoring are on
 *   recorder.c, recorder_type.c  Recorder: one recording, as a Python object
 *   contents.c  what was recorded, in memory
 *   decorated.c, steps.c: what @profile() makes of functions and of their
 *                generators and coroutines
 *   calibrate.c what recording costs
 *   new_threads.c  threads that recorded threads start
 *   greenlets.c stacks of calls that a thread goes on with by turns
 *   generics.c  which code objects are singledispatch's wrappers
 *   capsule.c   the way in for other extensions
 */
#ifndef EDBPROF_EXT_H
#define EDBPROF_EXT_H

#include "compat.h"

#include "edbprof.h"

/* ---- recorder.c, recorder_type.c ----------------------------------------- */

/* How events reach a recorder. */
typedef enum { HOOK_SETPROFILE, HOOK_MONITORING, HOOK_COUNT } hook_kind;

/* A recording as a Python object; `edbprof_native._native.Recorder`. */
typedef struct {
    PyObject_HEAD
    hook_kind hook;
    edbprof_recording *recording; /* NULL once it is closed */
    PyObject *timer;              /* NULL for the clocks of the library */
    double timer_unit_ns;         /* of its integers; floats are seconds */
    long long timer_start;        /* its first reading, if that was an integer */
    bool timer_started;
    bool builtins;
    bool wall_clock;   /* what recording costs can be measured */
    bool local_events; /* of sys.monitoring: whoever made it sees to them */
    bool threads; /* those that recorded threads start are recorded too */
    uint64_t save_every;
    unsigned active_threads;
    PyCodeObject **codes; /* kept alive: their addresses are keys */
    size_t code_count, code_room;
    PyInterpreterState *interpreter;
    PyObject *weak_references;
} recorder;

extern PyTypeObject recorder_type;
extern PyMethodDef *const recorder_methods;

/* Makes a code object or builtin known to the recording. 0, or -1 with nothing
 * raised when there is no memory: the event is not recorded. A builtin is a PyCFunction,
 * or a method descriptor that is called with `callable_self`. */
int recorder_define_code(recorder *self, PyCodeObject *code, uint64_t key);
int recorder_define_builtin(recorder *self, PyObject *callable, PyObject *callable_self,
                            uint64_t key);

/* Grows an array that has room for *room elements to hold one more than `count`. NULL
 * when there is no memory; the array is then as before. */
void *grow_array(void *array, size_t count, size_t *room, size_t element);

/* A new handle of this recorder's for the calling thread. NULL with an exception. */
edbprof_thread *recorder_attach(recorder *self);

/* What is raised for a recorder without a recording: NULL, with a ValueError. */
PyObject *recorder_is_closed(void);

/* Raises what a status stands for; the recording's text says what and where. */
void recorder_raise(const edbprof_recording *recording, edbprof_status status);

/* Counts an outermost call that has ended, and saves when that is due: returns whether
 * it did. Raises nothing; a failure is told once on stderr. */
bool recorder_call_ended(recorder *self);

/* What saves are done with; `last`: the process ends with os._exit(). */
uint32_t recorder_save_flags(bool final, bool last);

/* Tells that it is recorded in memory only, if it is and nobody knows yet. Where Python
 * code may run. */
void recorder_tell(recorder *self);

/* ---- contents.c ---------------------------------------------------------- */

PyObject *recorder_encode(PyObject *self, PyObject *unused);
PyObject *recorder_codes(PyObject *self, PyObject *unused);

/* ---- calibrate.c --------------------------------------------------------- */

/* Measures what recording costs, if that is due and a good moment, and tells the
 * recording. `at_end`: of the process. 0, or -1 with an exception of the program's: what
 * a signal's handler or another thread has raised meanwhile. */
int calibrate(recorder *self, bool at_end);

/* Tells the recording what is known by now. */
void calibrate_tell(recorder *self);

PyObject *calibrate_set_loops(PyObject *module, PyObject *arguments);

/* ---- timer.c ------------------------------------------------------------- */

/* The timer's reading in nanoseconds; 0 after a failure, which is told once. */
uint64_t recorder_read_timer(recorder *self);

/* ---- thread.c ------------------------------------------------------------ */

/* Where greenlets take turns in a thread, all of them are recorded, or the one that makes
 * a certain call, and those that begin below it. */
enum { WHOLE_THREAD = 0 };

/* A number for a decorated call. Never WHOLE_THREAD. */
uint64_t thread_new_call(void);

/* A recorder that records in this thread. */
typedef struct {
    recorder *owner;        /* a strong reference */
    edbprof_thread *handle;
    unsigned depth;         /* how often it was enabled, less disabled */
    bool of_call;           /* not of the whole thread */
    bool inherited;         /* one of `depth` is that of a call in another greenlet */
    uint64_t call;          /* which one it was enabled for, or at which time */
} active_recorder;

typedef struct {
    active_recorder *items;
    size_t count, room;
    /* Handle of the only recorder, if it has no timer and records builtins; else NULL. */
    edbprof_thread *fast_handle;
} active_recorders;

/* A recorder that has recorded in this thread. */
typedef struct {
    recorder *owner; /* borrowed: see thread_forget */
    edbprof_thread *handle;
} thread_handle;

/* What the extension knows of one Python thread. Lives in the thread's dict and
 * dies with it; only its own thread uses it. */
typedef struct thread_state {
    PyObject_HEAD
    PyThreadState *tstate;
    unsigned long ident; /* of its OS thread */
    struct thread_state *next, **link; /* in the list of all */
    thread_handle *handles;
    size_t handle_count, handle_room;
    const void *home; /* `thread_here` of the OS thread that has used it */
    active_recorders active[HOOK_COUNT];
    bool in_timer; /* a recorder's timer runs: nothing may be switched on or off */
    Py_tracefunc chained; /* the profile function that was set before ours */
    PyObject *chained_argument;
    bool sees_switches;       /* of greenlets */
    bool in_switch;           /* another trace function is called */
    PyObject *chained_switch; /* greenlet's trace function before ours, or NULL */
    PyObject *greenlets;      /* dict: address of a suspended one -> its positions; or NULL */
} thread_state;

extern PyTypeObject thread_state_type;

/* How many threads record at the moment. */
extern unsigned threads_recording;

/* The state of this OS thread that was used last, and the Python thread that it is
 * for; NULL with a Python thread where that has none. */
typedef struct {
    thread_state *state;
    PyThreadState *tstate;
    /* `active[HOOK_MONITORING].fast_handle` of the one Python thread that this OS thread has
     * been; NULL if it has been several. Valid while `epoch` equals `threads_epoch`. */
    edbprof_thread *monitored;
    uint64_t epoch;
    bool is_several;
} latest_state;

extern EDBPROF_THREAD_LOCAL latest_state thread_here;

/* Another one whenever a Python thread has changed its OS thread, or was ended by
 * another. */
extern uint64_t threads_epoch;

/* The handle for events of sys.monitoring in the calling OS thread, in the usual case;
 * NULL says nothing. */
static inline edbprof_thread *thread_monitored(void)
{
    return thread_here.epoch == threads_epoch ? thread_here.monitored : NULL;
}

/* The state of the calling OS thread, or NULL if it has none. Needs no GIL. */
static inline thread_state *thread_state_here(void) { return thread_here.state; }

/* As thread_state_here, where an OS thread has changed to another Python thread. */
thread_state *thread_state_find(PyThreadState *tstate);

/* The state of the current Python thread, or NULL if it has none. */
static inline thread_state *thread_state_current(void)
{
    PyThreadState *tstate = PyThreadState_Get();
    return thread_here.tstate == tstate ? thread_here.state : thread_state_find(tstate);
}

/* Whether recorders may be switched on and off in the calling thread now. 0, or -1
 * with an exception: events are being given to them. */
int thread_may_switch(void);

/* Lets a recorder record in the calling thread, or counts that it does already.
 * `call` is the number of the decorated call for which, or WHOLE_THREAD. 0, or -1 with an
 * exception. */
int thread_enable(recorder *owner, uint64_t call);

/* The same for a call that goes on whatever comes of it: returns whether it is recorded.
 * A failure is told once on stderr. */
bool thread_try_enable(recorder *owner, uint64_t call);

/* How a recorder records in the thread whose state it is; NULL if it does not. Holds until
 * one is switched on or off there. */
active_recorder *thread_find_active(thread_state *state, const recorder *owner);

/* Undoes one thread_enable. Returns whether the recorder has stopped recording in
 * this thread (not if it was enabled more often, or not at all). */
bool thread_disable(recorder *owner);

/* Undoes every thread_enable of the calling thread. Returns how many they were. */
unsigned thread_stop(recorder *owner);

/* The recorders of the calling thread that record the threads it starts, as a tuple: a new
 * reference. NULL where there are none, or with an exception. */
PyObject *thread_recorders_of_new_threads(void);

/* Says whether functions written in C are recorded, in the calling thread from now on, in
 * others from when they enable the recorder. */
void thread_set_builtins(recorder *owner, bool builtins);

/* The recorder's handles are about to go. No thread records for it. */
void thread_forget(const recorder *owner);

/* Looks in the calling thread for greenlets, if the program uses them and that was not
 * done yet. For events that take the slow way. */
void thread_look(void);

/* From now on an event of each thread takes the slow way, until it has looked. */
void thread_let_all_look(void);

/* ---- setprofile.c -------------------------------------------------------- */

/* Gives this thread's events to its recorders of this hook, and on to the profile
 * function that is set now. */
void setprofile_arm(thread_state *state);

/* Arms again where somebody has set another profile function since, or none. */
void setprofile_keep_armed(thread_state *state);

/* Puts the earlier profile function back. */
void setprofile_disarm(thread_state *state);

/* tp_call of the thread's state, which is what sys.getprofile() gives. */
PyObject *setprofile_put_back(PyObject *state, PyObject *arguments, PyObject *keywords);

/* ---- monitoring.c -------------------------------------------------------- */

/* Readies what the hook needs before its first use. 0, or -1 with an exception. */
int monitoring_init(void);

/* Registers the callbacks with a tool id. Returns the events to set, or -1 with an
 * exception. */
long monitoring_register(PyObject *module, PyObject *tool);

/* ---- monitoring_gate.c --------------------------------------------------- */

/* Takes a tool id of sys.monitoring, once. 0, or -1 with a ValueError that says why
 * this hook can't be used. */
int gate_take_tool(void);

/* Notices that somebody else has freed our tool id or switched its events off: then the
 * next gate_add_thread takes one again. */
void gate_check(void);

/* One thread more records by sys.monitoring. 0, or -1 with an exception. */
int gate_add_thread(void);

/* One thread less. Events stay on for some time. */
void gate_remove_thread(void);

/* As gate_add_thread, for one to which events of certain code come anyway. */
void gate_add_local_thread(void);

/* From now on, events of these code objects alone are on; of none for NULL. Whether that
 * can be had: no thread records by sys.monitoring, and no other tool listens. Without
 * sys.monitoring there is nothing to do. */
bool gate_restrict_to(PyObject *codes);

/* They are off again. Whether nobody has switched events on meanwhile. */
bool gate_lift_restriction(PyObject *codes);

/* There was an event in a thread that records nothing by sys.monitoring. */
void gate_unclaimed_event(void);

PyObject *gate_facts(PyObject *module, PyObject *arguments, PyObject *keywords);

/* ---- names.c ------------------------------------------------------------- */

/* A function's description; its strings live until `named_clear`. */
typedef struct {
    edbprof_function function;
    PyObject *owners[6];
    int owner_count;
} named;

/* Both return 0, or -1 with nothing raised when there is no memory. */
int name_code(named *self, PyCodeObject *code);
int name_builtin(named *self, PyCFunctionObject *builtin);
void named_clear(named *self);

/* The text's bytes, kept alive until named_clear. */
edbprof_str named_keep(named *self, PyObject *text);

/* Text as bytes, lone surrogates kept; lives as long as *owner, a new reference.
 * Empty with nothing raised when there is no memory. */
edbprof_str name_text(PyObject *text, PyObject **owner);

/* The calling thread's name as threading knows it: a new reference, or NULL with an
 * exception. */
PyObject *thread_name(void);

/* sys.modules, borrowed, or NULL: it is not there any more while the interpreter ends. */
PyObject *loaded_modules(void);

/* Where the package's own Python files are: functions from there are hidden. A
 * str, kept. */
void names_set_package_directory(PyObject *directory);

/* ---- generics.c ---------------------------------------------------------- */

/* Fills in what is known of a code object as part of a generic function. */
void generics_describe(PyCodeObject *code, named *self);
PyObject *generics_register(PyObject *module, PyObject *arguments);

/* Whether saves write sidecars: patch_functools() is in force. */
extern bool generics_are_patched;

/* ---- decorated.c, steps.c ------------------------------------------------ */

extern PyTypeObject decorated_type;
extern PyTypeObject steps_type;
extern PyMethodDef *const decorated_methods;
extern PyMethodDef *const steps_methods;

/* Drives `iterator` (a generator, coroutine or other awaitable iterator, stolen),
 * recording while it runs. A new reference, or NULL with an exception. */
PyObject *steps_new(recorder *owner, PyObject *iterator);

/* Calls a function, and records the call if it is written in C: no hook sees that, since C
 * calls it. */
PyObject *call_recorded(PyObject *function, PyObject *const *arguments, size_t count,
                        PyObject *keywords);

/* ---- new_threads.c ------------------------------------------------------- */

/* Readies what is needed. 0, or -1 with an exception. */
int new_threads_init(void);

/* From now on the threads that `threading` starts are recorded where a recorder with
 * threads=True records their start. 0, or -1 with an exception. */
int new_threads_cover(void);

/* ---- greenlets.c --------------------------------------------------------- */

/* Whether the program uses greenlets: then each thread has to look. */
extern bool greenlets_are_used;

/* Looks whether the program uses greenlets by now. If so, their switches are seen in the
 * calling thread, which is `state`'s; NULL is nothing. */
void greenlets_look(thread_state *state);

/* A recorder begins in the calling thread, which is `state`'s: the program may have set a
 * trace function of its own. Only where greenlets are used. */
void greenlets_look_again(thread_state *state);

/* The recorder is about to go: nothing of it is resumed in that thread. */
void greenlets_forget(const thread_state *state, const recorder *owner);

/* ---- capsule.c ----------------------------------------------------------- */

/* A new reference to the capsule of edbprof_python.h. */
PyObject *capsule_new(void);

/* ---- module.c ------------------------------------------------------------ */

/* The Python functions that drive `steps`: a tuple of those for generators,
 * iterable coroutines, coroutines and async generators. Set by the package. */
extern PyObject *step_drivers;

/* Whether a builtin is one of this extension's own. */
bool is_own_builtin(PyCFunctionObject *builtin);

/* Tells something once in the life of the process, on stderr. */
void warn_once(bool *told, const char *format, ...);

#endif
