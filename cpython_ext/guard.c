/* Guard: takes the GIL's place in Pythons without one. This file has its forks and the numbers of
 * threads. */
#include <pyconfig.h>
#ifdef Py_GIL_DISABLED
#define Py_BUILD_CORE_MODULE 1 /* for the numbers of threads */
#endif
#include "guard.h"

#if EDBPROF_FREE_THREADED

#include <internal/pycore_interp.h>
#include <pthread.h>

guarded_object guard_object = {PyObject_HEAD_INIT(&PyBaseObject_Type)};

static shared_lock *watched_locks;

void shared_lock_watch(shared_lock *lock)
{
    for (const shared_lock *at = watched_locks; at != NULL; at = at->next) {
        if (at == lock) {
            return;
        }
    }
    lock->next = watched_locks;
    watched_locks = lock;
}

static void free_watched_locks(void)
{
    for (shared_lock *lock = watched_locks; lock != NULL; lock = lock->next) {
        bool is_here = lock->owner == PyThread_get_thread_ident();
        lock->mutex._bits = is_here;
        lock->owner = is_here ? lock->owner : 0;
    }
}

/* Releases the guard and locks in a forked child if threads held them that the child lacks. */
static void release_in_child(void)
{
    const PyThreadState *tstate = PyThreadState_GetUnchecked();
    uintptr_t at = tstate == NULL ? 0 : tstate->critical_section;
    bool held = false;
    while (at != 0) {
        const PyCriticalSection *section = (const PyCriticalSection *)(at & ~(uintptr_t)3);
        held = held || ((at & 1) == 0 && section->_cs_mutex == &guard_object.ob_base.ob_mutex);
        at = section->_cs_prev;
    }
    guard_object.ob_base.ob_mutex._bits = held;
    free_watched_locks();
}

int guard_init(void)
{
    static bool is_ready; /* Modules are initialized one at a time. */
    if (!is_ready && pthread_atfork(NULL, NULL, release_in_child) != 0) {
        PyErr_NoMemory();
        return -1;
    }
    is_ready = true;
    return 0;
}

uint64_t guard_newest_thread(PyInterpreterState *interpreter)
{
    /* The newest thread itself may end at any time. */
    return __atomic_load_n(&interpreter->threads.next_unique_id, __ATOMIC_RELAXED);
}

#else

int guard_init(void) { return 0; }

uint64_t guard_newest_thread(PyInterpreterState *interpreter)
{
    return PyInterpreterState_ThreadHead(interpreter)->id;
}

#endif
