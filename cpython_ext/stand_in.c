/* Stand-in: a callable in place of a function, as wrapt's proxies are.
 *
 * Every attribute, `__class__` included, is the function's, so that inspect, pickle and frameworks
 * notice no difference. Only calling and binding are its own. */
#include "stand_in.h"

#include <structmember.h>

static PyObject *stand_in_getattro(PyObject *object, PyObject *name);

static bool is_stand_in(PyObject *object)
{
    return Py_TYPE(object)->tp_getattro == stand_in_getattro;
}

PyObject *stand_in_innermost(PyObject *function)
{
    while (is_stand_in(function)) {
        function = ((stand_in *)function)->function;
    }
    return function;
}

/* type.__new__ makes these plain functions class methods or static methods by their names
 * (type_new_impl in CPython's typeobject.c). It leaves other callables as they are. */
static binding binding_of(PyObject *function)
{
    if (is_stand_in(function)) {
        return ((stand_in *)function)->binding;
    }
    static const struct {
        const char *name;
        binding binding;
    } special[] = {
        {"__class_getitem__", BINDS_TO_CLASS},
        {"__init_subclass__", BINDS_TO_CLASS},
        {"__new__", BINDS_TO_NOTHING},
    };
    if (PyFunction_Check(function)) {
        PyObject *name = ((PyFunctionObject *)function)->func_name;
        for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
            if (PyUnicode_CompareWithASCIIString(name, special[i].name) == 0) {
                return special[i].binding;
            }
        }
    }
    return BINDS_TO_INSTANCE;
}

/* Returns the class that `classmethod` binds to. classmethod(stand_in) of Python 3.9 passes the
 * class as the instance, and no type (cm_descr_get in funcobject.c). */
static PyObject *class_of(PyObject *instance, PyObject *type)
{
    if (type != NULL || instance == NULL) {
        return type;
    }
    return PyType_Check(instance) ? instance : (PyObject *)Py_TYPE(instance);
}

static PyObject *stand_in_bind(PyObject *self, PyObject *instance, PyObject *type)
{
    PyObject *to = instance;
    switch (((stand_in *)self)->binding) {
    case BINDS_TO_CLASS: to = class_of(instance, type); break;
    case BINDS_TO_NOTHING: to = NULL; break;
    case BINDS_TO_INSTANCE: break;
    }
    if (to == NULL || to == Py_None) {
        Py_INCREF(self);
        return self;
    }
    return PyMethod_New(self, to);
}

/* Serves tools that look for `__doc__` in the type, like pydoc. */
static PyObject *stand_in_doc(PyObject *object, void *Py_UNUSED(closure))
{
    return PyObject_GetAttrString(((stand_in *)object)->function, "__doc__");
}

static PyGetSetDef stand_in_getset[] = {
    {"__doc__", stand_in_doc, NULL, NULL, NULL},
    {NULL},
};

/* Pickles by name, like functions. */
static PyObject *stand_in_reduce(PyObject *object, PyObject *Py_UNUSED(protocol))
{
    return PyObject_GetAttrString(((stand_in *)object)->function, "__qualname__");
}

static PyMethodDef stand_in_methods[] = {
    {"__reduce_ex__", stand_in_reduce, METH_O, NULL},
    {NULL},
};

/* The few attributes that are not the function's. */
static bool is_own_attribute(PyObject *name)
{
    static const char *const own[] = {"__call__", "__get__", "__reduce_ex__", "__weakref__"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (PyUnicode_CompareWithASCIIString(name, own[i]) == 0) {
            return true;
        }
    }
    return false;
}

static PyObject *stand_in_getattro(PyObject *object, PyObject *name)
{
    const stand_in *self = (stand_in *)object;
    if (PyUnicode_CompareWithASCIIString(name, "__wrapped__") == 0) {
        Py_INCREF(self->function);
        return self->function;
    }
    if (is_own_attribute(name)) {
        return PyObject_GenericGetAttr(object, name);
    }
    return PyObject_GetAttr(self->function, name);
}

static int stand_in_setattro(PyObject *object, PyObject *name, PyObject *value)
{
    return PyObject_SetAttr(((stand_in *)object)->function, name, value);
}

static PyObject *stand_in_repr(PyObject *object)
{
    return PyObject_Repr(((stand_in *)object)->function);
}

/* No tp_clear, as in tuples: these references never change, so every cycle contains another object
 * that can be cleared. A __del__ that runs while the cycle is broken can still call this object.
 * Other types of this extension have no tp_clear for the same reason. */
int stand_in_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((stand_in *)object)->function);
    return 0;
}

void stand_in_let_go(PyObject *object)
{
    stand_in *self = (stand_in *)object;
    PyObject_GC_UnTrack(object);
    if (self->weak_references != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    Py_CLEAR(self->function);
}

static bool is_nested(PyObject *function)
{
    return !PyFunction_Check(function) ||
           (((PyCodeObject *)PyFunction_GET_CODE(function))->co_flags & CO_NESTED) != 0;
}

stand_in *stand_in_new(PyTypeObject *type, PyObject *function, vectorcallfunc call)
{
    stand_in *self = (stand_in *)type->tp_alloc(type, 0);
    if (self != NULL) {
        Py_INCREF(function);
        self->vectorcall = call;
        self->function = function;
        self->binding = binding_of(function);
    }
    return self;
}

PyObject *stand_in_finished(stand_in *self)
{
    if (!is_nested(self->function)) {
        compat_share((PyObject *)self);
    }
    return (PyObject *)self;
}

int stand_in_make_type(interpreter_state *interpreter, own_type which, const stand_in_type *type)
{
    static PyMemberDef members[] = {
        EDBPROF_VECTORCALL_MEMBER(stand_in),
        EDBPROF_WEAK_MEMBER(stand_in),
        {NULL},
    };
    PyType_Slot slots[] = {
        {Py_tp_new, type->new_object},
        {Py_tp_dealloc, type->dealloc},
        {Py_tp_traverse, type->traverse},
        {Py_tp_call, PyVectorcall_Call},
        {Py_tp_getattro, stand_in_getattro},
        {Py_tp_setattro, stand_in_setattro},
        {Py_tp_repr, stand_in_repr},
        {Py_tp_descr_get, stand_in_bind},
        {Py_tp_methods, stand_in_methods},
        {Py_tp_members, members},
        {Py_tp_getset, stand_in_getset},
        /* No Py_tp_doc, which would take the place of stand_in_doc. */
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = type->name,
        .basicsize = type->size,
        .flags = EDBPROF_CALLABLE_FLAGS | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_METHOD_DESCRIPTOR,
        .slots = slots,
    };
    return interpreter_make_type(interpreter, which, &spec);
}
