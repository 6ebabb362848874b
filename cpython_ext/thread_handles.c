/* Handles of the recorders that have recorded in a Python thread. */
#include "thread_handles.h"

#include "arrays.h"
#include "guard.h"
#include "os_threads.h"
#include "recorder.h"
#include "switches.h"
#include "thread_state.h"

edbprof_thread *thread_handles_find(const thread_state *state, const recorder *owner)
{
    for (size_t i = state->handle_count; i-- > 0;) {
        if (state->handles[i].owner == owner) {
            return state->handles[i].handle;
        }
    }
    return NULL;
}

int thread_handles_give(thread_state *state, recorder *owner, edbprof_thread *handle)
{
    thread_handle *handles =
        grow_array(state->handles, state->handle_count, &state->handle_room, sizeof *handles);
    if (handles == NULL) {
        os_threads_detach_handle(handle);
        PyErr_NoMemory();
        return -1;
    }
    state->handles = handles;
    state->handles[state->handle_count++] = (thread_handle){owner, handle};
    return 0;
}

int thread_handles_attach(thread_state *state, recorder *owner)
{
    edbprof_thread *given = thread_handles_find(state, owner);
    if (given != NULL) {
        /* Another thread may have made the handle. */
        (void)edbprof_thread_adopt(given);
        return 0;
    }
    switches_look_first(state);
    edbprof_thread *handle = os_threads_lend(owner);
    handle = handle != NULL ? handle : recorder_attach(owner);
    if (handle == NULL) {
        return -1;
    }
    /* The Python code of recorder_attach may have attached the recorder too. */
    if (thread_handles_find(state, owner) != NULL) {
        os_threads_detach_handle(handle);
        return 0;
    }
    return thread_handles_give(state, owner, handle);
}

void thread_handles_forget(const recorder *owner)
{
    EDBPROF_GUARDED;
    for (thread_state *state = thread_states(); state != NULL; state = state->next) {
        size_t kept = 0;
        brief_lock_take(&state->lock);
        for (size_t i = 0; i < state->handle_count; i++) {
            if (state->handles[i].owner != owner) {
                state->handles[kept++] = state->handles[i];
            }
        }
        state->handle_count = kept;
        brief_lock_give(&state->lock);
        switches_forget(state, owner);
    }
    os_threads_forget(owner);
}
