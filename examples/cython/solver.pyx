# A module of Cython with two spans, and marks on the timeline:
#
#     python setup.py build_ext --inplace && edbprof run ../use_solver.py

cimport edbprof
from libc.stdint cimport uint32_t

cdef const edbprof.edbprof_python_api *api = edbprof.edbprof_python_import()
cdef const edbprof.edbprof_function *solve_span = edbprof.interned(api, "solve")
cdef const edbprof.edbprof_function *step_span = edbprof.interned(api, "step")


cdef uint32_t step(uint32_t value) noexcept nogil:
    edbprof.edbprof_python_enter(api, step_span)
    value = value * 1664525 + 1013904223
    edbprof.edbprof_python_leave(api, step_span)
    return value


def solve(uint32_t steps):
    """Solves in that many steps."""
    cdef uint32_t value = 1
    with nogil:
        edbprof.edbprof_python_enter(api, solve_span)
        for _ in range(steps):
            value = step(value)
        edbprof.edbprof_python_leave(api, solve_span)
    return value


cdef const edbprof.edbprof_function *begun_mark = edbprof.interned(api, "begun")
cdef const edbprof.edbprof_function *value_counter = edbprof.interned(api, "value")
cdef const edbprof.edbprof_function *request_span = edbprof.interned(api, "request")


def solve_marked(uint32_t steps):
    """Solves with marks. They are on the timeline only; any thread may end an asynchronous span."""
    edbprof.edbprof_python_mark(api, begun_mark)
    edbprof.edbprof_python_begin_async(api, request_span, 1)
    value = solve(steps)
    edbprof.edbprof_python_counter(api, value_counter, value)
    edbprof.edbprof_python_end_async(api, request_span, 1)
    return value
