/* Interpreter: what one interpreter of the process has for itself, which its GIL protects.
 *
 * From Python 3.12 on each interpreter may have a GIL of its own. So no object, and no variable
 * that is not atomic, belongs to two of them. Variables of the whole process are under
 * process_lock, or are changed by process_add alone. Each member is used by the component that its
 * comment names. */
#ifndef EDBPROF_INTERPRETER_H
#define EDBPROF_INTERPRETER_H

#include "guard.h"

/* The ways in which events reach a recorder. Each choice of functions that has a tool id of
 * sys.monitoring for itself has a hook for itself. */
typedef enum {
    HOOK_SETPROFILE,
    HOOK_MONITORING,
    HOOK_CHOSEN, /* the first of them */
    HOOK_COUNT = HOOK_CHOSEN + 3,
} hook_kind;

enum { MOST_HANDLERS = 10 }; /* of one tool id of sys.monitoring */

/* The extension's own types, of which each interpreter has its own. */
typedef enum {
    TYPE_THREAD_STATE,
    TYPE_CALLBACK,
    TYPE_RECORDER,
    TYPE_DECORATED,
    TYPE_STEPS,
    TYPE_SPAN,
    TYPE_SPANNED,
    TYPE_RECORDED_RUN,
    TYPE_STARTED_FUNCTION,
    TYPE_SPAN_METHOD,
    TYPE_BOUND_SPAN_METHOD,
    TYPE_COUNT,
} own_type;

/* Callables that live on, by address. */
typedef struct {
    PyObject **objects;
    size_t count, room; /* a power of two */
    brief_lock lock;
} held_callables;

/* Parts of the library greenlet. */
typedef struct {
    PyObject *tracer, *gettrace, *dead, *parent;
    PyTypeObject *type;
} greenlet_parts;

typedef struct interpreter_state {
    PyInterpreterState *python;
    long long id;                   /* no other interpreter of the process has it */
    struct interpreter_state *next; /* in the list of all */
    unsigned references;            /* Python's own, and those of recorders and threads */
    bool is_main;
    PyTypeObject *types[TYPE_COUNT];

    /* thread_state.c */
    struct thread_state *threads;
    /* Threads that record by each hook, and greenlets in them that are suspended in a recorded
     * call. Without the GIL, those where nothing is counted are missing: see thread_states_use. */
    unsigned threads_by_hook[HOOK_COUNT];
    /* Members of recorders with threads=True. While there is one, unknown threads arrive. */
    unsigned wanted;
    uint64_t since;      /* number of the newest Python thread when the first of them began */
    uint64_t seen;       /* the same when hooks have last noticed threads */
    uint64_t generation; /* changes whenever a recorder gets its first member */

    /* thread.c */
    bool all_look;          /* some thread has seen switches between stacks of calls */
    struct recorder *whole; /* records each thread of the interpreter; borrowed */

    /* setprofile.c: index of PEP 523's extra slot of code objects */
    Py_ssize_t code_slot;
    bool has_code_slot;

    PyObject *package_directory; /* names.c */

    PyObject *attribute_names[3]; /* native_kind.c */
    held_callables held;          /* held.c */

    /* generics.c */
    struct generic_part *parts;
    size_t part_count, part_room;
    bool generics_are_patched; /* patch_functools() is in force: saves write sidecars */

    /* monitoring_gate.c and tool_ids.c */
    PyObject *monitoring_module; /* sys.monitoring */
    PyObject *tool_name;         /* of our tools */
    struct tool_gate *gates;     /* HOOK_COUNT of them */
    /* The hook of the choice that has disabled places of each tool id; 0 for none. Such places can
     * stay disabled when the id is freed and taken again. */
    hook_kind has_disabled[6];

    /* callbacks.c and chosen.c */
    struct callback *callbacks[HOOK_COUNT][MOST_HANDLERS];
    const void *choices_of_hooks[HOOK_COUNT]; /* a choice each, or NULL */
    PyObject *disable;                        /* sys.monitoring.DISABLE */
    /* Number of PY_UNWIND for hooks whose chosen code objects have it as a local event; else 0. */
    long local_unwind[HOOK_COUNT];
    bool has_had_tool[HOOK_COUNT]; /* the hook has taken a tool id before */
    /* Recorders that the hook of sys.monitoring was chosen for, and those of `edbprof attach`. */
    size_t recorders_made, recorders_attached;

    PyObject *step_drivers; /* decorated.c */

    greenlet_parts greenlets; /* greenlets.c */

    PyObject *known_spans; /* span_type.c */
} interpreter_state;

/* The calling thread's interpreter, as this OS thread has found it last. Valid while `epoch` equals
 * `threads_epoch`: otherwise one has ended, and a new one may have its address. */
typedef struct {
    PyInterpreterState *python;
    interpreter_state *found;
    uint64_t epoch;
} latest_interpreter;

extern EDBPROF_THREAD_LOCAL latest_interpreter interpreter_latest;

/* Changes whenever a Python thread has changed its OS thread or was ended by another, and when an
 * interpreter begins or ends. */
extern uint64_t threads_epoch;

/* Interpreters beside the main one that have imported the extension. */
extern unsigned interpreters_beside;

/* Does what interpreter_here does, in the slow case. */
interpreter_state *interpreter_find(PyInterpreterState *python);

/* Returns the interpreter of the calling Python thread; NULL if it has not imported the extension,
 * or ends. */
static inline interpreter_state *interpreter_here(void)
{
    PyInterpreterState *python = PyInterpreterState_Get();
    bool is_latest = interpreter_latest.python == python &&
                     interpreter_latest.epoch == shared_load(&threads_epoch);
    return is_latest ? interpreter_latest.found : interpreter_find(python);
}

/* Returns true if the list of the interpreter's threads stays as it is while one of them reads it.
 * Without the GIL it does not. */
static inline bool interpreter_may_list(const interpreter_state *self)
{
    return !EDBPROF_FREE_THREADED && (!EDBPROF_THREADS_LEAVE_WITHOUT_GIL || self->is_main);
}

/* Returns the interpreter of the calling Python thread, made if there is none. NULL with an
 * exception. */
interpreter_state *interpreter_make(void);

/* Keeps the state longer than the interpreter, and gives it back. */
void interpreter_keep(interpreter_state *self);
void interpreter_give_back(interpreter_state *self);

/* Registers a function that is called for each interpreter that ends, under its GIL, except the
 * main one. Registering a function again has no effect. */
void interpreter_call_at_end(void (*function)(interpreter_state *));

/* Makes one of the interpreter's own types, once. Returns 0, or -1 with an exception. */
int interpreter_make_type(interpreter_state *self, own_type which, PyType_Spec *spec);

/* Excludes all threads of the process for a few instructions. Nothing of Python's is called
 * meanwhile. A fork leaves it free. */
void process_lock_take(void);
void process_lock_give(void);

/* Adds to a variable of the process. Returns the new value. */
#define process_add(to, value) __atomic_add_fetch(to, value, __ATOMIC_ACQ_REL)

#endif
