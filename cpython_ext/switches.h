/* Switches between stacks of calls in one thread: the observer that looks for them, and its
 * calls. */
#ifndef EDBPROF_SWITCHES_H
#define EDBPROF_SWITCHES_H

#include "thread_state.h"

/* Observer of threads that switch between stacks of calls: greenlets.c. */
typedef struct {
    /* Looks whether the calling thread, which is `state`'s, can switch by now; if so, sets
     * `sees_switches`. */
    void (*look)(thread_state *state);
    /* Looks again before a recorder begins, if the program's threads switch: the program may have
     * set a trace function of its own. */
    void (*look_again)(thread_state *state);
    /* Called before a recorder is freed: nothing of it is resumed in that thread afterwards. */
    void (*forget)(const thread_state *state, const recorder *owner);
} switch_observer;

/* Registers the observer of switches. */
void switches_set_observer(const switch_observer *observer);

/* Makes events of all threads take the slow way until the observer has looked there, because the
 * program's threads switch. */
void switches_let_all_look(void);

/* Lets the observer look in the calling thread, which has this state, unless its switches are seen
 * already. */
void switches_look(thread_state *state);

/* Look before a recorder gets its handle, or begins: see switch_observer. */
void switches_look_first(thread_state *state);
void switches_look_again(thread_state *state);

/* Forgets a recorder that is about to be freed. */
void switches_forget(const thread_state *state, const recorder *owner);

#endif
