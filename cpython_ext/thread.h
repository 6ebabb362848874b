/* The recorders that are active in each Python thread. */
#ifndef EDBPROF_THREAD_H
#define EDBPROF_THREAD_H

#include "hook.h"

/* A recorder records all greenlets that take turns in a thread, or the one that makes a certain
 * call and those that begin below it. */
enum { WHOLE_THREAD = 0 };

/* Returns a number for a decorated call, never WHOLE_THREAD. */
uint64_t thread_new_call(void);

/* Checks that recorders may be switched on and off in the calling thread now, outside of timers.
 * Returns 0, or -1 with an exception. */
int thread_may_switch(void);

/* Enables a recorder in the calling thread, or counts that it is enabled once more. `call`: number
 * of the decorated call that it is enabled for, or WHOLE_THREAD. Returns 0, or -1 with an
 * exception. */
int thread_enable(recorder *owner, uint64_t call);

/* Enables a recorder for a call that continues even if this fails. Returns true if the call is
 * recorded. A failure is printed to stderr once. */
bool thread_try_enable(recorder *owner, uint64_t call);

/* Undoes one thread_enable. Returns true if that has stopped the recorder in this thread. */
bool thread_disable(recorder *owner);

/* Undoes every thread_enable of the calling thread. Returns their number. */
unsigned thread_stop(recorder *owner);

/* Enables a recorder in each thread of its interpreter: here at once, in others at their first
 * event. Threads that the interpreter gets for code of other interpreters are included. Returns 0,
 * or -1 with an exception. */
int thread_begin_whole(recorder *owner);

/* Undoes thread_begin_whole in other threads, if that was called. */
void thread_end_whole(recorder *owner);

/* Ends all open calls of an active recorder, because their ends were missed. */
void thread_forget_calls(const active_recorder *active);

/* Stops a recorder that can't be reached any more: here at once, and in each other thread at an
 * event there. Only a thread itself can give up its profile function. */
void thread_abandon(recorder *owner);

/* Returns the calling thread's recorders that record the threads it starts, as a tuple: a new
 * reference. NULL where there are none, or with an exception. */
PyObject *thread_recorders_of_new_threads(void);

/* Sets whether functions written in C are recorded, for calls that begin from now on, in all
 * threads. Returns 0, or -1 with an exception. */
int thread_set_builtins(recorder *owner, bool builtins);

/* Sets whether the threads that recorded ones start are recorded too. */
void thread_set_threads(recorder *owner, bool threads);

/* Makes the next event of another Python thread its arrival, where this hook has to. */
void thread_notice(PyThreadState *tstate, hook_kind hook);

/* Undoes that in a thread that has had no event since. */
void thread_unnotice(PyThreadState *tstate, hook_kind hook);

/* Registers a hook. */
void thread_set_hook(hook_kind kind, const hook_ops *ops);

/* Returns the hook of a kind. */
const hook_ops *thread_hook(hook_kind kind);

/* Opens the call below which a recorder of another interpreter than the main one records. */
void thread_enter_frame(const recorder *owner, edbprof_thread *handle);

/* Prepares an event that takes the slow way: stops recorders that another thread has ended, and
 * lets the observer look if the program's threads switch. */
void thread_slow_event(void);

/* Lets the observers look when a function was called for the first time, because modules may have
 * been imported since the last time. */
void thread_new_function(void);

#endif
