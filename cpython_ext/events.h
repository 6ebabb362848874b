/* What both hooks do with an event: it goes to each of a thread's recorders that
 * listen to that hook. */
#ifndef EDBPROF_EVENTS_H
#define EDBPROF_EVENTS_H

#include "edbprof_ext.h"

/* A code object is its address; aligned, so the lowest bit is free. */
static inline uint64_t code_key(PyCodeObject *code) { return (uint64_t)(uintptr_t)code; }

/* A builtin is its method definition, with the lowest bit set. Definitions that
 * live on the heap can be freed and their address used again; those (pybind11's,
 * say, whose owner is a capsule) are told apart by their name as well. */
static inline uint64_t builtin_key(const PyMethodDef *method, PyObject *owner)
{
    uint64_t key = (uint64_t)(uintptr_t)method;
    if (owner == NULL || PyCapsule_CheckExact(owner)) {
        /* FNV-1a */
        const char *name = method->ml_name;
        for (; name != NULL && *name != '\0'; name++) {
            key = (key ^ (unsigned char)*name) * 0x100000001b3u;
        }
    }
    return key | 1;
}

/* The key of what PyEval_SetProfile would show as a call of a builtin; 0 for others. What
 * is called most is looked for first: PyCFunction_Check walks over base types. */
static inline uint64_t callable_key(PyObject *callable, PyObject *self)
{
    if (PyFunction_Check(callable)) {
        return 0;
    }
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type)) {
        PyMethodDescrObject *method = (PyMethodDescrObject *)callable;
        /* sys.monitoring.MISSING stands for none: no instance of any such type. */
        bool fits = PyObject_TypeCheck(self, method->d_common.d_type);
        return fits ? builtin_key(method->d_method, self) : 0;
    }
    if (PyCFunction_Check(callable)) {
        PyCFunctionObject *builtin = (PyCFunctionObject *)callable;
        return builtin_key(builtin->m_ml, builtin->m_self);
    }
    return 0;
}

/* The list is looked up anew for each recorder, and the recorder copied: defining a
 * function can run a finalizer that records and so changes the list. */
#define FOR_EACH_ACTIVE(active, list)                                                   \
    for (size_t i_ = 0; i_ < (list)->count; i_++)                                       \
        for (activity active = (list)->items[i_], *once_ = &active; once_ != NULL;      \
             once_ = NULL)

/* The function that the key stands for is defined when the recording does not know
 * it yet. */
static Py_NO_INLINE void enter_code_in_each(const activities *list, PyCodeObject *code,
                                            bool resumed)
{
    uint64_t key = code_key(code);
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

static inline void enter_code(const activities *list, PyCodeObject *code, bool resumed)
{
    if (list->only != NULL) {
        uint64_t key = code_key(code);
        edbprof_status status =
            resumed ? edbprof_resume(list->only, key) : edbprof_enter(list->only, key);
        if (status != EDBPROF_UNKNOWN_FUNCTION) {
            return;
        }
    }
    enter_code_in_each(list, code, resumed);
}

static Py_NO_INLINE void enter_builtin_in_each(const activities *list, PyObject *callable,
                                               PyObject *self, uint64_t key)
{
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

/* `callable` is a PyCFunction, or a method descriptor that is called with `self`. */
static inline void enter_builtin(const activities *list, PyObject *callable, PyObject *self,
                                 uint64_t key)
{
    if (list->only != NULL && edbprof_enter(list->only, key) != EDBPROF_UNKNOWN_FUNCTION) {
        return;
    }
    enter_builtin_in_each(list, callable, self, key);
}

static Py_NO_INLINE void leave_in_each(const activities *list, uint64_t key, bool builtin)
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

static inline void leave(const activities *list, uint64_t key, bool builtin)
{
    if (list->only != NULL) {
        (void)edbprof_leave(list->only, key);
    } else {
        leave_in_each(list, key, builtin);
    }
}

static inline void leave_code(const activities *list, PyCodeObject *code)
{
    leave(list, code_key(code), false);
}

static inline void leave_builtin(const activities *list, uint64_t key)
{
    leave(list, key, true);
}

#endif
