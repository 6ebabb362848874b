/* Recorder: one recording as a Python object. This file has its Python type. */
#include "recorder_type.h"

#include "attached.h"
#include "calibrate.h"
#include "guard.h"
#include "monitoring_gate.h"
#include "names.h"
#include "os_threads.h"
#include "recorder.h"
#include "recorder_new.h"
#include "thread.h"
#include "thread_handles.h"
#include "thread_state.h"
#include "unnoticed.h"

#include <errno.h>

static void release(recorder *self)
{
    thread_end_whole(self);
    thread_handles_forget(self);
    recorder_free(self);
    /* While the interpreter ends, functions that other tools run at a code object's end may be
     * gone, such as those of ctypes. */
    bool may_end = interpreter_here() == self->interpreter && !compat_is_finalizing();
    for (size_t i = 0; i < self->code_count && may_end; i++) {
        Py_DECREF(self->codes[i]);
    }
    PyMem_Free(self->codes);
    self->codes = NULL;
    self->code_count = self->code_room = 0;
}

/* No tp_clear: see stand_in.c. */
static int recorder_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((recorder *)object)->timer);
    return 0;
}

static void recorder_dealloc(PyObject *object)
{
    EDBPROF_GUARDED;
    recorder *self = (recorder *)object;
    PyObject_GC_UnTrack(object);
    if (self->weak_references != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    recorder_warn_if_in_memory(self);
    release(self);
    Py_XDECREF(self->timer);
    Py_XDECREF(self->directory);
    interpreter_give_back(self->interpreter);
    compat_free(object);
}

static PyObject *recorder_enable(PyObject *self, PyObject *Py_UNUSED(unused))
{
    gate_check();
    if (thread_enable((recorder *)self, WHOLE_THREAD) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *recorder_disable(PyObject *self, PyObject *Py_UNUSED(unused))
{
    if (thread_may_switch() < 0) {
        return NULL;
    }
    bool stopped = thread_disable((recorder *)self);
    recorder_warn_if_in_memory((recorder *)self);
    return PyBool_FromLong(stopped);
}

static PyObject *recorder_stop(PyObject *self, PyObject *Py_UNUSED(unused))
{
    if (thread_may_switch() < 0) {
        return NULL;
    }
    unsigned depth = thread_stop((recorder *)self);
    thread_end_whole((recorder *)self);
    recorder_warn_if_in_memory((recorder *)self);
    return PyLong_FromUnsignedLong(depth);
}

static PyObject *recorder_abandon(PyObject *self, PyObject *Py_UNUSED(unused))
{
    thread_abandon((recorder *)self);
    Py_RETURN_NONE;
}

/* Raises the failure of a save. One of the system becomes an OSError with `errno` and `filename`,
 * like that of open(). `path` is bytes, or NULL for the recording's own file. */
static void raise_failed_save(const edbprof_recording *recording, edbprof_status status,
                              PyObject *path)
{
    int number = edbprof_recording_errno(recording);
    if (status != EDBPROF_SYSTEM_ERROR || number == 0) {
        recorder_raise(recording, status);
        return;
    }
    char own[4096] = "";
    edbprof_recording_path(recording, own, sizeof own);
    PyObject *name = PyUnicode_DecodeFSDefault(path != NULL ? PyBytes_AS_STRING(path) : own);
    if (name != NULL) {
        errno = number;
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, name);
        Py_DECREF(name);
    }
}

static PyObject *recorder_save(PyObject *object, PyObject *args, PyObject *kwargs)
{
    EDBPROF_GUARDED;
    static char *names[] = {"path", "final", "last", NULL};
    recorder *self = (recorder *)object;
    PyObject *path = NULL;
    int final = 0, last = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O&$pp:save", names, PyUnicode_FSConverter,
                                     &path, &final, &last)) {
        return NULL;
    }
    if (self->recording == NULL) {
        Py_XDECREF(path);
        return recorder_raise_closed();
    }
    /* Save even if calibration fails. */
    PyObject *exception = calibrate(self, final) < 0 ? compat_take_exception() : NULL;
    recorder_warn_if_in_memory(self);
    unnoticed_report(self);
    os_threads_report(self);
    uint32_t flags = recorder_save_flags(final, last);
    edbprof_str to = name_bytes(path);
    edbprof_status status = recorder_write(self, path != NULL ? &to : NULL, flags);
    PyObject *saved = NULL;
    if (exception != NULL) {
        compat_restore_exception(exception);
    } else if (status == EDBPROF_OK || status == EDBPROF_NOTHING_RECORDED) {
        saved = PyBool_FromLong(status == EDBPROF_OK);
    } else {
        raise_failed_save(self->recording, status, path);
    }
    Py_XDECREF(path);
    return saved;
}

static PyObject *recorder_encoded(PyObject *object, PyObject *Py_UNUSED(unused))
{
    EDBPROF_GUARDED;
    recorder *self = (recorder *)object;
    if (self->recording == NULL) {
        return recorder_raise_closed();
    }
    if (calibrate(self, false) < 0) {
        return NULL;
    }
    unnoticed_report(self);
    os_threads_report(self);
    edbprof_bytes bytes;
    edbprof_status status = recorder_encode(self, &bytes);
    if (status != EDBPROF_OK) {
        recorder_raise(self->recording, status);
        return NULL;
    }
    PyObject *copy = PyBytes_FromStringAndSize((const char *)bytes.data, (Py_ssize_t)bytes.len);
    edbprof_bytes_free(&bytes);
    return copy;
}

static PyObject *recorder_codes(PyObject *object, PyObject *Py_UNUSED(unused))
{
    EDBPROF_GUARDED;
    recorder *self = (recorder *)object;
    PyObject *codes = PyList_New(0);
    /* Making the list may run a finalizer, which may record. */
    for (size_t i = 0; codes != NULL && i < self->code_count; i++) {
        PyObject *code = (PyObject *)self->codes[i];
        Py_INCREF(code); /* The array may move, or be freed. */
        if (PyList_Append(codes, code) < 0) {
            Py_CLEAR(codes);
        }
        Py_DECREF(code);
    }
    return codes;
}

/* Returns the numbers of calls of functions that `chosen` matches, as a new bytes object. */
static PyObject *count_calls(const recorder *self, const edbprof_choice *chosen)
{
    size_t count = edbprof_recording_count_function_calls(self->recording, chosen, NULL, 0);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(count * sizeof(uint64_t)));
    if (bytes != NULL) {
        /* Functions that another thread describes meanwhile come behind these. */
        edbprof_recording_count_function_calls(self->recording, chosen,
                                               (uint64_t *)(void *)PyBytes_AS_STRING(bytes), count);
    }
    return bytes;
}

static PyObject *recorder_count_calls(PyObject *object, PyObject *Py_UNUSED(unused))
{
    EDBPROF_GUARDED;
    recorder *self = (recorder *)object;
    return self->recording == NULL ? recorder_raise_closed() : count_calls(self, NULL);
}

static PyObject *recorder_calls(PyObject *object, PyObject *args)
{
    EDBPROF_GUARDED;
    recorder *self = (recorder *)object;
    const char *pattern, *earlier;
    Py_ssize_t length, earlier_size;
    if (!PyArg_ParseTuple(args, "s#y#:calls", &pattern, &length, &earlier, &earlier_size)) {
        return NULL;
    }
    if (self->recording == NULL) {
        return recorder_raise_closed();
    }
    edbprof_choice *chosen;
    edbprof_str text = {pattern, (size_t)length};
    edbprof_status status = edbprof_choice_new(&text, 1, NULL, 0, NULL, 0, &chosen);
    if (status != EDBPROF_OK) {
        if (status == EDBPROF_BAD_ARGUMENT) {
            PyErr_SetString(PyExc_ValueError, "an empty pattern matches nothing");
            return NULL;
        }
        return PyErr_NoMemory();
    }
    PyObject *counted = count_calls(self, chosen);
    edbprof_choice_free(chosen);
    if (counted == NULL) {
        return NULL;
    }
    unsigned long long sum = 0;
    size_t size = (size_t)PyBytes_GET_SIZE(counted);
    for (size_t at = 0; at + sizeof(uint64_t) <= size; at += sizeof(uint64_t)) {
        uint64_t now, before = 0;
        memcpy(&now, PyBytes_AS_STRING(counted) + at, sizeof now);
        if (at + sizeof before <= (size_t)earlier_size) {
            memcpy(&before, earlier + at, sizeof before);
        }
        sum += now > before ? now - before : 0;
    }
    Py_DECREF(counted);
    return PyLong_FromUnsignedLongLong(sum);
}

static PyObject *recorder_close(PyObject *object, PyObject *Py_UNUSED(unused))
{
    EDBPROF_GUARDED;
    recorder *self = (recorder *)object;
    if (thread_may_switch() < 0) {
        return NULL;
    }
    /* Both come before the check, because they may run Python code. */
    recorder_warn_if_in_memory(self);
    thread_stop(self);
    if (thread_states_have(self)) {
        PyErr_SetString(PyExc_RuntimeError, "the recording is still enabled in another thread");
        return NULL;
    }
    release(self);
    Py_RETURN_NONE;
}

static PyObject *recorder_path(PyObject *object, void *Py_UNUSED(unused))
{
    EDBPROF_GUARDED;
    recorder *self = (recorder *)object;
    char path[8192];
    size_t length = edbprof_recording_path(self->recording, path, sizeof path);
    if (length == 0 || length >= sizeof path) {
        Py_RETURN_NONE;
    }
    return PyUnicode_DecodeFSDefaultAndSize(path, (Py_ssize_t)length);
}

static PyObject *recorder_threads(PyObject *self, void *Py_UNUSED(unused))
{
    return PyBool_FromLong(((recorder *)self)->threads);
}

static int recorder_set_threads(PyObject *self, PyObject *value, void *Py_UNUSED(unused))
{
    int threads = value == NULL ? 0 : PyObject_IsTrue(value);
    if (threads < 0) {
        return -1;
    }
    thread_set_threads((recorder *)self, threads);
    return 0;
}

static PyObject *recorder_builtins(PyObject *self, void *Py_UNUSED(unused))
{
    return PyBool_FromLong(((recorder *)self)->builtins);
}

static int recorder_set_builtins(PyObject *self, PyObject *value, void *Py_UNUSED(unused))
{
    int builtins = value == NULL ? 0 : PyObject_IsTrue(value);
    if (builtins < 0 || thread_may_switch() < 0) {
        return -1;
    }
    return thread_set_builtins((recorder *)self, builtins);
}

static PyObject *recorder_begin(PyObject *self, PyObject *Py_UNUSED(unused))
{
    if (attached_begin((recorder *)self) < 0) {
        PyObject *error = compat_take_exception();
        attached_end((recorder *)self);
        compat_restore_exception(error);
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *recorder_begin_whole(PyObject *self, PyObject *Py_UNUSED(unused))
{
    if (thread_begin_whole((recorder *)self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *recorder_end(PyObject *self, PyObject *Py_UNUSED(unused))
{
    attached_end((recorder *)self);
    Py_RETURN_NONE;
}

static PyMethodDef recorder_methods[] = {
    {"enable", recorder_enable, METH_NOARGS,
     "enable($self)\n--\n\nRecord in the calling thread from now on; nests."},
    {"disable", recorder_disable, METH_NOARGS,
     "disable($self)\n--\n\nUndo one enable() of the calling thread. Returns True if that "
     "stopped the recording in it."},
    {"stop", recorder_stop, METH_NOARGS,
     "stop($self)\n--\n\nUndo every enable() of the calling thread, and enable_in_interpreter(). "
     "Returns the number of calls of enable() that were undone."},
    {"abandon", recorder_abandon, METH_NOARGS,
     "abandon($self)\n--\n\nStop in all threads, in others at their next event, because nobody "
     "needs the recording."},
    {"begin_everywhere", recorder_begin, METH_NOARGS,
     "begin_everywhere($self)\n--\n\nRecord in all threads from now on, with the calls that are "
     "open in them."},
    {"enable_in_interpreter", recorder_begin_whole, METH_NOARGS,
     "enable_in_interpreter($self)\n--\n\nRecord in all threads of this interpreter until stop(), "
     "also in those that it gets for code of other interpreters."},
    {"end_everywhere", recorder_end, METH_NOARGS,
     "end_everywhere($self)\n--\n\nUndo begin_everywhere(): in other threads at their next "
     "event."},
    {"save", (PyCFunction)(void (*)(void))recorder_save, METH_VARARGS | METH_KEYWORDS,
     "save($self, path=None, *, final=False, last=False)\n--\n\nWrite what was recorded so far "
     "to `path`, or to the recording's own file. `final`: the process ends. `last`: it ends with "
     "os._exit(), so the live file is removed now. Writes nothing and returns False if nothing "
     "was recorded and no path is given. Raises OSError, ValueError."},
    {"count_calls", recorder_count_calls, METH_NOARGS,
     "count_calls($self)\n--\n\nReturn the numbers of calls of all functions so far, for "
     "calls()."},
    {"calls", recorder_calls, METH_VARARGS,
     "calls($self, pattern, earlier, /)\n--\n\nReturn the number of calls of functions that the "
     "pattern matches since `earlier`, a result of count_calls(). Raises ValueError."},
    {"encode", recorder_encoded, METH_NOARGS,
     "encode($self)\n--\n\nReturn as bytes the file that save() would write now. Raises "
     "ValueError."},
    {"codes", recorder_codes, METH_NOARGS,
     "codes($self)\n--\n\nReturn a list of the code objects that were called."},
    {"close", recorder_close, METH_NOARGS,
     "close($self)\n--\n\nForget everything that was recorded. Raises RuntimeError while "
     "another thread records."},
    {NULL},
};

static PyMemberDef recorder_members[] = {
    {"save_every", T_ULONGLONG, offsetof(recorder, save_every), 0,
     "Number of outermost calls after which the recording is saved; 0: never."},
    EDBPROF_WEAK_MEMBER(recorder),
    {NULL},
};

static PyGetSetDef recorder_attributes[] = {
    {"path", recorder_path, NULL, "The recording's own file, or None before anything was recorded.",
     NULL},
    {"builtins", recorder_builtins, recorder_set_builtins,
     "True if functions written in C are recorded.", NULL},
    {"threads", recorder_threads, recorder_set_threads,
     "True if threads that recorded ones start are recorded too.", NULL},
    {NULL},
};

static const char doc[] =
    "Recorder(*, directory=None, prefix='', suffix='', clock='wall', "
    "timer=None, timeunit=0.0, builtins=True, save_every=0, hook='auto', "
    "threads=False, live_dir=..., max_nodes=0, quiet_without_directory=False, "
    "waiting=True, timeline_bytes=0, timeline_first=False, timeline_disk_floor=0, "
    "timeline_memory_floor=0, record=(), no_record=(), libraries=(), timeline_kept=False, "
    "record_types=False)"
    "\n--\n\n"
    "One recording: a call tree for each thread that enables it. live_dir: directory of "
    "its live file, '' for none; by default `directory`. quiet_without_directory: warn of "
    "nothing once `directory` is gone. waiting: record the time that threads wait. "
    "timeline_bytes: keep every event, in so many bytes. timeline_first: keep the first "
    "events, not the latest. timeline_disk_floor, timeline_memory_floor: bytes that are left "
    "free. timeline_kept: save only the parts of the timeline that slow calls keep. "
    "record, no_record: patterns of the Python functions to record. libraries: directories "
    "of code that is not 'mine'. record_types: with sys.monitoring, also record calls of "
    "classes, slot wrappers and callables of the standard library.";

int recorder_init(interpreter_state *interpreter)
{
    static PyType_Slot slots[] = {
        {Py_tp_new, recorder_new},
        {Py_tp_dealloc, recorder_dealloc},
        {Py_tp_traverse, recorder_traverse},
        {Py_tp_methods, recorder_methods},
        {Py_tp_members, recorder_members},
        {Py_tp_getset, recorder_attributes},
        {Py_tp_doc, (void *)doc},
        {0, NULL},
    };
    static PyType_Spec spec = {
        .name = "edbprof_native._native.Recorder",
        .basicsize = sizeof(recorder),
        .flags = EDBPROF_TYPE_FLAGS | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    return interpreter_make_type(interpreter, TYPE_RECORDER, &spec);
}
