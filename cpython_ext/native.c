/* Callables written in C that are neither builtins nor method descriptors: functions of Cython,
 * nanobind, numpy, numba, ctypes, cffi and others. docs/design/0049 has the reasons. */
#include "native.h"

#include "guard.h"
#include "held.h"
#include "interpreter.h"
#include "native_kind.h"

#include <dlfcn.h>

/* Keys fit into 64 bits because addresses have fewer than 58. */
static uint64_t key_with(unsigned of, uint64_t value)
{
    return (uint64_t)of << 60 | (value & (UINT64_MAX >> 6)) << 2 | 3;
}

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
    }
    return hash;
}

/* ---- names ---------------------------------------------------------------- */

/* Returns an attribute of the object itself whose lookup runs no Python code: a new reference, or
 * NULL with nothing raised. */
static PyObject *own_attribute(PyObject *object, const char *name)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject *key = PyUnicode_InternFromString(name);
    PyObject *value = NULL;
    if (key != NULL && type->tp_getattro != PyObject_GenericGetAttr && !PyType_Check(object)) {
        value = native_looks_up_in_python(type) ? NULL : PyObject_GetAttr(object, key);
    } else if (key != NULL) {
        PyObject *found = compat_type_get(type, key);
        if (found != NULL &&
            (Py_IS_TYPE(found, &PyGetSetDescr_Type) || Py_IS_TYPE(found, &PyMemberDescr_Type))) {
            value = Py_TYPE(found)->tp_descr_get(found, object, (PyObject *)type);
        } else {
            PyObject *dict = PyObject_GenericGetDict(object, NULL);
            value = dict == NULL ? NULL : compat_dict_get_key(dict, key);
            Py_XDECREF(dict);
        }
        Py_XDECREF(found);
    }
    PyErr_Clear();
    Py_XDECREF(key);
    return value;
}

/* Returns an attribute of the object itself that is a text. */
static PyObject *own_text(PyObject *object, const char *name)
{
    PyObject *value = own_attribute(object, name);
    if (value != NULL && !PyUnicode_Check(value)) {
        Py_CLEAR(value);
    }
    return value;
}

/* A callable's names, new references: each may be NULL. */
typedef struct {
    PyObject *module, *name;
} own_names;

static own_names names_of(PyObject *callable)
{
    own_names names = {.module = own_text(callable, "__module__"),
                       .name = own_text(callable, "__qualname__")};
    if (names.name == NULL) {
        names.name = own_text(callable, "__name__");
    }
    return names;
}

static void clear_names(own_names *names)
{
    Py_CLEAR(names->module);
    Py_CLEAR(names->name);
}

static uint64_t hash_text(uint64_t hash, PyObject *text)
{
    PyObject *owner;
    edbprof_str bytes = name_text(text, &owner);
    hash = hash_bytes(hash, bytes.data, bytes.len);
    Py_XDECREF(owner);
    return hash_bytes(hash, "", 1);
}

/* Returns the key of callables that have the same type and names. */
static uint64_t key_by_names(unsigned of, PyObject *callable, const own_names *names)
{
    uint64_t hash = (uint64_t)(uintptr_t)Py_TYPE(callable) | 1;
    hash = hash_bytes(hash, Py_TYPE(callable)->tp_name, strlen(Py_TYPE(callable)->tp_name));
    /* Addresses have fewer bits, so no key by address equals this one. */
    return key_with(of, hash_text(hash_text(hash, names->module), names->name) | (uint64_t)1 << 57);
}

/* Returns an item of a module's or type's dict: a new reference, or NULL with nothing raised. */
static PyObject *item_of(PyObject *owner, PyObject *name)
{
    PyObject *dict = PyModule_Check(owner) ? PyModule_GetDict(owner)
                     : PyType_Check(owner) ? compat_type_dict((PyTypeObject *)owner)
                                           : NULL;
    PyObject *found = dict == NULL ? NULL : compat_dict_get_key(dict, name);
    PyErr_Clear();
    return found;
}

/* Returns true if the callable is found in its module by its qualified name. */
static bool is_of_module(PyObject *callable, const own_names *names)
{
    if (names->module == NULL || names->name == NULL) {
        return false;
    }
    PyObject *modules = loaded_modules();
    PyObject *found = modules == NULL ? NULL : compat_dict_get_key(modules, names->module);
    Py_XDECREF(modules);
    PyObject *dot = PyUnicode_FromOrdinal('.');
    PyObject *parts = dot == NULL ? NULL : PyUnicode_Split(names->name, dot, -1);
    Py_XDECREF(dot);
    for (Py_ssize_t i = 0; parts != NULL && found != NULL && i < PyList_GET_SIZE(parts); i++) {
        Py_SETREF(found, item_of(found, PyList_GET_ITEM(parts, i)));
    }
    PyErr_Clear();
    bool is_found = parts != NULL && found == callable;
    Py_XDECREF(found);
    Py_XDECREF(parts);
    return is_found;
}

/* ---- keys ------------------------------------------------------------------ */

static bool is_of_cffi(PyObject *callable)
{
    static const char CFFI[] = "_cffi_backend.";
    return strncmp(Py_TYPE(callable)->tp_name, CFFI, strlen(CFFI)) == 0;
}

/* The C function that a callable of ctypes or cffi calls. */
static const void *pointer_of(PyObject *callable)
{
    return is_of_cffi(callable) ? ((native_cffi_data *)callable)->data
                                : compat_ctypes_pointer(callable);
}

static uint64_t key_of_object(PyObject *callable, native_kind of)
{
    if (!held_has(callable)) {
        own_names names = names_of(callable);
        bool stays = is_of_module(callable, &names) && held_add(callable);
        uint64_t key = stays ? 0 : key_by_names(of, callable, &names);
        clear_names(&names);
        if (!stays) {
            return key;
        }
    }
    return key_with(of, (uintptr_t)callable);
}

/* Returns true if a dispatcher of numpy calls a Python function, which is recorded itself. */
static bool hands_on(PyObject *dispatcher)
{
    PyObject *function = own_attribute(dispatcher, "_implementation");
    bool is_python = function != NULL && PyFunction_Check(function);
    Py_XDECREF(function);
    return is_python;
}

uint64_t native_key(PyObject *callable)
{
    native_kind of = native_kind_of(callable);
    switch (of) {
    case OF_POINTER: return key_with(of, (uintptr_t)pointer_of(callable));
    case OF_DEFINITION: return key_with(of, (uintptr_t)((PyCFunctionObject *)callable)->m_ml);
    case OF_BOUND: return key_of_object(((native_bound_method *)callable)->function, OF_OBJECT);
    case OF_DISPATCHER:
        return !held_has(callable) && hands_on(callable) ? 0 : key_of_object(callable, of);
    case OF_OBJECT: return key_of_object(callable, of);
    default: return 0;
    }
}

/* Returns the names of a class, as its repr has them. */
static own_names names_of_class(PyTypeObject *type)
{
    own_names names = {NULL, NULL};
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        PyObject *key = PyUnicode_InternFromString("__module__");
        names.module = key == NULL ? NULL : item_of((PyObject *)type, key);
        Py_XDECREF(key);
        names.name = ((PyHeapTypeObject *)type)->ht_qualname;
        Py_XINCREF(names.name);
    } else {
        names.name = PyUnicode_FromString(type->tp_name);
    }
    PyErr_Clear();
    return names;
}

uint64_t native_type_key(PyObject *callable)
{
    bool is_class = PyType_Check(callable);
    if (!is_class && native_is_written_in_python(Py_TYPE(callable))) {
        return 0;
    }
    PyTypeObject *type = is_class ? (PyTypeObject *)callable : Py_TYPE(callable);
    if (strncmp(type->tp_name, NATIVE_OWN_PACKAGE, strlen(NATIVE_OWN_PACKAGE)) == 0) {
        return 0;
    }
    own_names names = is_class ? names_of_class(type) : names_of(callable);
    uint64_t key = key_by_names(NATIVE_TYPE_KEY | OF_OBJECT, callable, &names);
    clear_names(&names);
    return key;
}

/* ---- descriptions ----------------------------------------------------------- */

/* Returns the name of the C function that a callable of ctypes or cffi calls, if its library
 * exports it: a new reference, or NULL. */
static PyObject *symbol_of(PyObject *callable)
{
    Dl_info found;
    const void *pointer = pointer_of(callable);
    bool is_known = pointer != NULL && dladdr(pointer, &found) != 0 && found.dli_sname != NULL &&
                    found.dli_saddr == pointer;
    return is_known ? PyUnicode_DecodeFSDefault(found.dli_sname) : NULL;
}

/* Returns the repr of a function of cffi, with the symbol in place of the address. */
static PyObject *label_of_cffi(PyObject *callable)
{
    PyObject *repr = Py_TYPE(callable)->tp_repr(callable);
    Py_ssize_t end = repr == NULL ? -1 : PyUnicode_GET_LENGTH(repr);
    Py_ssize_t space = end < 0 ? -1 : PyUnicode_FindChar(repr, ' ', 0, end, -1);
    PyObject *type = space < 0 ? NULL : PyUnicode_Substring(repr, 0, space);
    PyObject *symbol = type == NULL ? NULL : symbol_of(callable);
    PyObject *label = symbol != NULL ? PyUnicode_FromFormat("%U %U>", type, symbol)
                      : type != NULL ? PyUnicode_FromFormat("%U>", type)
                                     : NULL;
    Py_XDECREF(repr);
    Py_XDECREF(type);
    Py_XDECREF(symbol);
    return label;
}

/* The word that a callable's repr begins with. */
static const char *word_of(const PyTypeObject *type)
{
    return native_is_called(type, "numpy._ArrayFunctionDispatcher")     ? "function"
           : strstr(type->tp_name, "cython_function_or_method") != NULL ? "cyfunction"
                                                                        : native_short_name(type);
}

/* Returns a callable's repr, but with its module and without its address: a new reference. */
static PyObject *label_of(PyObject *callable, const own_names *names)
{
    PyTypeObject *type = Py_TYPE(callable);
    if (PyType_Check(callable)) {
        return PyType_Type.tp_repr(callable);
    }
    if (Py_IS_TYPE(callable, &PyWrapperDescr_Type)) {
        return type->tp_repr(callable);
    }
    if (is_of_cffi(callable)) {
        return label_of_cffi(callable);
    }
    if (names->name == NULL) {
        return PyUnicode_FromFormat("<%s object>", type->tp_name);
    }
    if (native_is_called(type, "numpy.ufunc")) {
        return PyUnicode_FromFormat("<ufunc '%U'>", names->name);
    }
    return names->module == NULL
               ? PyUnicode_FromFormat("<%s %U>", word_of(type), names->name)
               : PyUnicode_FromFormat("<%s %U.%U>", word_of(type), names->module, names->name);
}

void native_name(named *self, PyObject *callable)
{
    native_kind of = native_kind_of(callable);
    if (of == OF_BOUND) {
        callable = ((native_bound_method *)callable)->function;
    }
    own_names names =
        PyType_Check(callable) ? names_of_class((PyTypeObject *)callable) : names_of(callable);
    if (names.name == NULL && of == OF_POINTER) {
        names.name = symbol_of(callable);
    }
    PyObject *label = label_of(callable, &names);
    PyErr_Clear();
    name_as_builtin(self, label, names.module, native_short_name(Py_TYPE(callable)));
    Py_XDECREF(label);
    clear_names(&names);
}
