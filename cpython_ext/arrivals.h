/* Arrival of a thread: its first event, with which recorders with threads=True begin in it.
 *
 * A recorder's *members* are the threads that it was enabled in, and those that they have started.
 * A thread that no function of `_thread` has started is *foreign*: C code has made it, for an
 * unknown recorder. It is recorded as a *guest* of each recorder with threads=True that has a
 * member and is older than the thread, until the last member ends. */
#ifndef EDBPROF_ARRIVALS_H
#define EDBPROF_ARRIVALS_H

#include "interpreter.h"
#include "thread.h"
#include "thread_state.h"

/* Returns true if the calling Python thread, which has no state, may arrive. */
static inline bool arrivals_is_new(const PyThreadState *tstate)
{
    const interpreter_state *here = interpreter_here();
    return here != NULL && shared_load(&here->wanted) > 0 &&
           tstate->id > shared_load(&here->since) &&
           (tstate->id != thread_here.ended || here->id != thread_here.ended_in);
}

/* Returns true if this state of the calling thread, NULL for none, is to be given to
 * arrivals_arrive. */
static inline bool arrivals_is_due(const thread_state *state)
{
    if (state == NULL) {
        /* A thread that ends must get no state again, because that would not be freed. */
        return shared_load(&threads_wanted) > 0 && arrivals_is_new(PyThreadState_Get());
    }
    bool may_be_guest = state->is_foreign && shared_load(&state->interpreter->wanted) > 0 &&
                        state->judged != shared_load(&state->interpreter->generation);
    return (state->arrivals != NULL || may_be_guest) && !state->is_arriving;
}

/* Enables the recorders that begin with this event of the calling thread. Returns its state, or
 * NULL when out of memory. Raises nothing; may run Python code. */
thread_state *arrivals_arrive(void);

/* Says that a function of `_thread` has started the newest Python thread, which has not run.
 * `recorders`, a tuple or NULL, begin with its first event. `before`: number of the newest Python
 * thread before the start. Raises nothing. */
void arrivals_started(uint64_t before, unsigned long ident, PyObject *recorders);

/* Gives the calling thread its recorders before its first event, where threads can't be listed.
 * Without the GIL, a thread may run before others know that it was started. */
void arrivals_start_here(PyObject *recorders);

/* True where threads can be listed, so that those without an event are noticed. Elsewhere, threads
 * of C code arrive only by an event. */
#define ARRIVALS_ARE_NOTICED (!EDBPROF_FREE_THREADED)

/* Has every hook notice threads that are newer than those that it has seen. */
void arrivals_notice(void);

/* Calls arrivals_notice if there may be a newer thread, at each event of hooks that must notice. */
static inline void arrivals_look(const thread_state *state)
{
    const interpreter_state *interpreter = state->interpreter;
    if (interpreter->wanted > 0 && interpreter_may_list(interpreter) &&
        PyInterpreterState_ThreadHead(interpreter->python)->id > interpreter->seen) {
        arrivals_notice();
    }
}

#endif
