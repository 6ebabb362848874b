/* State of each Python thread, and how an OS thread finds it. */
#ifndef EDBPROF_THREAD_STATE_H
#define EDBPROF_THREAD_STATE_H

#include "active.h"
#include "guard.h"
#include "interpreter.h"
#include "recorder.h"

/* A recorder that has recorded in a thread. */
typedef struct {
    recorder *owner; /* borrowed: see thread_handles_forget */
    edbprof_thread *handle;
} thread_handle;

/* A frame that has started and not ended, and what ends its call: see setprofile.c. */
typedef struct {
    const void *frame;
    uint64_t key;
} started_frame;

/* State of one Python thread. It lives in the thread's dict and is freed with it; only its
 * own thread uses it. Others look at its lists and handles under the guard and its lock, and that
 * thread changes them under either. */
typedef struct thread_state {
    PyObject_HEAD PyThreadState *tstate;
    interpreter_state *interpreter;
    unsigned long ident;               /* of its OS thread */
    struct thread_state *next, **link; /* in the list of all */
    brief_lock lock;
    bool is_told;    /* it is counted in `threads_recording` */
    bool has_begun;  /* a recorder began lately: see thread_states_use */
    unsigned begins; /* of decorated calls */
    thread_handle *handles;
    size_t handle_count, handle_room;
    const void *home; /* `thread_here` of the OS thread that has used it */
    active_recorders active[HOOK_COUNT];
    PyObject *arrivals;   /* tuple of recorders that begin with its first event, or NULL */
    uint64_t judged;      /* `generation` of the interpreter when it has last arrived */
    bool is_foreign;      /* no function of `_thread` has started it */
    bool is_arriving;     /* recorders are being enabled in it */
    bool in_timer;        /* a recorder's timer runs: nothing may be switched on or off */
    Py_tracefunc chained; /* the profile function that was set before ours */
    PyObject *chained_argument;
    /* Frames that have started and not ended, the latest last: see setprofile.c. */
    started_frame *started, *started_end, *started_limit;
    bool sets_profile;        /* a profile function is being set */
    bool sees_switches;       /* of greenlets */
    bool in_switch;           /* another trace function is called */
    PyObject *chained_switch; /* greenlet's trace function before ours, or NULL */
    PyObject *greenlets;      /* dict: address of a suspended one -> its positions; or NULL */
} thread_state;

/* Makes the type of thread states. Returns 0, or -1 with an exception. */
int thread_state_init(interpreter_state *interpreter);

/* Threads of all interpreters that record at the moment: see edbprof_python.h. */
extern unsigned threads_recording;

/* `wanted` of all interpreters. */
extern unsigned threads_wanted;

/* The state that this OS thread used last, and its Python thread; state is NULL if that has
 * none. Valid while `epoch` equals `threads_epoch`: otherwise another thread may have ended the
 * Python thread, and a new one may have its address. */
typedef struct {
    thread_state *state;
    PyThreadState *tstate;
    const thread_state *of_main; /* the latest state that is one of the main interpreter's */
    /* Copies from `active[HOOK_MONITORING]` of the one Python thread of the main interpreter that
     * this OS thread has run. NULL and false if it has run several, or may run one of another
     * interpreter. */
    edbprof_thread *monitored, *monitored_builtins;
    bool skips_builtins;
    uint64_t epoch;
    uint64_t ended;     /* number of the Python thread whose state was freed here last */
    long long ended_in; /* and of its interpreter */
    bool is_several;    /* Python threads of the main interpreter */
    bool is_calling;    /* a Python function was called and has not started: see monitoring.c */
} latest_state;

extern EDBPROF_THREAD_LOCAL latest_state thread_here;

/* Returns the handle for events of sys.monitoring in the calling OS thread, in the usual case. NULL
 * proves nothing. */
static inline edbprof_thread *thread_monitored(void)
{
    return thread_here.epoch == shared_load(&threads_epoch) ? thread_here.monitored : NULL;
}

/* Returns the handle for events of functions written in C: see thread_monitored. */
static inline edbprof_thread *thread_monitored_builtins(void)
{
    return thread_here.epoch == shared_load(&threads_epoch) ? thread_here.monitored_builtins : NULL;
}

/* Returns true if no recorder of the calling OS thread needs such events of sys.monitoring. False
 * proves nothing. */
static inline bool thread_skips_builtins(void)
{
    return thread_here.epoch == shared_load(&threads_epoch) && thread_here.skips_builtins;
}

/* Returns the state of the calling OS thread, or NULL if it has none. Needs no GIL. */
static inline thread_state *thread_state_here(void) { return thread_here.state; }

/* Does what thread_state_current does, in the slow case. */
thread_state *thread_state_find(PyThreadState *tstate);

/* Returns the state of the current Python thread, or NULL if it has none. */
static inline thread_state *thread_state_current(void)
{
    PyThreadState *tstate = PyThreadState_Get();
    bool is_latest =
        thread_here.tstate == tstate && thread_here.epoch == shared_load(&threads_epoch);
    return is_latest ? thread_here.state : thread_state_find(tstate);
}

/* Makes the current thread's state, which has none. NULL with an exception. */
thread_state *thread_state_make(void);

/* Makes the state of a Python thread that was started and has not run: the caller holds the GIL.
 * NULL with an exception. */
thread_state *thread_state_make_for(PyThreadState *tstate);

/* Returns true if a Python thread has a state. May be called by another thread. */
bool thread_state_exists(PyThreadState *tstate);

/* Returns the state of any Python thread, or NULL. */
thread_state *thread_state_of(PyThreadState *tstate);

/* Returns the number of the newest Python thread of the calling one's interpreter, or of the
 * calling one where the newest may end meanwhile. */
uint64_t thread_state_newest(void);

/* Counts a member of a recorder in or out, by 1 or -1. */
void thread_state_count_member(recorder *owner, int change);

/* Returns the states of all threads of the calling one's interpreter, linked by `next`. */
static inline thread_state *thread_states(void)
{
    const interpreter_state *here = interpreter_here();
    return here == NULL ? NULL : here->threads;
}

/* Changes the number of members for which unknown threads of an interpreter arrive. */
static inline void thread_states_want(interpreter_state *interpreter, unsigned change)
{
    shared_store(&interpreter->wanted, interpreter->wanted + change);
    (void)process_add(&threads_wanted, change);
}

/* Notes the fast handles of the calling thread, which has this state. Under the guard, as all that
 * changes them. */
static inline void thread_state_note_monitored(const thread_state *state)
{
    bool is_only =
        state != NULL && !thread_here.is_several && shared_load(&interpreters_beside) == 0;
    const active_recorders *list = is_only ? &state->active[HOOK_MONITORING] : NULL;
    thread_here.monitored = is_only ? list->fast_handle : NULL;
    thread_here.monitored_builtins = is_only ? list->fast_builtins : NULL;
    thread_here.skips_builtins = is_only && list->skips_builtins;
    thread_here.epoch = shared_load(&threads_epoch);
}

/* Chooses the fast way of one of the calling thread's lists after a change. */
static inline void thread_state_choose_fast_way(const thread_state *state, active_recorders *list)
{
    active_choose_fast_way(list);
    thread_state_note_monitored(state);
}

/* Returns the recorder's entry in a thread, or NULL if it is not active there. Valid until a
 * recorder is switched on or off there. */
static inline active_recorder *thread_find_active(thread_state *state, const recorder *owner)
{
    return active_find(&state->active[owner->hook], owner);
}

/* Returns true if a recorder is active in the thread. */
static inline bool thread_state_records(const thread_state *state)
{
    bool records = false;
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        records = records || state->active[hook].count > 0;
    }
    return records;
}

/* Shows other extensions that the thread records, or that it no longer does. */
static inline void thread_state_tell(thread_state *state, bool records)
{
    if (records != state->is_told) {
        state->is_told = records;
        (void)process_add(&threads_recording, records ? 1u : -1u);
    }
}

/* Counts a thread in or out, by 1 or -1, while its list of a hook is empty. That is before it gets
 * its first recorder, or after it has lost its last. */
static inline void thread_state_count(thread_state *state, hook_kind hook, int change)
{
    if (active_is_counted(&state->active[hook])) {
        return;
    }
    shared_add(&state->interpreter->threads_by_hook[hook], (unsigned)change);
    /* Without the GIL, thread_disable reports the end. */
    if (change > 0 || (!EDBPROF_FREE_THREADED && !thread_state_records(state))) {
        thread_state_tell(state, change > 0);
    }
}

/* Returns true if a thread of the calling one's interpreter records by this hook. Under the
 * guard. */
bool thread_states_use(hook_kind hook);

/* Returns true if a thread has begun to record since this was asked the last time. Under the guard.
 * Always false with the GIL, where each beginning is seen. */
bool thread_states_have_begun(void);

/* Returns true if the recorder is active in a thread. Under the guard. */
bool thread_states_have(const recorder *owner);

/* Counts an uncounted entry of a thread's list. Under the guard, in another thread under the
 * state's lock too. */
void thread_state_adopt(thread_state *state, active_recorder *active);

#endif
