/* Gives spans and marks of other extensions and of Python programs to the recorders of a thread. */
#include "give_span.h"

#include "active.h"
#include "os_threads.h"
#include "thread_state.h"

/* Returns true if the calling thread, whose state is NULL, is a Python thread in which nothing
 * records. */
static bool is_python_thread(void) { return PyGILState_GetThisThreadState() != NULL; }

/* Gives a span to every recorder of the thread. */
static inline void give(const edbprof_function *span, give_span *event, bool begins)
{
    const thread_state *state = thread_state_here();
    if (state == NULL && !is_python_thread()) {
        os_threads_give(span, event, begins);
        return;
    }
    for (int hook = 0; state != NULL && hook < HOOK_COUNT; hook++) {
        active_recorder active;
        for (size_t i = 0; active_at(&state->active[hook], i, &active); i++) {
            (void)event(active.handle, span);
        }
    }
}

void span_enter(const edbprof_function *span) { give(span, edbprof_enter_span, true); }

void span_leave(const edbprof_function *span) { give(span, edbprof_leave_span, false); }

void span_begin(const edbprof_function *span) { give(span, edbprof_begin_span, true); }

void span_end(const edbprof_function *span) { give(span, edbprof_end_span, false); }

/* Value or number of the mark that the calling thread gives. */
static EDBPROF_THREAD_LOCAL union {
    double value;
    uint64_t id;
} given;

static edbprof_status give_counter(edbprof_thread *thread, const edbprof_function *name)
{
    return edbprof_counter(thread, name, given.value);
}

static edbprof_status give_begin(edbprof_thread *thread, const edbprof_function *name)
{
    return edbprof_begin_async(thread, name, given.id);
}

static edbprof_status give_end(edbprof_thread *thread, const edbprof_function *name)
{
    return edbprof_end_async(thread, name, given.id);
}

void span_mark(const edbprof_function *name) { give(name, edbprof_mark, true); }

void span_counter(const edbprof_function *name, double value)
{
    given.value = value;
    give(name, give_counter, true);
}

void span_begin_async(const edbprof_function *name, uint64_t id)
{
    given.id = id;
    give(name, give_begin, true);
}

void span_end_async(const edbprof_function *name, uint64_t id)
{
    given.id = id;
    give(name, give_end, false);
}
