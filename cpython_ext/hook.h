/* Hook: makes events come for the threads that record by it. thread.c knows hooks by this table
 * alone. */
#ifndef EDBPROF_HOOK_H
#define EDBPROF_HOOK_H

#include "thread_state.h"

typedef struct {
    /* Makes events come for a recorder in the calling thread, which is `state`'s and has no active
     * recorder of this hook. May run Python code, which may enable and disable recorders. Returns
     * 0, or -1 with an exception. */
    int (*begin)(thread_state *state, const recorder *owner);
    /* Returns true if the events that a recorder needs come already. NULL where each thread has to
     * make them come. Without the guard. */
    bool (*is_open)(const recorder *owner);
    /* Makes events of functions written in C come for a recorder that needs them, beside other
     * recorders or from now on. May run Python code. Returns 0, or -1 with an exception. NULL where
     * they come anyhow. */
    int (*add_builtins)(const recorder *owner);
    /* Called when the calling thread's last active recorder of this hook is gone. May run Python
     * code, which may enable recorders. NULL where nothing is to be done. */
    void (*end)(thread_state *state);
    /* Makes events come again if another tool has stopped those of the calling thread. May
     * run Python code. NULL where no other tool can. */
    void (*repair)(thread_state *state);
    /* Makes the next event of another Python thread its arrival: see arrivals.h. NULL where
     * events come from all threads anyhow. Runs no Python code up to 3.11. */
    void (*notice)(PyThreadState *tstate);
    /* Undoes `notice`, before any event of that thread. NULL where nothing is to be done. */
    void (*unnotice)(PyThreadState *tstate);
    /* Called when a function was called for the first time, because modules may have been imported.
     * Runs no Python code. NULL where nothing is to be done. */
    void (*new_function)(void);
} hook_ops;

#endif
