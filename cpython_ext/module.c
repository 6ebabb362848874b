/* edbprof_native._native: the recorder as a Python module.
 *
 * Path of an event through the components, whose whole order tests/it/c_layers.rs checks:
 *
 * setprofile.c, monitoring.c    hooks; monitoring_gate.c switches sys.monitoring on and off,
 * profile_slot.c watches the place of setprofile -> events.h, events.c       keys; an event goes to
 * each active recorder of its thread -> thread.c, active.c       active recorders of a thread;
 * thread_handles.c has their trees -> edbprof.h                the recorder, in Rust
 *
 * recorder.c describes a function that is called for the first time, by names.c and generics.c.
 * Above these: calibrate.c, greenlets.c, new_threads.c, and what Python sees: recorder_type.c,
 * decorated.c, steps.c, capsule.c. */

#include "calibrate.h"
#include "capsule.h"
#include "chosen.h"
#include "decorated.h"
#include "door.h"
#include "generics.h"
#include "greenlets.h"
#include "guard.h"
#include "interpreter.h"
#include "callbacks.h"
#include "monitoring.h"
#include "monitoring_gate.h"
#include "names.h"
#include "native.h"
#include "new_threads.h"
#include "profile_slot.h"
#include "recorder_type.h"
#include "setprofile.h"
#include "marks.h"
#include "span_type.h"
#include "spanned.h"
#include "spawned.h"
#include "steps.h"
#include "thread_state.h"
#include "unnoticed.h"

#include "edbprof.h"

static PyObject *set_package(PyObject *Py_UNUSED(module), PyObject *directory)
{
    if (!PyUnicode_Check(directory)) {
        PyErr_SetString(PyExc_TypeError, "the directory must be a str");
        return NULL;
    }
    names_set_package_directory(directory);
    Py_RETURN_NONE;
}

static PyObject *set_drivers(PyObject *Py_UNUSED(module), PyObject *drivers)
{
    if (!PyTuple_Check(drivers) || PyTuple_GET_SIZE(drivers) != 4) {
        PyErr_SetString(PyExc_TypeError, "the drivers must be a tuple of four");
        return NULL;
    }
    decorated_set_drivers(drivers);
    Py_RETURN_NONE;
}

static PyObject *is_main_interpreter(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    return PyBool_FromLong(PyInterpreterState_Get() == PyInterpreterState_Main());
}

static PyObject *set_patched(PyObject *Py_UNUSED(module), PyObject *patched)
{
    int truth = PyObject_IsTrue(patched);
    if (truth < 0) {
        return NULL;
    }
    interpreter_state *here = interpreter_here();
    if (here != NULL) {
        here->generics_are_patched = truth;
    }
    Py_RETURN_NONE;
}

static PyObject *process_ends(PyObject *Py_UNUSED(module), PyObject *last)
{
    int truth = PyObject_IsTrue(last);
    if (truth < 0) {
        return NULL;
    }
    if (PyInterpreterState_Get() == PyInterpreterState_Main()) {
        (void)edbprof_process_ends(truth ? EDBPROF_SAVE_REMOVE_LIVE_FILE : 0);
    }
    Py_RETURN_NONE;
}

static PyObject *note_starts(PyObject *Py_UNUSED(module), PyObject *directory)
{
    if (!PyUnicode_Check(directory)) {
        PyErr_SetString(PyExc_TypeError, "the directory must be a str");
        return NULL;
    }
    if (spawned_set_directory(directory) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *before_fork(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    shared_lock_take(&profile_slot_setting);
    Py_RETURN_NONE;
}

static PyObject *after_fork(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    shared_lock_give(&profile_slot_setting);
    Py_RETURN_NONE;
}

static PyObject *forked(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    unnoticed_forked();
    Py_RETURN_NONE;
}

static PyObject *keep_timelines(PyObject *Py_UNUSED(module), PyObject *most)
{
    Py_ssize_t number = PyLong_AsSsize_t(most);
    if (number < 0) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "a number of times can't be negative");
        }
        return NULL;
    }
    (void)edbprof_timelines_keep((size_t)number);
    Py_RETURN_NONE;
}

static PyMethodDef module_methods[] = {
    {"register_generic", generics_register, METH_VARARGS,
     "register_generic(code, flags, generic, /)\n--\n\nRegister a code object as a "
     "singledispatch wrapper (flag 1) or its dispatch function (2). `generic` is the "
     "(file, line, name) of the one generic function that it serves, or None."},
    {"set_patched", set_patched, METH_O,
     "set_patched(patched, /)\n--\n\nSet whether saves write sidecars."},
    {"set_package", set_package, METH_O,
     "set_package(directory, /)\n--\n\nSet the directory of the package's own functions, which "
     "no file shows."},
    {"set_drivers", set_drivers, METH_O,
     "set_drivers(drivers, /)\n--\n\nSet the functions that drive generators, iterable "
     "coroutines, coroutines and async generators."},
    {"mark", marks_mark, METH_O, "mark(name, /)\n--\n\nSet a mark on the timeline."},
    {"counter", (PyCFunction)(void (*)(void))marks_counter, METH_FASTCALL,
     "counter(name, value, /)\n--\n\nGive a counter on the timeline a new value."},
    {"begin_async", (PyCFunction)(void (*)(void))marks_begin_async, METH_FASTCALL,
     "begin_async(name, id, /)\n--\n\nBegin an asynchronous span, which has a number among "
     "those of its name."},
    {"end_async", (PyCFunction)(void (*)(void))marks_end_async, METH_FASTCALL,
     "end_async(name, id, /)\n--\n\nEnd an asynchronous span, perhaps of another thread."},
    {"is_main_interpreter", is_main_interpreter, METH_NOARGS,
     "is_main_interpreter()\n--\n\nReturn true in the main interpreter."},
    {"note_starts", note_starts, METH_O,
     "note_starts(directory, /)\n--\n\nSet the directory for notes of the programs that this "
     "process starts."},
    {"before_fork", before_fork, METH_NOARGS,
     "before_fork()\n--\n\nWait until no thread sets a profile function, and let none do so "
     "until after_fork(). Without the GIL, up to 3.13, a child would inherit the lock that the "
     "interpreter takes for it."},
    {"after_fork", after_fork, METH_NOARGS, "after_fork()\n--\n\nUndo before_fork()."},
    {"forked", forked, METH_NOARGS,
     "forked()\n--\n\nNote that this process is a child that was forked just now."},
    {"keep_timelines", keep_timelines, METH_O,
     "keep_timelines(most, /)\n--\n\nKeep the timelines of all recordings as they are now; of what "
     "was kept so, the latest `most` times remain."},
    {"open_door", door_open, METH_VARARGS,
     "open_door(path, handler, once, /)\n--\n\nLet `edbprof attach` connect to a socket at `path`, "
     "once or many times. handler(request) returns the answer, in a thread of its own. The request "
     "is None when a connection ends. Raises OSError."},
    {"close_door", door_close, METH_NOARGS, "close_door()\n--\n\nUndo open_door()."},
    {"pause_door", door_pause, METH_NOARGS,
     "pause_door()\n--\n\nEnd the thread of the door, before a fork."},
    {"resume_door", door_resume, METH_NOARGS, "resume_door()\n--\n\nUndo pause_door() soon."},
    {"process_ends", process_ends, METH_O,
     "process_ends(last, /)\n--\n\nNote that the interpreter ends this process, so that "
     "recordings without a directory leave no live file. `last`: it ends with os._exit(), "
     "so the files are removed now. Has no effect outside of the main interpreter."},
    {"set_calibration_loops", calibrate_set_loops, METH_O,
     "set_calibration_loops(make, /)\n--\n\nSet the function that makes the loops that "
     "calibration times: see _calibration.py."},
    {"_monitoring", (PyCFunction)(void (*)(void))gate_facts, METH_VARARGS | METH_KEYWORDS,
     "_monitoring(*, cycles=...)\n--\n\nReturn the state of the hook 'monitoring', for tests. "
     "`cycles` sets the number of times that it has switched events off."},
    {NULL},
};

static int add_object(PyObject *module, const char *name, PyObject *value)
{
    if (value == NULL || PyModule_AddObject(module, name, value) < 0) {
        Py_XDECREF(value);
        return -1;
    }
    return 0;
}

/* Registers what all interpreters of the process share. Returns 0, or -1 with an exception. */
static int init_process(void)
{
    greenlets_init();
    monitoring_init();
    chosen_init();
    return guard_init();
}

/* Makes what an interpreter has for itself, where it has not imported this module before. Returns
 * 0, or -1 with an exception. */
static int init_interpreter(interpreter_state *interpreter)
{
    int (*const inits[])(interpreter_state *) = {
        thread_state_init, callbacks_init,   recorder_init, decorated_init,
        steps_init,        span_init,        spanned_init,  gates_make,
        setprofile_init,   new_threads_init, native_init,
    };
    for (size_t i = 0; i < sizeof inits / sizeof *inits; i++) {
        if (inits[i](interpreter) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Returns 0, or -1 with an exception. */
static int add_objects(PyObject *module, const interpreter_state *interpreter)
{
    static const own_type types[] = {TYPE_RECORDER, TYPE_DECORATED, TYPE_STEPS, TYPE_SPAN,
                                     TYPE_SPANNED};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (PyModule_AddType(module, interpreter->types[types[i]]) < 0) {
            return -1;
        }
    }
    edbprof_str version = edbprof_version();
    if (add_object(module, "api", capsule_new()) < 0 ||
        add_object(module, "version",
                   PyUnicode_FromStringAndSize(version.data, (Py_ssize_t)version.len)) < 0) {
        return -1;
    }
    return add_object(module, "abi_version", PyLong_FromUnsignedLong(edbprof_abi_version()));
}

static int module_exec(PyObject *module)
{
    if (!EDBPROF_ABI_IS_COMPATIBLE(edbprof_abi_version())) {
        PyErr_Format(PyExc_ImportError,
                     "edbprof_native was compiled for version %u of the recorder's ABI but "
                     "is linked with version %u: reinstall edbprof",
                     (unsigned)EDBPROF_ABI_VERSION, edbprof_abi_version());
        return -1;
    }
    if (init_process() < 0) {
        return -1;
    }
    interpreter_state *interpreter = interpreter_make();
    if (interpreter == NULL || init_interpreter(interpreter) < 0) {
        return -1;
    }
    return add_objects(module, interpreter);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    EDBPROF_MODULE_SLOTS,
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "edbprof_native._native",
    .m_doc = "The recorder of edbprof; use edbprof_native.",
    .m_methods = module_methods,
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&definition); }
