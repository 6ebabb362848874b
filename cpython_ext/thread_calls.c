/* Recorders that begin and end with one call of a decorated function. */
#include "thread_calls.h"

#include "active.h"
#include "guard.h"
#include "interpreter.h"
#include "recorder.h"
#include "thread.h"
#include "thread_handles.h"
#include "thread_state.h"

/* A variable that each decorated call changes would slow all threads. So without the GIL, a
 * recorder begins again in a thread by an entry in the thread's own list, which is not counted.
 * Code that has to know where a recorder is active looks into all lists. */

/* Number of beginnings of which one takes the slow way, which checks that the events are still
 * ours. */
enum { BEGINS_BETWEEN_CHECKS = 256 };

/* Returns true if the recorder can begin in a thread without the guard. */
static bool can_begin(thread_state *state, const recorder *owner)
{
    return state != NULL && state->is_told && !state->in_timer && !state->is_arriving &&
           thread_hook(owner->hook)->is_open != NULL && state->active[HOOK_SETPROFILE].count == 0 &&
           !shared_load(&owner->abandoned) && ++state->begins % BEGINS_BETWEEN_CHECKS != 0;
}

/* Adds the recorder, or counts its entry once more. Returns false if that takes the guard. Under
 * the state's lock. */
static bool begin_uncounted(thread_state *state, recorder *owner, uint64_t call)
{
    active_recorders *list = &state->active[owner->hook];
    active_recorder *known = thread_find_active(state, owner);
    if (known != NULL) {
        known->depth += !known->is_guest;
        return !known->is_guest;
    }
    edbprof_thread *handle = thread_handles_find(state, owner);
    /* Code that changes these variables looks into the list afterwards, and takes the lock for
     * that. */
    bool must_wait = shared_load(&owner->counted) || shared_load(&state->interpreter->all_look) ||
                     !thread_hook(owner->hook)->is_open(owner);
    if (must_wait || handle == NULL || list->count == list->room) {
        return false;
    }
    list->items[list->count++] = (active_recorder){.owner = owner,
                                                   .handle = handle,
                                                   .depth = 1,
                                                   .of_call = true,
                                                   .uncounted = true,
                                                   .call = call};
    thread_enter_frame(owner, handle);
    thread_state_choose_fast_way(state, list);
    return true;
}

/* Ends an uncounted entry. Returns false if that takes the guard. Under the state's lock. */
static bool end_uncounted(thread_state *state, active_recorder *known)
{
    active_recorders *list = &state->active[known->owner->hook];
    if (shared_load(&known->owner->builtins_changed)) {
        return false;
    }
    active_remove(list, known);
    thread_state_choose_fast_way(state, list);
    return true;
}

bool thread_calls_begin(recorder *owner, uint64_t call)
{
    thread_state *state = EDBPROF_FREE_THREADED ? thread_state_current() : NULL;
    bool begun = false;
    if (can_begin(state, owner)) {
        brief_lock_take(&state->lock);
        begun = begin_uncounted(state, owner, call);
        brief_lock_give(&state->lock);
        shared_store(&state->has_begun, true);
    }
    return begun || thread_try_enable(owner, call);
}

bool thread_calls_end(recorder *owner)
{
    thread_state *state = EDBPROF_FREE_THREADED ? thread_state_current() : NULL;
    active_recorder *known = state == NULL ? NULL : thread_find_active(state, owner);
    if (known == NULL || !known->uncounted) {
        return thread_disable(owner);
    }
    if (known->depth > 1) {
        known->depth--;
        return false;
    }
    /* The recording is not freed while the recorder is active. */
    bool may_be_due =
        owner->save_every > 1 ||
        (owner->save_every == 1 && edbprof_thread_save_may_be_due(known->handle) == EDBPROF_OK);
    brief_lock_take(&state->lock);
    bool ended = end_uncounted(state, known);
    brief_lock_give(&state->lock);
    return ended ? may_be_due : thread_disable(owner);
}
