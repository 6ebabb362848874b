/* Switches between stacks of calls in one thread: lets the observer of switches.h look for them. */
#include "switches.h"

#include "active.h"
#include "guard.h"
#include "interpreter.h"
#include "thread_state.h"

static const switch_observer *observer;

void switches_set_observer(const switch_observer *new) { observer = new; }

void switches_let_all_look(void)
{
    EDBPROF_GUARDED;
    interpreter_state *here = interpreter_here();
    if (here != NULL) {
        shared_store(&here->all_look, true);
    }
    for (thread_state *state = thread_states(); state != NULL; state = state->next) {
        brief_lock_take(&state->lock);
        for (int hook = 0; hook < HOOK_COUNT && !state->sees_switches; hook++) {
            active_go_slowly(&state->active[hook]);
        }
        brief_lock_give(&state->lock);
    }
    (void)process_add(&threads_epoch, 1);
}

void switches_look(thread_state *state)
{
    if (state == NULL || state->sees_switches) {
        return;
    }
    EDBPROF_GUARDED;
    observer->look(state);
    for (int hook = 0; hook < HOOK_COUNT && state->sees_switches; hook++) {
        thread_state_choose_fast_way(state, &state->active[hook]);
    }
}

void switches_look_first(thread_state *state) { observer->look(state); }

void switches_look_again(thread_state *state)
{
    if (state->interpreter->all_look) {
        observer->look_again(state);
    }
}

void switches_forget(const thread_state *state, const recorder *owner)
{
    observer->forget(state, owner);
}
