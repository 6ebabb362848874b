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
} edbprof_python_api;

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

#ifdef Py_PYTHON_H

/* The runtime, or one that never records if edbprof_native can't be imported or is of another
 * version. Never NULL, and no exception is left. With the GIL. */
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
    if (api == NULL || !EDBPROF_ABI_IS_COMPATIBLE(api->abi_version) ||
        api->struct_size < sizeof(edbprof_python_api)) {
        return &absent;
    }
    return api;
}

#endif

#endif
