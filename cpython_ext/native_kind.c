/* Kinds of callables that are written in C, found by their types and remembered. */
#include "native_kind.h"

#include "guard.h"
#include "interpreter.h"

const char *native_short_name(const PyTypeObject *type)
{
    const char *dot = strrchr(type->tp_name, '.');
    return dot == NULL ? type->tp_name : dot + 1;
}

bool native_is_called(const PyTypeObject *type, const char *name)
{
    return strcmp(type->tp_name, name) == 0;
}

/* Returns true for a type of the interpreter, the standard library or edbprof. Static types without
 * a module are the interpreter's. */
static bool is_of_library(const PyTypeObject *type)
{
    const char *dot = strchr(type->tp_name, '.');
    if (dot == NULL) {
        return !(type->tp_flags & Py_TPFLAGS_HEAPTYPE);
    }
    PyObject *names = compat_sys_get("stdlib_module_names");
    PyObject *module = PyUnicode_FromStringAndSize(type->tp_name, dot - type->tp_name);
    bool found =
        module != NULL && ((names != NULL && PySet_Contains(names, module) == 1) ||
                           PyUnicode_CompareWithASCIIString(module, NATIVE_OWN_PACKAGE) == 0);
    PyErr_Clear();
    Py_XDECREF(module);
    Py_XDECREF(names);
    return found;
}

/* Returns true if a Cython function begins like a builtin. Functions of modules for the stable ABI
 * do not. */
static bool has_definition(const PyTypeObject *type)
{
    return type->tp_basicsize >= (Py_ssize_t)sizeof(PyCFunctionObject) &&
           type->tp_vectorcall_offset == (Py_ssize_t)offsetof(PyCFunctionObject, vectorcall);
}

static native_kind kind_of_type(const PyTypeObject *type)
{
    /* The type that the callable's own inherits its call from. */
    while (type->tp_base != NULL && type->tp_base->tp_call == type->tp_call) {
        type = type->tp_base;
    }
    if (native_is_called(type, "_ctypes.CFuncPtr") ||
        native_is_called(type, "_ctypes.PyCFuncPtr") ||
        native_is_called(type, "_cffi_backend._CDataBase")) {
        return OF_POINTER;
    }
    if (native_is_called(type, "nanobind.nb_bound_method") &&
        type->tp_basicsize == (Py_ssize_t)sizeof(native_bound_method)) {
        return OF_BOUND;
    }
    if (native_is_called(type, "numpy._ArrayFunctionDispatcher")) {
        return OF_DISPATCHER;
    }
    if (strstr(type->tp_name, "cython_function_or_method") != NULL && has_definition(type)) {
        return OF_DEFINITION;
    }
    return is_of_library(type) ? NOT_RECORDED : OF_OBJECT;
}

/* The function that makes `__call__` of Python classes a call, the same in all interpreters. */
static ternaryfunc call_of_python;

/* Names that are looked up in types. */
typedef enum { OF_CALL, OF_GETATTR, OF_GETATTRIBUTE } name_index;

int native_init(interpreter_state *interpreter)
{
    static const char *const texts[] = {"__call__", "__getattr__", "__getattribute__"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        interpreter->attribute_names[i] = PyUnicode_InternFromString(texts[i]);
        if (interpreter->attribute_names[i] == NULL) {
            return -1;
        }
    }
    PyObject *made =
        PyObject_CallFunction((PyObject *)&PyType_Type, "s(){sO}", "made", "__call__", Py_None);
    if (made == NULL) {
        return -1;
    }
    shared_store(&call_of_python, ((PyTypeObject *)made)->tp_call);
    Py_DECREF(made);
    return 0;
}

bool native_is_written_in_python(const PyTypeObject *type)
{
    return type->tp_call == NULL || type->tp_call == shared_load(&call_of_python);
}

/* Returns a name, borrowed, or NULL in an interpreter that ends. */
static PyObject *attribute_name(name_index which)
{
    const interpreter_state *here = interpreter_here();
    return here == NULL ? NULL : here->attribute_names[which];
}

PyObject *native_call_of(PyObject *callable)
{
    PyTypeObject *type = Py_TYPE(callable);
    if (PyType_Check(callable) || !native_is_written_in_python(type) || type->tp_call == NULL) {
        return NULL;
    }
    PyObject *name = attribute_name(OF_CALL);
    PyObject *found = name == NULL ? NULL : compat_type_get(type, name);
    PyErr_Clear();
    if (found != NULL && PyFunction_Check(found)) {
        Py_CLEAR(found);
    }
    return found;
}

/* Remembers kinds by the C function that runs when a callable is called. That function stays
 * loaded; a type may be freed, and another one may get its address. */
native_kind native_kind_of(PyObject *callable)
{
    enum { PLACES = 256, KIND_BITS = 3 };
    static uint64_t known[PLACES];
    PyTypeObject *type = Py_TYPE(callable);
    if (native_is_written_in_python(type)) {
        return NOT_RECORDED;
    }
    uintptr_t function = (uintptr_t)type->tp_call;
    if (type->tp_call == PyVectorcall_Call) {
        function = (uintptr_t)PyVectorcall_Function(callable);
    }
    uint64_t *place = &known[(function >> 4) % PLACES];
    uint64_t found = __atomic_load_n(place, __ATOMIC_RELAXED);
    if (found >> KIND_BITS != function) {
        found = (uint64_t)function << KIND_BITS | kind_of_type(type);
        __atomic_store_n(place, found, __ATOMIC_RELAXED);
    }
    return (native_kind)(found & ((1 << KIND_BITS) - 1));
}
_Static_assert((int)KIND_COUNT <= (int)NATIVE_TYPE_KEY,
               "kinds fit into the bits of a key and of a place");

bool native_looks_up_in_python(PyTypeObject *type)
{
    bool in_python = false;
    for (int i = 0; i < 2 && !in_python; i++) {
        PyObject *name = attribute_name(i == 0 ? OF_GETATTR : OF_GETATTRIBUTE);
        PyObject *found = name == NULL ? NULL : compat_type_get(type, name);
        in_python = name == NULL || (found != NULL && !Py_IS_TYPE(found, &PyWrapperDescr_Type));
        PyErr_Clear();
        Py_XDECREF(found);
    }
    return in_python;
}
