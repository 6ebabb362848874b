/* Callbacks of sys.monitoring: the objects that the interpreter calls with events of calls. */
#include "callbacks.h"

#include "guard.h"
#include "monitoring_gate.h"

static CALLBACK(on_nothing)
{
    (void)arguments, (void)count;
    Py_RETURN_NONE;
}

long callbacks_register(PyObject *module, PyObject *tool, hook_kind hook,
                        const event_handler *handlers)
{
    interpreter_state *here = interpreter_here();
    long all = 0;
    for (int i = 0; i < MOST_HANDLERS && handlers[i].event != NULL; i++) {
        callback **place = &here->callbacks[hook][i];
        long event = gate_event(handlers[i].event);
        callback *new = event < 0 ? NULL : PyObject_New(callback, here->types[TYPE_CALLBACK]);
        if (new == NULL) {
            return -1;
        }
#if EDBPROF_FREE_THREADED
        /* Make it immortal, because all threads would count references to it at each event. */
        static const PyObject immortal[] = {PyObject_HEAD_INIT(NULL)};
        PyTypeObject *type = Py_TYPE(new);
        *(PyObject *)new = immortal[0];
        Py_SET_TYPE(new, type);
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

/* Drops the callbacks of an interpreter that ends. */
static void drop_callbacks(interpreter_state *interpreter)
{
    for (int hook = 0; hook < HOOK_COUNT; hook++) {
        for (int i = 0; i < MOST_HANDLERS; i++) {
            if (interpreter->callbacks[hook][i] != NULL) {
                interpreter->callbacks[hook][i]->vectorcall = on_nothing;
                Py_CLEAR(interpreter->callbacks[hook][i]);
            }
        }
    }
}

int callbacks_init(interpreter_state *interpreter)
{
    static PyMemberDef members[] = {EDBPROF_VECTORCALL_MEMBER(callback), {NULL}};
    static PyType_Slot slots[] = {
        {Py_tp_dealloc, compat_free},
        {Py_tp_call, PyVectorcall_Call},
        {Py_tp_members, members},
        {Py_tp_doc, (void *)"A callback of sys.monitoring."},
        {0, NULL},
    };
    static PyType_Spec spec = {
        .name = "edbprof_native._native.Callback",
        .basicsize = sizeof(callback),
        .flags = EDBPROF_CALLABLE_FLAGS | EDBPROF_NEVER_CALLED,
        .slots = slots,
    };
    interpreter_call_at_end(drop_callbacks);
    return interpreter_make_type(interpreter, TYPE_CALLBACK, &spec);
}
