/* Events of calls: each hook gives them to those of a thread's recorders that listen to it. */
#ifndef EDBPROF_EVENTS_H
#define EDBPROF_EVENTS_H

#include "native.h"
#include "thread.h"

/* Returns the key of a code object: its address, which is aligned, so the lowest bit is free. */
static inline uint64_t code_key(PyCodeObject *code) { return (uint64_t)(uintptr_t)code; }

/* Returns the key of a builtin: the address of its method definition, with the lowest bit set. */
static inline uint64_t method_key(const PyMethodDef *method)
{
    return (uint64_t)(uintptr_t)method | 1;
}

/* Returns true if a builtin's definition may be on the heap, so that its address may be used again.
 * Those of pybind11 are, whose owner is a capsule or an object of a type of its own. Calls
 * nothing. */
static inline bool may_be_freed(const PyCFunctionObject *builtin)
{
    PyObject *owner = builtin->m_self;
    if (owner == NULL || PyModule_CheckExact(owner)) {
        return owner == NULL;
    }
    const char *name = Py_TYPE(owner)->tp_name;
    return PyCapsule_CheckExact(owner) || (name[0] == 'p' && name[1] == 'y' && name[2] == 'b');
}

/* Returns the key of a bound builtin. The name is a part of the key if the builtin may be freed. */
static inline uint64_t builtin_key(const PyCFunctionObject *builtin)
{
    uint64_t key = (uint64_t)(uintptr_t)builtin->m_ml;
    if (may_be_freed(builtin)) {
        /* FNV-1a */
        const char *name = builtin->m_ml->ml_name;
        for (; name != NULL && *name != '\0'; name++) {
            key = (key ^ (unsigned char)*name) * 0x100000001b3u;
        }
    }
    /* The highest bit is for keys of classes. */
    return (key & UINT64_MAX >> 1) | 1;
}

/* Used instead of a key for a call of a class, or of another object that is no function. No key
 * equals it, because it has neither a code object's alignment nor a builtin's lowest bit. */
#define CLASS_CALL 2u

static inline bool is_builtin_key(uint64_t key) { return key & 1; }

/* Returns builtin_key for the usual kind, a function of a module or a method; 0 for all other
 * objects. Calls nothing, so that a hook saves no registers for those. */
static inline uint64_t usual_builtin_key(PyObject *callable)
{
    if (!PyCFunction_CheckExact(callable)) {
        return 0;
    }
    const PyCFunctionObject *builtin = (PyCFunctionObject *)callable;
    return may_be_freed(builtin) ? 0 : method_key(builtin->m_ml);
}

/* Returns callable_key for the usual kinds of builtins; 0 for all other objects. Calls nothing. */
static inline uint64_t usual_callable_key(PyObject *callable, PyObject *self)
{
    if (!Py_IS_TYPE(callable, &PyMethodDescr_Type)) {
        return usual_builtin_key(callable);
    }
    const PyMethodDescrObject *method = (PyMethodDescrObject *)callable;
    return Py_IS_TYPE(self, method->d_common.d_type) ? method_key(method->d_method) : 0;
}

/* Returns the key of a callable that calls no other one. The most frequent kinds are checked first,
 * because PyCFunction_Check walks over base types. */
static inline uint64_t callee_key(PyObject *function, PyObject *self)
{
    if (PyFunction_Check(function)) {
        return 0;
    }
    if (Py_IS_TYPE(function, &PyMethodDescr_Type)) {
        PyMethodDescrObject *method = (PyMethodDescrObject *)function;
        /* sys.monitoring.MISSING, which means no argument, has no such type. */
        bool fits = PyObject_TypeCheck(self, method->d_common.d_type);
        return fits ? method_key(method->d_method) : CLASS_CALL;
    }
    if (PyType_Check(function)) {
        return CLASS_CALL;
    }
    if (PyCFunction_Check(function)) {
        return builtin_key((PyCFunctionObject *)function);
    }
    uint64_t key = native_key(function);
    return key == 0 ? CLASS_CALL : key;
}

/* Returns the key of a callable that is written in C; 0 for one written in Python, CLASS_CALL for
 * all others. */
static inline uint64_t callable_key(PyObject *callable, PyObject *self)
{
    called_function called = native_callee(callable, self);
    uint64_t key = callee_key(called.function, called.self);
    Py_XDECREF(called.owner);
    return key;
}

/* Ways in which a call ends. */
typedef enum { CALL_RETURNED, CALL_RAISED, CALL_SUSPENDED } call_end;

/* Give an event to each recorder of a list. A function that a recording does not know yet is
 * defined. `callable` is a PyCFunction, or a method descriptor that is called with `self`.
 * A recorder with a choice leaves out code objects that are not chosen, and builtins that these
 * call. `caller` may be NULL. */
void enter_code_in_each(const active_recorders *list, PyCodeObject *code, bool resumed);
void enter_builtin_in_each(const active_recorders *list, PyObject *callable, PyObject *self,
                           uint64_t key, PyCodeObject *caller);
void count_class_call_in_each(const active_recorders *list, PyCodeObject *caller);
/* Give the call of any callable to each recorder of a list. Calls of classes are counted, or
 * recorded by recorders with record_types. */
void enter_callable_in_each(const active_recorders *list, PyObject *callable, PyObject *self,
                            uint64_t key, PyCodeObject *caller);
void leave_callable_in_each(const active_recorders *list, PyObject *callable, uint64_t key,
                            call_end end, PyCodeObject *caller);
/* `in`: the code object that ends, or the caller of the builtin. */
void leave_in_each(const active_recorders *list, uint64_t key, call_end end, PyCodeObject *in);

/* Gives a step of the coroutine that runs in `frame`, a number, to each recorder of a list. */
void step_in_each(const active_recorders *list, PyCodeObject *code, uint64_t frame, uint32_t step);

/* Calls a function, and records the call if the function is written in C: no hook reports it,
 * because the caller is C code. */
PyObject *call_recorded(PyObject *function, PyObject *const *arguments, size_t count,
                        PyObject *keywords);

/* Fast way of an event: the only recorder knows the function. Returns false, having changed
 * nothing, if the function is unknown or the handle is NULL. */
static inline bool entered_code(edbprof_thread *fast_handle, PyCodeObject *code, bool resumed)
{
    uint64_t key = code_key(code);
    return fast_handle != NULL &&
           (resumed ? edbprof_resume(fast_handle, key) : edbprof_enter(fast_handle, key)) !=
               EDBPROF_UNKNOWN_FUNCTION;
}

/* Fast way of the start of a builtin: see entered_code. */
static inline bool entered_builtin(edbprof_thread *fast_handle, uint64_t key)
{
    return fast_handle != NULL && edbprof_enter(fast_handle, key) != EDBPROF_UNKNOWN_FUNCTION;
}

/* Fast way of a step of a coroutine: see entered_code. */
static inline bool stepped(edbprof_thread *fast_handle, PyCodeObject *code, uint64_t frame,
                           uint32_t step)
{
    return fast_handle != NULL && edbprof_step_coroutine(fast_handle, code_key(code), frame,
                                                         step) != EDBPROF_UNKNOWN_FUNCTION;
}

/* Fast way of the end of a call: see entered_code. */
static inline bool left(edbprof_thread *fast_handle, uint64_t key, call_end end)
{
    if (fast_handle != NULL) {
        (void)(end == CALL_RETURNED ? edbprof_leave(fast_handle, key)
               : end == CALL_RAISED ? edbprof_leave_raised(fast_handle, key)
                                    : edbprof_leave_suspended(fast_handle, key));
    }
    return fast_handle != NULL;
}

#endif
