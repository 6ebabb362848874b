/* What a thread's recorders do with an event when there are several of them, or the usual
 * case of one is not given: see events.h. */
#include "events.h"

void enter_code_in_each(const active_recorders *list, PyCodeObject *code, bool resumed)
{
    uint64_t key = code_key(code);
    thread_look();
    FOR_EACH_ACTIVE (active, list) {
        for (int attempt = 0; attempt < 2; attempt++) {
            edbprof_status status;
            if (active.owner->timer == NULL) {
                status = resumed ? edbprof_resume(active.handle, key)
                                 : edbprof_enter(active.handle, key);
            } else {
                uint64_t now = recorder_read_timer(active.owner);
                status = resumed ? edbprof_resume_at(active.handle, key, now)
                                 : edbprof_enter_at(active.handle, key, now);
            }
            if (status != EDBPROF_UNKNOWN_FUNCTION ||
                recorder_define_code(active.owner, code, key) < 0) {
                break;
            }
        }
    }
}

void enter_builtin_in_each(const active_recorders *list, PyObject *callable, PyObject *self,
                           uint64_t key)
{
    thread_look();
    FOR_EACH_ACTIVE (active, list) {
        for (int attempt = 0; attempt < 2 && active.owner->builtins; attempt++) {
            edbprof_status status =
                active.owner->timer == NULL
                    ? edbprof_enter(active.handle, key)
                    : edbprof_enter_at(active.handle, key,
                                       recorder_read_timer(active.owner));
            if (status != EDBPROF_UNKNOWN_FUNCTION ||
                recorder_define_builtin(active.owner, callable, self, key) < 0) {
                break;
            }
        }
    }
}

void count_class_call_in_each(const active_recorders *list)
{
    FOR_EACH_ACTIVE (active, list) {
        edbprof_count_class_call(active.handle);
    }
}

void leave_in_each(const active_recorders *list, uint64_t key, bool builtin)
{
    FOR_EACH_ACTIVE (active, list) {
        if (builtin && !active.owner->builtins) {
            continue;
        }
        if (active.owner->timer == NULL) {
            (void)edbprof_leave(active.handle, key);
        } else {
            (void)edbprof_leave_at(active.handle, key, recorder_read_timer(active.owner));
        }
    }
}
