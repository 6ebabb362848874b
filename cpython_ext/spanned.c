/* Spanned: the result of decorating with span(), a stand-in that calls within the span. */
#include "spanned.h"

#include "events.h"
#include "span_type.h"
#include "stand_in.h"

typedef struct {
    stand_in base;
    PyObject *span;
    PyObject *called; /* enters the span itself, in place of the function; or NULL */
} spanned;

static PyObject *spanned_vectorcall(PyObject *object, PyObject *const *arguments, size_t count,
                                    PyObject *keywords)
{
    spanned *self = (spanned *)object;
    if (self->called != NULL) {
        return PyObject_Vectorcall(self->called, arguments, count, keywords);
    }
    /* The function may drop the last reference to this object, but descriptions are kept. */
    const edbprof_function *begun = span_type_begin(self->span);
    if (begun == NULL) {
        return PyObject_Vectorcall(self->base.function, arguments, count, keywords);
    }
    PyObject *result = call_recorded(self->base.function, arguments, count, keywords);
    PyObject *exception = result == NULL ? compat_take_exception() : NULL;
    span_type_end(begun);
    compat_restore_exception(exception);
    return result;
}

static int spanned_traverse(PyObject *object, visitproc visit, void *arg)
{
    spanned *self = (spanned *)object;
    Py_VISIT(self->span);
    Py_VISIT(self->called);
    return stand_in_traverse(object, visit, arg);
}

static void spanned_dealloc(PyObject *object)
{
    spanned *self = (spanned *)object;
    stand_in_let_go(object);
    Py_DECREF(self->span);
    Py_XDECREF(self->called);
    compat_free(object);
}

static PyObject *spanned_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", "called", NULL};
    const interpreter_state *here = interpreter_here();
    PyObject *function, *span, *called = NULL;
    if (here == NULL ||
        !PyArg_ParseTupleAndKeywords(args, kwargs, "OO!|$O:Spanned", names, &function,
                                     here->types[TYPE_SPAN], &span, &called)) {
        return NULL;
    }
    spanned *self = (spanned *)stand_in_new(type, function, spanned_vectorcall);
    if (self == NULL) {
        return NULL;
    }
    Py_INCREF(span);
    self->span = span;
    self->called = called == Py_None ? NULL : called;
    Py_XINCREF(self->called);
    return stand_in_finished(&self->base);
}

/* Spanned(function, span, /, *, called=None) takes the place of `function` and calls it within the
 * span, or calls `called` instead. */
int spanned_init(interpreter_state *interpreter)
{
    static const stand_in_type type = {
        .name = "edbprof_native._native.Spanned",
        .size = sizeof(spanned),
        .new_object = spanned_new,
        .traverse = spanned_traverse,
        .dealloc = spanned_dealloc,
    };
    return stand_in_make_type(interpreter, TYPE_SPANNED, &type);
}
