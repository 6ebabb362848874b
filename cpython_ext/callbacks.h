/* Callbacks of sys.monitoring: callable objects, their arguments, their registration. */
#ifndef EDBPROF_CALLBACKS_H
#define EDBPROF_CALLBACKS_H

#include "events.h"
#include "interpreter.h"

typedef struct callback {
    PyObject_HEAD vectorcallfunc vectorcall;
    hook_kind hook;
} callback;

/* Defines a callback, a vectorcallfunc. */
#define CALLBACK(name)                                                                             \
    PyObject *name(__attribute__((unused)) PyObject *self, PyObject *const *arguments,             \
                   size_t count, PyObject *Py_UNUSED(keywords))

/* Returns the code object of an event, its first argument. NULL if there is none, because Python
 * code can call the callbacks with anything. */
static inline PyCodeObject *code_of(PyObject *const *arguments, size_t count)
{
    bool fits = PyVectorcall_NARGS(count) >= 1 && PyCode_Check(arguments[0]);
    return fits ? (PyCodeObject *)arguments[0] : NULL;
}

/* Returns callable_key of an event, whose arguments are code object, offset, callable and the first
 * argument of that. */
static inline uint64_t key_of(PyObject *const *arguments, size_t count)
{
    bool fits = PyVectorcall_NARGS(count) >= 4;
    return fits ? callable_key(arguments[2], arguments[3]) : 0;
}

/* Returns the key of a callable at the start of its call: 0 if the end of the call is not
 * reported. */
static inline uint64_t key_of_call(PyObject *const *arguments, size_t count)
{
    uint64_t key = key_of(arguments, count);
    if (key == 0 || !PyMethod_Check(arguments[2]) || !PyCode_Check(arguments[0]) ||
        !PyLong_Check(arguments[1])) {
        return key;
    }
    Py_ssize_t offset = PyLong_AsSsize_t(arguments[1]);
    return compat_calls_with_star((PyCodeObject *)arguments[0], offset) ? 0 : key;
}

/* Returns usual_callable_key of an event with such arguments. */
static inline uint64_t usual_key_of(PyObject *const *arguments, size_t count)
{
    bool fits = PyVectorcall_NARGS(count) >= 4;
    return fits ? usual_callable_key(arguments[2], arguments[3]) : 0;
}

/* Returns true if the callable of an event with such arguments is a Python function. */
static inline bool calls_python(PyObject *const *arguments, size_t count)
{
    return PyVectorcall_NARGS(count) >= 4 && PyFunction_Check(arguments[2]);
}

/* Returns true if the callable is a class. */
static inline bool calls_class(PyObject *const *arguments, size_t count)
{
    return PyVectorcall_NARGS(count) >= 4 && PyType_Check(arguments[2]);
}

/* Returns the step of a coroutine that yields, by the arguments of PY_YIELD. */
static inline uint32_t step_of_yield(PyCodeObject *code, PyObject *const *arguments, size_t count)
{
    bool waits = PyVectorcall_NARGS(count) >= 3 && !compat_is_item(code, arguments[2]);
    return waits ? EDBPROF_COROUTINE_SUSPENDS : EDBPROF_COROUTINE_YIELDS;
}

typedef struct {
    const char *event; /* its name; NULL behind the last handler */
    vectorcallfunc function;
    bool set; /* the event can be set: C_RETURN and C_RAISE come with CALL */
} event_handler;

/* Registers a hook's handlers with a tool id of `module`, sys.monitoring. Callbacks that they
 * replace do nothing from then on, because a tool id that was taken from us may still call them.
 * Returns the events to set, or -1 with an exception. */
long callbacks_register(PyObject *module, PyObject *tool, hook_kind hook,
                        const event_handler *handlers);

/* Makes the type of callbacks. Returns 0, or -1 with an exception. */
int callbacks_init(interpreter_state *interpreter);

#endif
