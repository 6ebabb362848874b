# A module of Cython with two spans:
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
