/* Methods that `with` binds at each span.
 *
 * Binding a method of C makes an object that the garbage collector has to know. A span refers only
 * to a name and a file, so its bound methods need no garbage collector, and take a third of the
 * time. */
#include "span_methods.h"

#include <structmember.h>

typedef struct {
    PyObject_HEAD vectorcallfunc vectorcall;
    const char *name;
    Py_ssize_t arguments;
    span_function *function;
    PyTypeObject *span; /* borrowed: the type has this method */
    PyTypeObject *bound;
} span_method;

typedef struct {
    PyObject_HEAD vectorcallfunc vectorcall;
    span_method *method;
    PyObject *span;
} bound_method;

/* Calls the method for a span, if it accepts this number of arguments. */
static PyObject *call_span_method(const span_method *method, PyObject *span, Py_ssize_t count,
                                  PyObject *keywords)
{
    bool fits = method->arguments < 0 || method->arguments == count;
    if (!fits || (keywords != NULL && PyTuple_GET_SIZE(keywords) > 0)) {
        PyErr_Format(PyExc_TypeError, "span.%s() is called with wrong arguments", method->name);
        return NULL;
    }
    return method->function(span);
}

static PyObject *call_bound_span_method(PyObject *self, PyObject *const *Py_UNUSED(arguments),
                                        size_t count, PyObject *keywords)
{
    const bound_method *bound = (bound_method *)self;
    return call_span_method(bound->method, bound->span, PyVectorcall_NARGS(count), keywords);
}

static PyObject *call_unbound_span_method(PyObject *self, PyObject *const *arguments, size_t count,
                                          PyObject *keywords)
{
    const span_method *method = (span_method *)self;
    Py_ssize_t given = PyVectorcall_NARGS(count);
    if (given == 0 || !PyObject_TypeCheck(arguments[0], method->span)) {
        PyErr_Format(PyExc_TypeError, "span.%s() needs a span", method->name);
        return NULL;
    }
    return call_span_method(method, arguments[0], given - 1, keywords);
}

static PyObject *bind_span_method(PyObject *self, PyObject *span, PyObject *Py_UNUSED(type))
{
    span_method *method = (span_method *)self;
    bound_method *bound = NULL;
    if (span == NULL) {
        Py_INCREF(self);
        return self;
    }
    bound = PyObject_New(bound_method, method->bound);
    if (bound != NULL) {
        Py_INCREF(self);
        Py_INCREF(span);
        bound->vectorcall = call_bound_span_method;
        bound->method = method;
        bound->span = span;
    }
    return (PyObject *)bound;
}

static void span_method_dealloc(PyObject *self)
{
    Py_DECREF(((span_method *)self)->bound);
    compat_free(self);
}

static void bound_span_method_dealloc(PyObject *self)
{
    bound_method *bound = (bound_method *)self;
    Py_DECREF(bound->method);
    Py_DECREF(bound->span);
    compat_free(self);
}

static PyObject *span_method_name(PyObject *self, void *Py_UNUSED(unused))
{
    return PyUnicode_FromString(((span_method *)self)->name);
}

static PyObject *bound_span_method_name(PyObject *self, void *Py_UNUSED(unused))
{
    return PyUnicode_FromString(((bound_method *)self)->method->name);
}

static PyMemberDef span_method_members[] = {EDBPROF_VECTORCALL_MEMBER(span_method), {NULL}};
static PyMemberDef bound_span_method_members[] = {
    EDBPROF_VECTORCALL_MEMBER(bound_method),
    {"__self__", T_OBJECT, offsetof(bound_method, span), READONLY, NULL},
    {NULL}};
static PyGetSetDef span_method_attributes[] = {{.name = "__name__", .get = span_method_name},
                                               {NULL}};
static PyGetSetDef bound_span_method_attributes[] = {
    {.name = "__name__", .get = bound_span_method_name}, {NULL}};

static int make_span_methods(interpreter_state *interpreter)
{
    static PyType_Slot method_slots[] = {
        {Py_tp_call, PyVectorcall_Call},        {Py_tp_descr_get, bind_span_method},
        {Py_tp_dealloc, span_method_dealloc},   {Py_tp_members, span_method_members},
        {Py_tp_getset, span_method_attributes}, {0, NULL},
    };
    static PyType_Spec method_spec = {
        .name = "edbprof_native._native.span_method",
        .basicsize = sizeof(span_method),
        .flags = EDBPROF_CALLABLE_FLAGS | EDBPROF_NEVER_CALLED | Py_TPFLAGS_METHOD_DESCRIPTOR,
        .slots = method_slots,
    };
    static PyType_Slot bound_slots[] = {
        {Py_tp_call, PyVectorcall_Call},
        {Py_tp_dealloc, bound_span_method_dealloc},
        {Py_tp_members, bound_span_method_members},
        {Py_tp_getset, bound_span_method_attributes},
        {0, NULL},
    };
    static PyType_Spec bound_spec = {
        .name = "edbprof_native._native.bound_span_method",
        .basicsize = sizeof(bound_method),
        .flags = EDBPROF_CALLABLE_FLAGS | EDBPROF_NEVER_CALLED,
        .slots = bound_slots,
    };
    return interpreter_make_type(interpreter, TYPE_SPAN_METHOD, &method_spec) < 0
               ? -1
               : interpreter_make_type(interpreter, TYPE_BOUND_SPAN_METHOD, &bound_spec);
}

int span_add_method(interpreter_state *interpreter, const char *name, Py_ssize_t arguments,
                    span_function *function)
{
    if (make_span_methods(interpreter) < 0) {
        return -1;
    }
    span_method *method = PyObject_New(span_method, interpreter->types[TYPE_SPAN_METHOD]);
    if (method == NULL) {
        return -1;
    }
    method->vectorcall = call_unbound_span_method;
    method->name = name;
    method->arguments = arguments;
    method->function = function;
    method->span = interpreter->types[TYPE_SPAN];
    method->bound = interpreter->types[TYPE_BOUND_SPAN_METHOD];
    Py_INCREF(method->bound);
    int added = PyDict_SetItemString(method->span->tp_dict, name, (PyObject *)method);
    PyType_Modified(method->span);
    Py_DECREF(method);
    return added;
}
