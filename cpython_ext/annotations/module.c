/* The extension module edbprof_native._annotations, which NVTX and ITT load, too.
 *
 * A process that is to record annotations imports it, so that it knows the runtime. In a process
 * without Python it is loaded without one, so that nothing here may refer to Python's data. */
#include "compat.h"

#include "ranges.h"

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "edbprof_native._annotations",
    .m_size = -1,
};

PyMODINIT_FUNC PyInit__annotations(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) {
        return NULL;
    }
#if EDBPROF_FREE_THREADED
    if (PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED) < 0) {
        Py_DECREF(module);
        return NULL;
    }
#endif
    const edbprof_python_api *found = edbprof_python_import();
    if (found->abi_version != 0) {
        ranges_runtime = found;
    }
    return module;
}
