/* Handles: the call trees of the recorders that have recorded in a Python thread. */
#ifndef EDBPROF_THREAD_HANDLES_H
#define EDBPROF_THREAD_HANDLES_H

#include "thread_state.h"

/* Returns the recorder's handle for the thread, or NULL. */
edbprof_thread *thread_handles_find(const thread_state *state, const recorder *owner);

/* Makes the recorder's handle for the calling thread, if it has none. May run Python code. Returns
 * 0, or -1 with an exception. */
int thread_handles_attach(thread_state *state, recorder *owner);

/* Gives a thread the handle that another one has made for it, before it begins to record. Returns
 * 0, or -1 with an exception: then the handle is detached. */
int thread_handles_give(thread_state *state, recorder *owner, edbprof_thread *handle);

/* Drops the recorder's handles, which are about to be freed. It is active in no thread. */
void thread_handles_forget(const recorder *owner);

#endif
