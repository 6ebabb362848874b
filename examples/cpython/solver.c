/* An extension of CPython with two spans:
 *
 *     python setup.py build_ext --inplace && edbprof run ../use_solver.py */

#include <Python.h>
#include <stdint.h>

#include <edbprof_python.h>

EDBPROF_SPAN(solve_span, "solve");
EDBPROF_SPAN(step_span, "step");

static const edbprof_python_api *edbprof;

static uint32_t step(uint32_t value)
{
    edbprof_python_enter(edbprof, &step_span);
    value = value * 1664525u + 1013904223u;
    edbprof_python_leave(edbprof, &step_span);
    return value;
}

static uint32_t solve(uint32_t steps)
{
    uint32_t value = 1;
    edbprof_python_enter(edbprof, &solve_span);
    for (uint32_t i = 0; i < steps; i++) {
        value = step(value);
    }
    edbprof_python_leave(edbprof, &solve_span);
    return value;
}

static PyObject *py_solve(PyObject *module, PyObject *argument)
{
    unsigned long steps = PyLong_AsUnsignedLong(argument);
    uint32_t value;
    (void)module;
    if (PyErr_Occurred()) {
        return NULL;
    }
    /* Spans need no GIL. */
    Py_BEGIN_ALLOW_THREADS value = solve((uint32_t)steps);
    Py_END_ALLOW_THREADS return PyLong_FromUnsignedLong(value);
}

static PyMethodDef methods[] = {{"solve", py_solve, METH_O, "Solves in that many steps."},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "solver", .m_size = -1,
                                        .m_methods = methods};

PyMODINIT_FUNC PyInit_solver(void)
{
    edbprof = edbprof_python_import();
    return PyModule_Create(&definition);
}
