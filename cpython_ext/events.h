/* What both hooks do with an event: it goes to each of a thread's recorders that
 * listen to that hook. */
#ifndef EDBPROF_EVENTS_H
#define EDBPROF_EVENTS_H

#include "edbprof_ext.h"

/* A code object is its address; aligned, so the lowest bit is free. */
static inline uint64_t code_key(PyCodeObject *code) { return (uint64_t)(uintptr_t)code; }

/* A builtin is its method definition, with the lowest bit set. */
static inline uint64_t method_key(const PyMethodDef *method)
{
    return (uint64_t)(uintptr_t)method | 1;
}

/* Definitions that live on the heap can be freed and their address used again; those
 * (pybind11's, say, whose owner is a capsule) are told apart by their name as well. */
static inline uint64_t builtin_key(const PyCFunctionObject *builtin)
{
    uint64_t key = (uint64_t)(uintptr_t)builtin->m_ml;
    if (builtin->m_self == NULL || PyCapsule_CheckExact(builtin->m_self)) {
        /* FNV-1a */
        const char *name = builtin->m_ml->ml_name;
        for (; name != NULL && *name != '\0'; name++) {
            key = (key ^ (unsigned char)*name) * 0x100000001b3u;
        }
    }
    return key | 1;
}

/* What a class is called by, and everything else that no function stands for. No key: of
 * those it has neither a code object's alignment nor a builtin's lowest bit. */
#define CLASS_CALL 2u

static inline bool is_builtin_key(uint64_t key) { return key & 1; }

/* The key of what PyEval_SetProfile would show as a call of a builtin; 0 for what is
 * written in Python, CLASS_CALL for all others. What is called most is looked for first:
 * PyCFunction_Check walks over base types. */
static inline uint64_t callable_key(PyObject *callable, PyObject *self)
{
    if (PyFunction_Check(callable)) {
        return 0;
    }
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type)) {
        PyMethodDescrObject *method = (PyMethodDescrObject *)callable;
        /* sys.monitoring.MISSING stands for none: no instance of any such type. */
        bool fits = PyObject_TypeCheck(self, method->d_common.d_type);
        return fits ? method_key(method->d_method) : CLASS_CALL;
    }
    if (!PyCFunction_CheckExact(callable) &&
        (PyType_Check(callable) || PyMethod_Check(callable) || !PyCFunction_Check(callable))) {
        return PyMethod_Check(callable) ? 0 : CLASS_CALL;
    }
    return builtin_key((PyCFunctionObject *)callable);
}

/* The list is looked up anew for each recorder, and the recorder copied: defining a
 * function can run a finalizer that records and so changes the list. */
#define FOR_EACH_ACTIVE(active, list)                                                   \
    for (size_t i_ = 0; i_ < (list)->count; i_++)                                       \
        for (active_recorder active = (list)->items[i_], *once_ = &active; once_ != NULL;      \
             once_ = NULL)

/* Give an event to each recorder of a list. An entered function that a recording does
 * not know yet is defined. `callable` is a PyCFunction, or a method descriptor that is
 * called with `self`. */
void enter_code_in_each(const active_recorders *list, PyCodeObject *code, bool resumed);
void enter_builtin_in_each(const active_recorders *list, PyObject *callable, PyObject *self,
                           uint64_t key);
void count_class_call_in_each(const active_recorders *list);
void leave_in_each(const active_recorders *list, uint64_t key, bool builtin);

/* The usual case: `fast_handle` is the handle of the only recorder, which knows the function.
 * False if it is not, or NULL: then nothing has happened yet. */
static inline bool entered_code(edbprof_thread *fast_handle, PyCodeObject *code,
                                bool resumed)
{
    uint64_t key = code_key(code);
    return fast_handle != NULL &&
           (resumed ? edbprof_resume(fast_handle, key) : edbprof_enter(fast_handle, key)) !=
               EDBPROF_UNKNOWN_FUNCTION;
}

/* As entered_code. */
static inline bool entered_builtin(edbprof_thread *fast_handle, uint64_t key)
{
    return fast_handle != NULL && edbprof_enter(fast_handle, key) != EDBPROF_UNKNOWN_FUNCTION;
}

/* As entered_code, for the end of a call. */
static inline bool left(edbprof_thread *fast_handle, uint64_t key)
{
    if (fast_handle != NULL) {
        (void)edbprof_leave(fast_handle, key);
    }
    return fast_handle != NULL;
}

#endif
