/* The extension module edbprof_native._annotations, which NVTX and ITT load, too.
 *
 * A process that records annotations imports this module, so that the library knows the runtime. A
 * process without Python loads the library without a runtime, so nothing here may refer to Python's
 * data. */
#include "compat.h"

#include "ranges.h"

static int module_exec(PyObject *Py_UNUSED(module))
{
    const edbprof_python_api *found = edbprof_python_import();
    if (found->abi_version != 0) {
        /* Each interpreter has the same one. */
        __atomic_store_n(&ranges_runtime, found, __ATOMIC_RELEASE);
    }
    return 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    EDBPROF_MODULE_SLOTS,
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "edbprof_native._annotations",
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__annotations(void) { return PyModuleDef_Init(&definition); }
