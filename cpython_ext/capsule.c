/* The capsule of edbprof_python.h, for other extensions. */
#include "capsule.h"

#include "thread_state.h"

#include "edbprof_python.h"

/* Gives a span to every recorder of the thread, by edbprof_enter_span or edbprof_leave_span. */
static inline void give_span(const edbprof_function *span,
                             edbprof_status (*give)(edbprof_thread *, const edbprof_function *))
{
    const thread_state *state = thread_state_here();
    for (int hook = 0; state != NULL && hook < HOOK_COUNT; hook++) {
        active_recorder active;
        for (size_t i = 0; active_at(&state->active[hook], i, &active); i++) {
            (void)give(active.handle, span);
        }
    }
}

static void enter_span(const edbprof_function *span) { give_span(span, edbprof_enter_span); }

static void leave_span(const edbprof_function *span) { give_span(span, edbprof_leave_span); }

static const edbprof_python_api api = {
    .struct_size = sizeof api,
    .abi_version = EDBPROF_ABI_VERSION,
    .threads_recording = &threads_recording,
    .enter_span = enter_span,
    .leave_span = leave_span,
    .recording_new = edbprof_recording_new,
    .recording_free = edbprof_recording_free,
    .recording_attach = edbprof_recording_attach,
    .recording_define = edbprof_recording_define,
    .recording_save = edbprof_recording_save,
    .recording_save_as = edbprof_recording_save_as,
    .enter = edbprof_enter,
    .resume = edbprof_resume,
    .leave = edbprof_leave,
    .leave_all = edbprof_leave_all,
    .thread_detach = edbprof_thread_detach,
};

PyObject *capsule_new(void) { return PyCapsule_New((void *)&api, EDBPROF_PYTHON_CAPSULE, NULL); }
