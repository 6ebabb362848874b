/* Code objects of generic functions.
 *
 * All wrappers that functools.singledispatch makes share one code object, and so do all `dispatch`
 * functions. Both are constants of functions of functools, which are read once the program has
 * imported it. patch_functools() gives each wrapper a code object of its own, and registers it with
 * its generic function. It registers the shared code objects, too. */
#include "generics.h"

#include "arrays.h"
#include "guard.h"
#include "interpreter.h"

typedef struct generic_part {
    PyCodeObject *code; /* kept alive */
    uint32_t flags;
    PyObject *generic; /* (file, line, name) or None */
} part;

/* Drops the known parts of an interpreter that ends. */
static void drop_parts(interpreter_state *interpreter)
{
    part *parts = interpreter->parts;
    size_t count = interpreter->part_count;
    interpreter->parts = NULL;
    interpreter->part_count = interpreter->part_room = 0;
    for (size_t i = 0; i < count; i++) {
        Py_DECREF(parts[i].code);
        Py_DECREF(parts[i].generic);
    }
    PyMem_Free(parts);
}

PyObject *generics_register(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyCodeObject *code;
    unsigned int flags;
    PyObject *generic;
    if (!PyArg_ParseTuple(arguments, "O!IO:register_generic", &PyCode_Type, &code, &flags,
                          &generic)) {
        return NULL;
    }
    if (generic != Py_None && (!PyTuple_Check(generic) || PyTuple_GET_SIZE(generic) != 3)) {
        PyErr_SetString(PyExc_TypeError, "generic must be None or (file, line, name)");
        return NULL;
    }
    EDBPROF_GUARDED;
    interpreter_state *here = interpreter_here();
    for (size_t i = 0; here != NULL && i < here->part_count; i++) {
        if (here->parts[i].code == code) {
            Py_RETURN_NONE;
        }
    }
    part *larger =
        here == NULL ? NULL
                     : grow_array(here->parts, here->part_count, &here->part_room, sizeof *larger);
    if (larger == NULL) {
        return PyErr_NoMemory();
    }
    here->parts = larger;
    interpreter_call_at_end(drop_parts);
    Py_INCREF(code);
    Py_INCREF(generic);
    here->parts[here->part_count++] = (part){code, flags, generic};
    Py_RETURN_NONE;
}

static bool is_named(PyCodeObject *code, const char *name)
{
    return PyUnicode_CompareWithASCIIString(code->co_name, name) == 0;
}

static bool is_constant_of(PyObject *function, PyCodeObject *code)
{
    if (function == NULL || !PyFunction_Check(function)) {
        return false;
    }
    PyObject *constants = ((PyCodeObject *)PyFunction_GET_CODE(function))->co_consts;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(constants); i++) {
        if (PyTuple_GET_ITEM(constants, i) == (PyObject *)code) {
            return true;
        }
    }
    return false;
}

/* Returns the method `name` of a class of functools: a new reference, or NULL. */
static PyObject *method_of(PyObject *functools, const char *type, const char *name)
{
    PyObject *found = compat_dict_get(functools, type);
    PyObject *method =
        found != NULL && PyType_CheckExact(found) ? PyObject_GetAttrString(found, name) : NULL;
    PyErr_Clear();
    Py_XDECREF(found);
    return method;
}

/* Roles of functools' own code objects in generic functions. */
static uint32_t flags_in_functools(PyCodeObject *code)
{
    bool is_wrapper = is_named(code, "wrapper"), is_dispatch = is_named(code, "dispatch");
    bool is_bound = is_named(code, "_method"), is_call = is_named(code, "__call__");
    bool may_be = is_wrapper || is_dispatch || is_bound || is_call;
    PyObject *module = may_be ? loaded_module("functools") : NULL;
    if (module == NULL || !PyModule_CheckExact(module)) {
        Py_XDECREF(module);
        return 0;
    }
    PyObject *functools = PyModule_GetDict(module), *method;
    bool found = false;
    if (is_wrapper || is_dispatch) {
        method = compat_dict_get(functools, "singledispatch");
        found = is_constant_of(method, code);
    } else if (is_bound) {
        method = method_of(functools, "singledispatchmethod", "__get__");
        found = is_constant_of(method, code);
    } else {
        /* From Python 3.14 on, __get__ makes an object that is no function, but is called like
         * one. */
        method = method_of(functools, "_singledispatchmethod_get", "__call__");
        found = method != NULL && PyFunction_Check(method) &&
                PyFunction_GET_CODE(method) == (PyObject *)code;
    }
    Py_XDECREF(method);
    Py_DECREF(module);
    return !found ? 0 : is_dispatch ? EDBPROF_GENERIC_DISPATCH : EDBPROF_GENERIC_WRAPPER;
}

void generics_describe(PyCodeObject *code, named *self)
{
    EDBPROF_GUARDED;
    const interpreter_state *here = interpreter_here();
    for (size_t i = 0; here != NULL && i < here->part_count; i++) {
        const part *known = &here->parts[i];
        if (known->code != code) {
            continue;
        }
        self->function.flags |= known->flags;
        PyObject *generic = known->generic;
        if (generic != Py_None) {
            self->function.generic_file = named_keep(self, PyTuple_GET_ITEM(generic, 0));
            self->function.generic_line = PyLong_AsLongLong(PyTuple_GET_ITEM(generic, 1));
            self->function.generic_name = named_keep(self, PyTuple_GET_ITEM(generic, 2));
            PyErr_Clear();
        }
        return;
    }
    self->function.flags |= flags_in_functools(code);
}
