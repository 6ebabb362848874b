/* Callbacks of sys.monitoring. */
#include "callbacks.h"

#include "guard.h"
#include "monitoring_gate.h"

static PyTypeObject callback_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    EDBPROF_CALLABLE_TYPE("Callback", callback, 0),
    .tp_doc = "A callback of sys.monitoring.",
};

static CALLBACK(on_nothing)
{
    (void)arguments, (void)count;
    Py_RETURN_NONE;
}

enum { MOST_HANDLERS = 10 };

static callback *registered[HOOK_COUNT][MOST_HANDLERS];

long callbacks_register(PyObject *module, PyObject *tool, hook_kind hook,
                        const event_handler *handlers)
{
    long all = 0;
    for (int i = 0; i < MOST_HANDLERS && handlers[i].event != NULL; i++) {
        callback **place = &registered[hook][i];
        long event = gate_event(handlers[i].event);
        callback *new = event < 0 ? NULL : PyObject_New(callback, &callback_type);
        if (new == NULL) {
            return -1;
        }
#if EDBPROF_FREE_THREADED
        /* For good, like a static object: all threads would count references at each event. */
        static const PyObject immortal[] = {PyObject_HEAD_INIT(&callback_type)};
        *(PyObject *)new = immortal[0];
#endif
        new->vectorcall = handlers[i].function;
        new->hook = hook;
        if (*place != NULL) {
            shared_store(&(*place)->vectorcall, on_nothing);
        }
#if EDBPROF_FREE_THREADED
        *place = new; /* The former stays: other threads may be about to call it. */
#else
        Py_XSETREF(*place, new);
#endif
        PyObject *before =
            PyObject_CallMethod(module, "register_callback", "OlO", tool, event, new);
        if (before == NULL) {
            return -1;
        }
        Py_DECREF(before);
        all |= handlers[i].set ? event : 0;
    }
    return all;
}

int callbacks_init(void) { return PyType_Ready(&callback_type); }
