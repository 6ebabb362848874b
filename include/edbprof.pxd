# edbprof for Cython: compile with the directory of edbprof_native.get_include() in the paths of
# headers and of Cython's own.
#
#     cimport edbprof
#
#     cdef const edbprof.edbprof_python_api *api = edbprof.edbprof_python_import()
#     cdef const edbprof.edbprof_function *solve_span = edbprof.interned(api, b"solve")
#
#     edbprof.edbprof_python_enter(api, solve_span)
#     edbprof.edbprof_python_leave(api, solve_span)

from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef extern from "edbprof_python.h" nogil:
    ctypedef struct edbprof_str:
        const char *data
        size_t len

    ctypedef struct edbprof_function:
        pass

    ctypedef int edbprof_status

    ctypedef struct edbprof_python_api:
        uint32_t abi_version
        edbprof_status (*span_intern)(
            edbprof_str, edbprof_str, int64_t, const edbprof_function **
        ) noexcept nogil

    bint edbprof_python_is_recording(const edbprof_python_api *api)
    void edbprof_python_enter(const edbprof_python_api *api, const edbprof_function *span)
    void edbprof_python_leave(const edbprof_python_api *api, const edbprof_function *span)
    void edbprof_python_begin(const edbprof_python_api *api, const edbprof_function *span)
    void edbprof_python_end(const edbprof_python_api *api, const edbprof_function *span)
    void edbprof_python_mark(const edbprof_python_api *api, const edbprof_function *name)
    void edbprof_python_counter(
        const edbprof_python_api *api, const edbprof_function *name, double value
    )
    void edbprof_python_begin_async(
        const edbprof_python_api *api, const edbprof_function *name, uint64_t id
    )
    void edbprof_python_end_async(
        const edbprof_python_api *api, const edbprof_function *name, uint64_t id
    )
    edbprof_status edbprof_python_attach_thread(const edbprof_python_api *api, const char *name)
    edbprof_status edbprof_python_detach_thread(const edbprof_python_api *api)

cdef extern from "edbprof_python.h":
    const edbprof_python_api *edbprof_python_import()

cdef extern from *:
    """
    static inline const edbprof_function *edbprof_pxd_interned(const edbprof_python_api *api,
                                                               const char *name)
    {
        const edbprof_function *span = NULL;
        edbprof_str text, none;
        text.data = name;
        text.len = strlen(name);
        none.data = NULL;
        none.len = 0;
        if (api->abi_version != 0) {
            (void)api->span_intern(text, none, 0, &span);
        }
        return span;
    }
    """
    # The span of that name; NULL without a runtime, for which nothing is ever entered.
    const edbprof_function *interned "edbprof_pxd_interned"(
        const edbprof_python_api *api, const char *name
    )
