/* Code objects of generic functions.
 *
 * All wrappers that functools.singledispatch makes share one code object, and so do all
 * `dispatch` functions: they are known by identity. A wrapper that patch_functools() gave a
 * code object of its own is known with its generic function. */
#include "generics.h"

#include "arrays.h"

bool generics_are_patched;

typedef struct {
    PyCodeObject *code; /* kept alive */
    uint32_t flags;
    PyObject *generic; /* (file, line, name) or None */
} part;

static part *parts;
static size_t part_count, part_room;

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
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].code == code) {
            Py_RETURN_NONE;
        }
    }
    part *larger = grow_array(parts, part_count, &part_room, sizeof *larger);
    if (larger == NULL) {
        return PyErr_NoMemory();
    }
    parts = larger;
    Py_INCREF(code);
    Py_INCREF(generic);
    parts[part_count++] = (part){code, flags, generic};
    Py_RETURN_NONE;
}

void generics_describe(PyCodeObject *code, named *self)
{
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].code != code) {
            continue;
        }
        self->function.flags |= parts[i].flags;
        PyObject *generic = parts[i].generic;
        if (generic != Py_None) {
            self->function.generic_file = named_keep(self, PyTuple_GET_ITEM(generic, 0));
            self->function.generic_line = PyLong_AsLongLong(PyTuple_GET_ITEM(generic, 1));
            self->function.generic_name = named_keep(self, PyTuple_GET_ITEM(generic, 2));
            PyErr_Clear();
        }
        return;
    }
}
