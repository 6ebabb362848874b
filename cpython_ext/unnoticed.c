/* Entries of C code's threads that a hook could not notice. */
#include "unnoticed.h"

#include "guard.h"

/* Number of times that a recorder begins to count. Counting takes microseconds, more than recording
 * a short decorated call, so a recorder that begins more often stops counting. */
enum { MOST_COUNTS = 64 };

static uint64_t accounted; /* Python threads that somebody accounts for */
static uint64_t forks;     /* changes in each forked child */

void unnoticed_account(void)
{
    if (PyInterpreterState_Get() == PyInterpreterState_Main()) {
        shared_add(&accounted, 1);
    }
}

/* Returns the number of Python threads that are not accounted for, plus a constant. The number of
 * the latest thread is found only by making another. */
static uint64_t unaccounted(void)
{
    static uint64_t latest;
    PyInterpreterState *interpreter = PyInterpreterState_Get();
    bool can_make = interpreter == PyInterpreterState_Main() && !compat_is_finalizing();
    PyThreadState *made = can_make ? PyThreadState_New(interpreter) : NULL;
    if (made != NULL) {
        unnoticed_account();
        latest = made->id - shared_load(&accounted);
        PyThreadState_Clear(made);
        PyThreadState_Delete(made);
    }
    return latest;
}

void unnoticed_forked(void)
{
    EDBPROF_GUARDED;
    forks++;
    accounted += unaccounted();
}

/* Begins with 0 in the child of a fork. */
static void forget_parent(recorder *owner)
{
    if (owner->unnoticed_fork != forks) {
        owner->unnoticed_fork = forks;
        owner->unnoticed_since = owner->unnoticed = 0;
    }
}

void unnoticed_begin(recorder *owner)
{
    EDBPROF_GUARDED;
    if (owner->hook == HOOK_SETPROFILE && owner->threads && owner->interpreter->is_main &&
        owner->unnoticed_counts < MOST_COUNTS) {
        owner->unnoticed_counts++;
        forget_parent(owner);
        owner->unnoticed_since = unaccounted();
        owner->counts_unnoticed = true;
    }
}

void unnoticed_report(recorder *owner)
{
    EDBPROF_GUARDED;
    if (!owner->counts_unnoticed) {
        return;
    }
    forget_parent(owner);
    uint64_t now = unaccounted();
    owner->unnoticed += now > owner->unnoticed_since ? now - owner->unnoticed_since : 0;
    owner->unnoticed_since = now;
    if (owner->recording != NULL) {
        uint64_t number = owner->unnoticed;
        (void)edbprof_recording_set_unnoticed_entries(
            owner->recording, number < UINT32_MAX ? (uint32_t)number : UINT32_MAX);
    }
}

void unnoticed_end(recorder *owner)
{
    EDBPROF_GUARDED;
    unnoticed_report(owner);
    owner->counts_unnoticed = false;
}
