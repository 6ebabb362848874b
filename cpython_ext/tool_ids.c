/* Tool ids of sys.monitoring: chooses and takes one for a hook. */
#include "tool_ids.h"

/* Tool ids in the order in which they are tried. 0, 1 and 2 belong to debuggers, coverage and
 * cProfile. Hypothesis takes 3 and no other. 5 is for optimizers, of which there are none. */
enum { IDS = 3 };
static const int ids_of_all[IDS] = {4, 3, 5};
static const int ids_of_choices[IDS] = {4, 5, 3};

/* Returns true if the id would leave out places that a hook needs. */
static bool belongs_to_another(const interpreter_state *interpreter, int id, hook_kind hook)
{
    hook_kind before = interpreter->has_disabled[id];
    return before > HOOK_MONITORING && before != hook;
}

static void raise_ids_are_taken(PyObject *module)
{
    PyObject *tools[IDS];
    for (int i = 0; i < IDS; i++) {
        tools[i] = PyObject_CallMethod(module, "get_tool", "i", ids_of_all[i]);
        PyErr_Clear();
        if (tools[i] == NULL) {
            Py_INCREF(Py_None);
            tools[i] = Py_None;
        }
    }
    PyErr_Format(PyExc_ValueError,
                 "hook='monitoring' needs one of the tool ids 4, 3 and 5 of sys.monitoring, but "
                 "%R, %R and %R have taken them: use hook='setprofile', or free one by "
                 "sys.monitoring.free_tool_id()",
                 tools[0], tools[1], tools[2]);
    for (int i = 0; i < IDS; i++) {
        Py_DECREF(tools[i]);
    }
}

/* Returns true if no other thread has taken the id at the same time. Up to 3.15 the interpreter
 * does not exclude that in Pythons without a GIL. */
static bool owns(PyObject *module, int id, PyObject *name)
{
    PyObject *owner =
        EDBPROF_FREE_THREADED ? PyObject_CallMethod(module, "get_tool", "i", id) : NULL;
    PyErr_Clear();
    Py_XDECREF(owner);
    return !EDBPROF_FREE_THREADED || owner == name;
}

PyObject *tool_ids_take(interpreter_state *interpreter, hook_kind hook)
{
    PyObject *module = interpreter->monitoring_module, *name = interpreter->tool_name;
    const int *ids = hook == HOOK_MONITORING ? ids_of_all : ids_of_choices;
    for (int i = 0; i < IDS; i++) {
        if (belongs_to_another(interpreter, ids[i], hook)) {
            continue;
        }
        PyObject *used = PyObject_CallMethod(module, "use_tool_id", "iO", ids[i], name);
        if (used != NULL && !owns(module, ids[i], name)) {
            Py_DECREF(used);
            continue;
        }
        if (used != NULL) {
            Py_DECREF(used);
            if (hook > HOOK_MONITORING) {
                interpreter->has_disabled[ids[i]] = hook;
            }
            return PyLong_FromLong(ids[i]);
        }
        if (!PyErr_ExceptionMatches(PyExc_ValueError)) {
            return NULL;
        }
        PyErr_Clear();
    }
    raise_ids_are_taken(module);
    return NULL;
}
