/* edbprof for CPython extensions: native spans in the call tree of the Python program
 * that calls them.
 *
 *     EDBPROF_SPAN(solve_span, "solve");
 *     static const edbprof_python_api *edbprof;
 *
 *     PyMODINIT_FUNC PyInit_solver(void) { edbprof = edbprof_python_import(); ... }
 *
 *     edbprof_python_enter(edbprof, &solve_span);
 *     ...
 *     edbprof_python_leave(edbprof, &solve_span);
 *
 * Nothing is linked: the functions are found at import, in the one runtime of the
 * process, through a capsule. Where edbprof is not imported, or nothing is recorded,
 * a span costs one branch. */
#ifndef EDBPROF_PYTHON_H
#define EDBPROF_PYTHON_H

#include "edbprof.h"

#define EDBPROF_PYTHON_CAPSULE "edbprof_native._native.api"

/* The runtime of the process. Lives as long as the process. */
typedef struct edbprof_python_api {
    /* sizeof(edbprof_python_api) and EDBPROF_ABI_VERSION, both of the runtime. New members are
   * added at the end, with a new minor version. */
    size_t struct_size;
    uint32_t abi_version;
    /* Number of threads that record at the moment; edbprof_python_is_recording reads it. */
    const unsigned *threads_recording;
    /* A span begins or ends in the calling thread, in every recording that is active in
   * it. Needs no GIL. The span lives as long as the process. */
    void (*enter_span)(const edbprof_function *span);
    void (*leave_span)(const edbprof_function *span);
    /* The C ABI of the same runtime, for recordings of the extension's own. */
    edbprof_status (*recording_new)(const edbprof_options *, edbprof_recording **);
    void (*recording_free)(edbprof_recording *);
    edbprof_status (*recording_attach)(edbprof_recording *, edbprof_str, edbprof_thread **);
    edbprof_status (*recording_define)(edbprof_recording *, uint64_t, const edbprof_function *);
    edbprof_status (*recording_save)(edbprof_recording *, uint32_t);
    edbprof_status (*recording_save_as)(edbprof_recording *, edbprof_str, uint32_t);
    edbprof_status (*enter)(edbprof_thread *, uint64_t);
    edbprof_status (*resume)(edbprof_thread *, uint64_t);
    edbprof_status (*leave)(edbprof_thread *, uint64_t);
    edbprof_status (*leave_all)(edbprof_thread *);
    edbprof_status (*thread_detach)(edbprof_thread *);
    /* From version 3.1 on, like all that follows. A span begins or ends that may outlive the
     * function in which it begins, in Python or C: see edbprof_begin_span. */
    void (*begin_span)(const edbprof_function *span);
    void (*end_span)(const edbprof_function *span);
    /* Names the calling thread, which runs C code alone, and has its part in what records; or ends
     * its part. See edbprof_python_attach_thread. */
    edbprof_status (*attach_thread)(const char *name);
    edbprof_status (*detach_thread)(void);
    /* More of the C ABI. */
    edbprof_status (*span_intern)(edbprof_str, edbprof_str, int64_t, const edbprof_function **);
    edbprof_str (*status_text)(int32_t);
    size_t (*new_error)(char *, size_t);
    size_t (*recording_error)(const edbprof_recording *, char *, size_t);
    int32_t (*recording_errno)(const edbprof_recording *);
    size_t (*recording_path)(const edbprof_recording *, char *, size_t);
    edbprof_status (*recording_check)(edbprof_recording *);
    edbprof_status (*recording_call_ended)(edbprof_recording *, uint64_t, uint32_t);
    edbprof_status (*recording_count_calls)(const edbprof_recording *, uint64_t *);
    edbprof_status (*recording_encode)(const edbprof_recording *, edbprof_bytes *);
    void (*bytes_free)(edbprof_bytes *);
    edbprof_status (*enter_at)(edbprof_thread *, uint64_t, uint64_t);
    edbprof_status (*resume_at)(edbprof_thread *, uint64_t, uint64_t);
    edbprof_status (*leave_at)(edbprof_thread *, uint64_t, uint64_t);
    edbprof_status (*leave_raised)(edbprof_thread *, uint64_t);
    edbprof_status (*leave_suspended)(edbprof_thread *, uint64_t);
    edbprof_status (*is_innermost)(edbprof_thread *, uint64_t);
    edbprof_status (*thread_enter_span)(edbprof_thread *, const edbprof_function *);
    edbprof_status (*thread_leave_span)(edbprof_thread *, const edbprof_function *);
    edbprof_status (*thread_begin_span)(edbprof_thread *, const edbprof_function *);
    edbprof_status (*thread_end_span)(edbprof_thread *, const edbprof_function *);
    edbprof_status (*fiber_suspend)(edbprof_thread *, edbprof_fiber *);
    edbprof_status (*fiber_resume)(edbprof_thread *, const edbprof_fiber *);
    edbprof_str (*version)(void);
    edbprof_status (*recording_from_environment)(edbprof_str, edbprof_recording **);
    /* Marks of the timeline, in the calling thread: see edbprof_mark. */
    void (*mark)(const edbprof_function *name);
    void (*counter)(const edbprof_function *name, double value);
    void (*begin_async)(const edbprof_function *name, uint64_t id);
    void (*end_async)(const edbprof_function *name, uint64_t id);
} edbprof_python_api;

/* The oldest runtime that will do. An extension that calls none of the functions that came later
 * defines it as an earlier version before it includes this header: 0x30000 is version 3.0. */
#ifndef EDBPROF_PYTHON_LEAST_VERSION
#define EDBPROF_PYTHON_LEAST_VERSION EDBPROF_ABI_VERSION
#endif

/* Size of the struct in the runtime of that version. */
#define EDBPROF_PYTHON_LEAST_SIZE                                                                  \
    (EDBPROF_PYTHON_LEAST_VERSION < 0x30001u ? offsetof(edbprof_python_api, begin_span)            \
                                             : sizeof(edbprof_python_api))

/* Returns whether any thread records. `api` is the result of edbprof_python_import. Any thread;
 * another one may write the number meanwhile. */
static inline int edbprof_python_is_recording(const edbprof_python_api *api)
{
    return __atomic_load_n(api->threads_recording, __ATOMIC_RELAXED) != 0;
}

/* The span begins. Any thread. */
static inline void edbprof_python_enter(const edbprof_python_api *api, const edbprof_function *span)
{
    if (edbprof_python_is_recording(api)) {
        api->enter_span(span);
    }
}

/* The span ends. Any thread; the one in which it began. */
static inline void edbprof_python_leave(const edbprof_python_api *api, const edbprof_function *span)
{
    if (edbprof_python_is_recording(api)) {
        api->leave_span(span);
    }
}

/* The span begins, and may outlive the function that calls this: a context manager's __enter__
 * begins what its __exit__ ends. Any thread. */
static inline void edbprof_python_begin(const edbprof_python_api *api, const edbprof_function *span)
{
    if (edbprof_python_is_recording(api)) {
        api->begin_span(span);
    }
}

/* Such a span ends. Any thread; the one in which it began. */
static inline void edbprof_python_end(const edbprof_python_api *api, const edbprof_function *span)
{
    if (edbprof_python_is_recording(api)) {
        api->end_span(span);
    }
}

/* Sets a mark on the timeline. Any thread. */
static inline void edbprof_python_mark(const edbprof_python_api *api, const edbprof_function *name)
{
    if (edbprof_python_is_recording(api)) {
        api->mark(name);
    }
}

/* Gives a counter on the timeline a new value. Any thread. */
static inline void edbprof_python_counter(const edbprof_python_api *api,
                                          const edbprof_function *name, double value)
{
    if (edbprof_python_is_recording(api)) {
        api->counter(name, value);
    }
}

/* An asynchronous span begins, which any thread may end: on the timeline only. The number tells it
 * from other open ones of its name. */
static inline void edbprof_python_begin_async(const edbprof_python_api *api,
                                              const edbprof_function *name, uint64_t id)
{
    if (edbprof_python_is_recording(api)) {
        api->begin_async(name, id);
    }
}

/* Such a span ends. Any thread. */
static inline void edbprof_python_end_async(const edbprof_python_api *api,
                                            const edbprof_function *name, uint64_t id)
{
    if (edbprof_python_is_recording(api)) {
        api->end_async(name, id);
    }
}

/* The calling thread, which no Python code has started, is to have this name in reports. A thread
 * without it has the name that the operating system knows. For the threads of a pool, when they
 * start. EDBPROF_UNSUPPORTED without a runtime. */
static inline edbprof_status edbprof_python_attach_thread(const edbprof_python_api *api,
                                                          const char *name)
{
    return api->abi_version == 0 ? EDBPROF_UNSUPPORTED : api->attach_thread(name);
}

/* The thread ends its part: spans that are open end, and its tree is for others to continue.
 * The end of the thread does the same. EDBPROF_DETACHED if it has none. */
static inline edbprof_status edbprof_python_detach_thread(const edbprof_python_api *api)
{
    return api->abi_version == 0 ? EDBPROF_UNSUPPORTED : api->detach_thread();
}

#ifdef Py_PYTHON_H

/* The runtime, or one that never records if edbprof_native can't be imported or is of a version
 * that does not suit, which is said once to stderr. Never NULL, and no exception is left. With the
 * GIL. */
static inline const edbprof_python_api *edbprof_python_import(void)
{
    static const unsigned none = 0;
    static edbprof_python_api absent;
    const edbprof_python_api *api = NULL;
    PyObject *module, *type, *value, *traceback;
    absent.threads_recording = &none;
    PyErr_Fetch(&type, &value, &traceback);
    /* PyCapsule_Import imports the package and takes the rest of the name for attributes. */
    module = PyImport_ImportModule("edbprof_native._native");
    if (module != NULL) {
        api = (const edbprof_python_api *)PyCapsule_Import(EDBPROF_PYTHON_CAPSULE, 0);
        Py_DECREF(module);
    }
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
    if (api == NULL) {
        return &absent;
    }
    if (api->abi_version >> 16 != EDBPROF_ABI_MAJOR ||
        api->abi_version < EDBPROF_PYTHON_LEAST_VERSION ||
        api->struct_size < EDBPROF_PYTHON_LEAST_SIZE) {
        static int is_said;
        if (!is_said) {
            is_said = 1;
            PyErr_Fetch(&type, &value, &traceback);
            PySys_WriteStderr("edbprof: the spans of an extension are not recorded: it needs "
                              "version %u.%u of edbprof's interface, and this one is %u.%u\n",
                              (unsigned)(EDBPROF_PYTHON_LEAST_VERSION) >> 16,
                              (unsigned)(EDBPROF_PYTHON_LEAST_VERSION) & 0xffffu,
                              (unsigned)api->abi_version >> 16,
                              (unsigned)api->abi_version & 0xffffu);
            PyErr_Restore(type, value, traceback);
        }
        return &absent;
    }
    return api;
}

#endif

#endif
