/* Guard: takes the GIL's place in Pythons without one. */
#include <pyconfig.h>
#ifdef Py_GIL_DISABLED
#define Py_BUILD_CORE_MODULE 1 /* for the numbers of threads */
#endif
#include "guard.h"

#if EDBPROF_FREE_THREADED

#include <internal/pycore_interp.h>
#include <pthread.h>

guarded_object guard_object = {PyObject_HEAD_INIT(&PyBaseObject_Type)};

/* Threads that the child of a fork does not have may have held the guard. */
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
