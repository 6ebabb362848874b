/* Threads that C code has made and that call Python. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>
#include <sched.h>

typedef struct {
    PyObject *function;
    const char *name; /* of the OS thread, or NULL */
    int times;
    int keeps; /* one Python thread for all calls */
} task;

static void *body(void *argument)
{
    const task *self = argument;
    PyGILState_STATE outer = PyGILState_UNLOCKED;
    PyThreadState *kept = NULL;
    if (self->name != NULL) {
#ifdef __APPLE__
        pthread_setname_np(self->name);
#else
        pthread_setname_np(pthread_self(), self->name);
#endif
    }
    if (self->keeps) {
        outer = PyGILState_Ensure();
        kept = PyEval_SaveThread();
    }
    for (int i = 0; i < self->times; i++) {
        PyGILState_STATE state = PyGILState_Ensure();
        PyObject *result = PyObject_CallFunction(self->function, "i", i);
        if (result == NULL) {
            PyErr_WriteUnraisable(self->function);
        }
        Py_XDECREF(result);
        PyGILState_Release(state);
    }
    if (self->keeps) {
        PyEval_RestoreThread(kept);
        PyGILState_Release(outer);
    }
    return NULL;
}

static PyObject *call(PyObject *module, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"function", "times", "threads", "name", "keeps", "meanwhile", NULL};
    task one = {.times = 1};
    int threads = 1;
    PyObject *meanwhile = NULL;
    PyThreadState *newest = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    pthread_t running[64];
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|iizpO", names, &one.function,
                                     &one.times, &threads, &one.name, &one.keeps, &meanwhile)) {
        return NULL;
    }
    for (int i = 0; i < threads && i < 64; i++) {
        pthread_create(&running[i], NULL, body, &one);
    }
    if (meanwhile != NULL) {
        while (PyInterpreterState_ThreadHead(PyInterpreterState_Get()) == newest) {
            sched_yield();
        }
        Py_XDECREF(PyObject_CallObject(meanwhile, NULL));
    }
    Py_BEGIN_ALLOW_THREADS for (int i = 0; i < threads && i < 64; i++)
    {
        pthread_join(running[i], NULL);
    }
    Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"call", (PyCFunction)(void (*)(void))call, METH_VARARGS | METH_KEYWORDS,
     "call(function, times=1, threads=1, name=None, keeps=False, meanwhile=None)\n--\n\nCall "
     "function(0) to function(times - 1) in each of so many threads, and wait for them. Calls "
     "`meanwhile` while the first waits for the GIL."},
    {NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "foreign", .m_size = -1,
                                        .m_methods = methods};

PyMODINIT_FUNC PyInit_foreign(void)
{
    PyObject *module = PyModule_Create(&definition);
#ifdef Py_GIL_DISABLED
    if (module != NULL) {
        (void)PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
    }
#endif
    return module;
}
