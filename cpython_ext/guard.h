/* Guard: takes the GIL's place in Pythons without one.
 *
 * A function with EDBPROF_GUARDED excludes all others that have it, like the GIL: others may run
 * while it waits or runs Python code. The guard is a critical section, which the interpreter leaves
 * when the thread is suspended. So a thread that has the guard may stop all others, as
 * sys.monitoring does. The fast way of an event takes no guard; it reads variables by shared_load.
 * With the GIL, all of this compiles to nothing. */
#ifndef EDBPROF_GUARD_H
#define EDBPROF_GUARD_H

#include "compat.h"

#include <sched.h>

#if EDBPROF_FREE_THREADED

typedef struct {
    PyObject_HEAD
} guarded_object;

extern guarded_object guard_object;

typedef struct {
    PyCriticalSection section;
    bool begun;
} guard;

/* Returns true if the calling thread's innermost critical section is the guard. */
static inline bool guard_is_held(void)
{
    /* The lowest bits say that it is left for the moment, or that it has two objects. */
    uintptr_t innermost = PyThreadState_Get()->critical_section;
    return innermost != 0 && (innermost & 3) == 0 &&
           ((const PyCriticalSection *)innermost)->_cs_mutex == &guard_object.ob_base.ob_mutex;
}

static inline void guard_begin(guard *self)
{
    /* While the interpreter ends, the only thread that runs must not wait for the guard. Another
     * thread may have got it just before that thread was made to exit. */
    self->begun = !guard_is_held() && !compat_is_finalizing();
    if (self->begun) {
        PyCriticalSection_Begin(&self->section, (PyObject *)&guard_object);
    }
}

static inline void guard_end(guard *self)
{
    if (self->begun) {
        PyCriticalSection_End(&self->section);
    }
}

/* Guards the block until its end. The caller has a Python thread. */
#define EDBPROF_GUARDED                                                                            \
    guard guard_here __attribute__((cleanup(guard_end)));                                          \
    guard_begin(&guard_here)

/* Variables that threads read without the guard. A thread that reads what was stored sees what was
 * stored before, too. */
#define shared_load(from) __atomic_load_n(from, __ATOMIC_ACQUIRE)
#define shared_store(to, value) __atomic_store_n(to, value, __ATOMIC_RELEASE)
/* Returns the new value. */
#define shared_add(to, value) __atomic_add_fetch(to, value, __ATOMIC_ACQ_REL)
/* Returns the former value. */
#define shared_exchange(to, value) __atomic_exchange_n(to, value, __ATOMIC_ACQ_REL)

/* Excludes others for a few instructions, in which no thread waits or is suspended. So others spin,
 * and are not suspended either: they keep the guard. */
typedef bool brief_lock;

static inline void brief_lock_take(brief_lock *self)
{
    while (__atomic_exchange_n(self, true, __ATOMIC_ACQUIRE)) {
        sched_yield();
    }
}

static inline void brief_lock_give(brief_lock *self)
{
    __atomic_store_n(self, false, __ATOMIC_RELEASE);
}

/* Excludes other threads even while the guard is left. The thread that has the lock may take it
 * again. A thread that waits for the lock leaves the guard. */
typedef struct shared_lock {
    PyMutex mutex;
    unsigned long owner; /* a thread's number, or 0 */
    unsigned depth;
    struct shared_lock *next; /* the next one that is watched */
} shared_lock;

/* Watches a lock that lasts as long as the process: a forked child releases it if a thread has it
 * that the child lacks. Called for each lock when the module is initialized. */
void shared_lock_watch(shared_lock *lock);

static inline void shared_lock_take(shared_lock *self)
{
    unsigned long here = PyThread_get_thread_ident();
    if (shared_load(&self->owner) == here) {
        self->depth++;
    } else if (!compat_is_finalizing()) {
        PyMutex_Lock(&self->mutex);
        shared_store(&self->owner, here);
        self->depth = 1;
    }
}

static inline void shared_lock_give(shared_lock *self)
{
    if (shared_load(&self->owner) == PyThread_get_thread_ident() && --self->depth == 0) {
        shared_store(&self->owner, 0);
        PyMutex_Unlock(&self->mutex);
    }
}

#else

#define EDBPROF_GUARDED ((void)0)
typedef char brief_lock;
#define brief_lock_take(lock) ((void)(lock))
#define brief_lock_give(lock) ((void)(lock))
typedef char shared_lock;
#define shared_lock_watch(lock) ((void)(lock))
#define shared_lock_take(lock) ((void)(lock))
#define shared_lock_give(lock) ((void)(lock))
#define shared_load(from) (*(from))
#define shared_store(to, value) ((void)(*(to) = (value)))
#define shared_add(to, value) (*(to) += (value))
static inline bool shared_exchange(bool *to, bool value)
{
    bool before = *to;
    *to = value;
    return before;
}

#endif

/* Returns the number of the newest Python thread of an interpreter. */
uint64_t guard_newest_thread(PyInterpreterState *interpreter);

/* Prepares the guard for forks. Returns 0, or -1 with an exception. */
int guard_init(void);

#endif
