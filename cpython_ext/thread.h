/* The recorders that are active in each Python thread. */
#ifndef EDBPROF_THREAD_H
#define EDBPROF_THREAD_H

#include "hook.h"

/* Where greenlets take turns in a thread, a recorder records all of them, or the one that
 * makes a certain call and those that begin below it. */
enum { WHOLE_THREAD = 0 };

/* A number for a decorated call, never WHOLE_THREAD. */
uint64_t thread_new_call(void);

/* Checks that recorders may be switched on and off in the calling thread now, outside of
 * timers. 0, or -1 with an exception. */
int thread_may_switch(void);

/* Enables a recorder in the calling thread, or counts that it is enabled once more. `call`:
 * number of the decorated call for which, or WHOLE_THREAD. 0, or -1 with an exception. */
int thread_enable(recorder *owner, uint64_t call);

/* The same for a call that continues in any case: returns true if it is recorded. A failure
 * is printed to stderr once. */
bool thread_try_enable(recorder *owner, uint64_t call);

/* The same for a call whose caller keeps the recorder until thread_end_call. */
bool thread_enable_for_call(recorder *owner, uint64_t call);

/* Undoes thread_enable_for_call. Returns true if that has stopped the recorder in this thread, and
 * a save may be due. */
bool thread_end_call(recorder *owner);

/* The recorder's entry in a thread, or NULL if it is not active there. Valid until a recorder
 * is switched on or off there. */
active_recorder *thread_find_active(thread_state *state, const recorder *owner);

/* Undoes one thread_enable. Returns true if that has stopped the recorder in this thread. */
bool thread_disable(recorder *owner);

/* Undoes every thread_enable of the calling thread. Returns their number. */
unsigned thread_stop(recorder *owner);

/* Enables a recorder in each thread of its interpreter: here at once, in others at their first
 * event. Threads that an interpreter makes for code of others are included. 0, or -1 with an
 * exception. */
int thread_begin_whole(recorder *owner);

/* Undoes thread_begin_whole in other threads, if that was called. */
void thread_end_whole(recorder *owner);

/* Ends all open calls of an active recorder, because their ends were missed. */
void thread_forget_calls(const active_recorder *active);

/* Stops a recorder that can't be reached any more: here at once, and in each other thread at an
 * event there. Only a thread itself can give up its profile function. */
void thread_abandon(recorder *owner);

/* The calling thread's recorders that record the threads it starts, as a tuple: a new
 * reference. NULL where there are none, or with an exception. */
PyObject *thread_recorders_of_new_threads(void);

/* Sets whether functions written in C are recorded, for calls that begin from now on, in all
 * threads. 0, or -1 with an exception. */
int thread_set_builtins(recorder *owner, bool builtins);

/* Sets whether the threads that recorded ones start are recorded too. */
void thread_set_threads(recorder *owner, bool threads);

/* Makes the next event of another Python thread its arrival, where this hook has to. */
void thread_notice(PyThreadState *tstate, hook_kind hook);

/* Undoes that in a thread that has had no event since. */
void thread_unnotice(PyThreadState *tstate, hook_kind hook);

/* Gives a thread the handle that another one has made for it, before it begins to record. 0, or -1
 * with an exception: then the handle is detached. */
int thread_give_handle(thread_state *state, recorder *owner, edbprof_thread *handle);

/* Drops the recorder's handles, which are about to be freed. It is active in no thread. */
void thread_forget(const recorder *owner);

/* Registers a hook. */
void thread_set_hook(hook_kind kind, const hook_ops *ops);

/* Observer of threads that switch between stacks of calls: greenlets.c. */
typedef struct {
    /* Looks whether the calling thread, which is `state`'s, can switch by now; if so, sets
     * `sees_switches`. */
    void (*look)(thread_state *state);
    /* The same before a recorder begins, if the program's threads switch: the program may
     * have set a trace function of its own. */
    void (*look_again)(thread_state *state);
    /* A recorder is about to be freed: nothing of it is resumed in that thread. */
    void (*forget)(const thread_state *state, const recorder *owner);
} switch_observer;

/* Registers the observer of switches. */
void thread_set_switch_observer(const switch_observer *observer);

/* The program's threads switch: from now on an event of each takes the slow way, until the
 * observer has looked there. */
void thread_let_all_look(void);

/* An event takes the slow way: recorders that another thread has ended stop, and the observer
 * looks if the program's threads switch. */
void thread_slow_event(void);

/* A function was called for the first time: the observers look, because modules may have
 * been imported since the last time. */
void thread_new_function(void);

#endif
