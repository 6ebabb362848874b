/* Recorder: one recording as a Python object. This file has its handles, function descriptions,
 * saves, errors and warnings. */
#include "recorder.h"

#include "arrays.h"
#include "generics.h"
#include "guard.h"
#include "names.h"
#include "native.h"
#include "spawned.h"
#include "warn.h"

#include <errno.h>
#include <sys/stat.h>

void recorder_raise(const edbprof_recording *recording, edbprof_status status)
{
    char text[1024] = "";
    PyObject *kind;
    switch (status) {
    case EDBPROF_OUT_OF_MEMORY: PyErr_NoMemory(); return;
    case EDBPROF_BAD_ARGUMENT:
    case EDBPROF_UNSUPPORTED: kind = PyExc_ValueError; break;
    case EDBPROF_SYSTEM_ERROR: kind = PyExc_OSError; break;
    default: kind = PyExc_RuntimeError; break;
    }
    edbprof_recording_error(recording, text, sizeof text);
    PyObject *message =
        PyUnicode_DecodeFSDefault(text[0] != '\0' ? text : "edbprof: the recorder has refused");
    if (message != NULL) {
        PyErr_Format(kind, text[0] != '\0' ? "%U" : "%U (status %d)", message, (int)status);
        Py_DECREF(message);
    }
}

PyObject *recorder_raise_closed(void)
{
    PyErr_SetString(PyExc_ValueError, "the recording is closed");
    return NULL;
}

edbprof_thread *recorder_attach(recorder *self)
{
    if (self->recording == NULL) {
        return (edbprof_thread *)recorder_raise_closed();
    }
    PyObject *name = name_current_thread();
    if (name == NULL) {
        return NULL;
    }
    PyObject *owner = NULL;
    edbprof_thread *handle;
    edbprof_status status =
        edbprof_recording_attach(self->recording, name_text(name, &owner), &handle);
    Py_XDECREF(owner);
    Py_DECREF(name);
    if (status != EDBPROF_OK) {
        recorder_raise(self->recording, status);
        return NULL;
    }
    return handle;
}

/* Warning that something is recorded in memory only. */
static struct {
    bool warned;
    char text[512]; /* under process_lock */
} in_memory;

static int warn_of_memory(void *Py_UNUSED(argument))
{
    char text[sizeof in_memory.text];
    process_lock_take();
    memcpy(text, in_memory.text, sizeof text);
    process_lock_give();
    warn_once(&in_memory.warned, "%s", text);
    return 0;
}

static void note_in_memory(const recorder *self)
{
    char text[sizeof in_memory.text] = "";
    edbprof_recording_error(self->recording, text, sizeof text);
    process_lock_take();
    memcpy(in_memory.text, text, sizeof text);
    process_lock_give();
}

/* Returns true if the recording will not be read, because the run that wanted it is over. */
static bool is_unwanted(const recorder *self)
{
    struct stat status;
    return self->directory != NULL && stat(PyBytes_AS_STRING(self->directory), &status) != 0 &&
           errno == ENOENT;
}

/* Returns true if a warning is due, and copies its text. */
static bool is_in_memory_only(recorder *self)
{
    EDBPROF_GUARDED;
    if (self->recording == NULL || shared_load(&in_memory.warned) ||
        edbprof_recording_check(self->recording) != EDBPROF_IN_MEMORY_ONLY || is_unwanted(self)) {
        return false;
    }
    note_in_memory(self);
    return true;
}

void recorder_warn_if_in_memory(recorder *self)
{
    if (is_in_memory_only(self)) {
        warn_of_memory(NULL);
    }
}

/* Warns as soon as the interpreter is between two instructions, because no sys.stderr written in
 * Python may run within a hook. */
static void warn_of_memory_soon(recorder *self)
{
    if (is_in_memory_only(self) && Py_AddPendingCall(warn_of_memory, NULL) < 0) {
        warn_of_memory(NULL);
    }
}

static int define(recorder *self, uint64_t key, named *function)
{
    edbprof_status status = edbprof_recording_define(self->recording, key, &function->function);
    named_clear(function);
    warn_of_memory_soon(self);
    return status == EDBPROF_OK ? 0 : -1;
}

/* Keeps a code object, because its address is a key. Returns 0, or -1 when out of memory. */
static int keep_code(recorder *self, PyCodeObject *code)
{
    EDBPROF_GUARDED;
    PyCodeObject **codes =
        grow_array(self->codes, self->code_count, &self->code_room, sizeof *codes);
    if (codes == NULL) {
        return -1;
    }
    self->codes = codes;
    Py_INCREF(code);
    self->codes[self->code_count++] = code;
    return 0;
}

int recorder_define_code(recorder *self, PyCodeObject *code, uint64_t key)
{
    /* Comes before anything that may run Python code, which may define others. */
    if (keep_code(self, code) < 0) {
        return -1;
    }
    named function;
    name_code(&function, code);
    generics_describe(code, &function);
    return define(self, key, &function);
}

int recorder_define_builtin(recorder *self, PyObject *callable, PyObject *callable_self,
                            uint64_t key)
{
    named function;
    if (PyCFunction_Check(callable)) {
        spawned_look((PyCFunctionObject *)callable);
        Py_INCREF(callable);
    } else {
        callable = Py_TYPE(callable)->tp_descr_get(callable, callable_self,
                                                   (PyObject *)Py_TYPE(callable_self));
    }
    if (callable == NULL) {
        PyErr_Clear();
        return -1;
    }
    name_builtin(&function, (PyCFunctionObject *)callable);
    int result = define(self, key, &function);
    Py_DECREF(callable);
    return result;
}

int recorder_define_native(recorder *self, PyObject *callable, uint64_t key)
{
    named function;
    Py_INCREF(callable);
    native_name(&function, callable);
    int result = define(self, key, &function);
    Py_DECREF(callable);
    return result;
}

uint64_t recorder_slow_since(const recorder *self, const slow_calls *slow)
{
    return slow->least_ns == 0 ? 0 : edbprof_timeline_now(self->recording);
}

void recorder_keep_if_slow(const recorder *self, const slow_calls *slow, uint64_t since)
{
    if (since != 0) {
        (void)edbprof_timeline_keep(self->recording, since, slow->least_ns, slow->most);
    }
}

uint32_t recorder_save_flags(bool final, bool last)
{
    const interpreter_state *here = interpreter_here();
    return (final ? EDBPROF_SAVE_AT_EXIT : 0) | (last ? EDBPROF_SAVE_REMOVE_LIVE_FILE : 0) |
           (here != NULL && here->generics_are_patched ? EDBPROF_SAVE_SIDECAR : 0);
}

void recorder_free(recorder *self)
{
    if (self->saves > 0) {
        self->closed = self->recording;
    } else {
        edbprof_recording_free(self->recording);
    }
    self->recording = NULL;
}

static void end_save(recorder *self)
{
    if (--self->saves == 0) {
        edbprof_recording_free(self->closed);
        self->closed = NULL;
    }
}

edbprof_status recorder_write(recorder *self, const edbprof_str *path, uint32_t flags)
{
    edbprof_recording *recording = self->recording;
    edbprof_status status;
    self->saves++;
    Py_BEGIN_ALLOW_THREADS;
    status = path != NULL ? edbprof_recording_save_as(recording, *path, flags)
                          : edbprof_recording_save(recording, flags);
    Py_END_ALLOW_THREADS;
    end_save(self);
    return status;
}

edbprof_status recorder_encode(recorder *self, edbprof_bytes *bytes)
{
    const edbprof_recording *recording = self->recording;
    edbprof_status status;
    self->saves++;
    Py_BEGIN_ALLOW_THREADS;
    status = edbprof_recording_encode(recording, bytes);
    Py_END_ALLOW_THREADS;
    end_save(self);
    return status;
}

bool recorder_call_ended(recorder *self)
{
    EDBPROF_GUARDED;
    static bool warned;
    if (self->recording == NULL) {
        return false;
    }
    edbprof_status status =
        edbprof_recording_count_outermost_call(self->recording, self->save_every);
    if (status == EDBPROF_OK) {
        status = recorder_write(self, NULL, recorder_save_flags(false, false));
    }
    if (status == EDBPROF_OK || status == EDBPROF_NOT_DUE || is_unwanted(self)) {
        return status == EDBPROF_OK;
    }
    if (status == EDBPROF_IN_MEMORY_ONLY) {
        note_in_memory(self);
        warn_of_memory(NULL);
        return false;
    }
    char text[512];
    edbprof_recording_error(self->recording, text, sizeof text);
    warn_once(&warned, "cannot save a recording, will try again: %s", text);
    return false;
}
