/* Recorder: one recording as a Python object, as the other components use it. */
#ifndef EDBPROF_RECORDER_H
#define EDBPROF_RECORDER_H

#include "choice.h"
#include "interpreter.h"

/* `edbprof_native._native.Recorder`. */
typedef struct recorder {
    PyObject_HEAD hook_kind hook;
    edbprof_recording *recording; /* NULL once it is closed */
    const choice *choice;         /* of the Python functions to record; NULL for all */
    PyObject *timer;              /* NULL for the clocks of the library */
    double timer_unit_ns;         /* of its integers; floats are seconds */
    long long timer_start;        /* its first reading, if that was an integer */
    bool timer_started;
    bool builtins;
    bool record_types;     /* calls of classes, slot wrappers and objects of the standard library */
    bool builtins_changed; /* while it was active: some open calls began before, some since */
    bool wall_clock;       /* the cost of recording can be measured */
    bool local_events;     /* of sys.monitoring: its maker switches them on and off */
    bool timeline;         /* every event is kept */
    bool threads;          /* those that recorded threads start are recorded too */
    bool counted;          /* in each thread that it is active in: see thread_calls_begin */
    bool abandoned;        /* nobody can reach it: it stops in each thread */
    bool is_immortal;      /* it has a reference for ever: see decorated.c */
    PyObject *directory;   /* bytes: once it is gone, nothing is printed; else NULL */
    uint64_t save_every;
    unsigned saves;            /* under way, without the GIL */
    edbprof_recording *closed; /* meanwhile: the last of them frees it */
    unsigned active_threads;
    unsigned members;          /* those of them that it was enabled in, or that they have started */
    bool counts_unnoticed;     /* entries are counted: see unnoticed.h */
    uint64_t unnoticed;        /* number of such entries so far */
    unsigned unnoticed_counts; /* times that it has begun to count */
    uint64_t unnoticed_since;  /* Python threads that nobody accounted for when it was counted */
    uint64_t unnoticed_fork;   /* the forked child that the numbers are of */
    uint64_t lost_since;       /* spans that no recorder had recorded when it began */
    uint64_t since;            /* number of the newest Python thread when the first member began */
    PyCodeObject **codes;      /* strong references: the addresses serve as keys */
    size_t code_count, code_room;
    interpreter_state *interpreter;
    const edbprof_function *frame; /* of an interpreter: all calls are below it; or NULL */
    PyObject *weak_references;
} recorder;

/* Calls whose part of the timeline is kept. */
typedef struct {
    uint64_t least_ns; /* shortest duration of such a call; 0: none is kept */
    size_t most;       /* number of calls to keep, the latest ones */
} slow_calls;

/* Returns the beginning of a call that may be slow, for recorder_keep_if_slow; 0 if none is
 * kept. */
uint64_t recorder_slow_since(const recorder *self, const slow_calls *slow);

/* Keeps the timeline since then, if the call was slow. */
void recorder_keep_if_slow(const recorder *self, const slow_calls *slow, uint64_t since);

/* Make a code object or builtin known to the recording. Returns 0, or -1 with nothing raised when
 * out of memory: the event is then not recorded. A builtin is a PyCFunction, or a method descriptor
 * that is called with `callable_self`. May run Python code: finalizers. */
int recorder_define_code(recorder *self, PyCodeObject *code, uint64_t key);
int recorder_define_builtin(recorder *self, PyObject *callable, PyObject *callable_self,
                            uint64_t key);
/* Defines the function of any other callable: see native.h. */
int recorder_define_native(recorder *self, PyObject *callable, uint64_t key);

/* Returns a new handle of the recorder for the calling thread, or NULL with an exception. May run
 * Python code. */
edbprof_thread *recorder_attach(recorder *self);

/* Raises a ValueError that says that the recorder is closed; returns NULL. */
PyObject *recorder_raise_closed(void);

/* Raises a status as an exception, with the recording's text. */
void recorder_raise(const edbprof_recording *recording, edbprof_status status);

/* Saves to `path`, or to the recording's own file if that is NULL. Releases the GIL meanwhile, so
 * that other threads may close the recorder. */
edbprof_status recorder_write(recorder *self, const edbprof_str *path, uint32_t flags);

/* Encodes a file as it would be saved now. Releases the GIL meanwhile, like recorder_write(). */
edbprof_status recorder_encode(recorder *self, edbprof_bytes *bytes);

/* Frees the recording, after the saves that are under way. */
void recorder_free(recorder *self);

/* Counts an outermost call that has ended, and saves when that is due: returns true if it
 * did. Raises nothing; a failure is printed to stderr once. */
bool recorder_call_ended(recorder *self);

/* Returns the flags for a save. `last`: the process ends with os._exit(). */
uint32_t recorder_save_flags(bool final, bool last);

/* Warns once if anything is recorded in memory only. May run Python code. */
void recorder_warn_if_in_memory(recorder *self);

#endif
