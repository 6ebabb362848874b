/* span: a part of a Python program that has a name in the call tree. */
#include "span_type.h"

#include "give_span.h"
#include "guard.h"
#include "names.h"
#include "span_methods.h"
#include "thread_state.h"

typedef struct {
    PyObject_HEAD PyObject *name, *file;
    long long line;
    const edbprof_function *span; /* NULL until it is recorded */
} span_object;

/* Finds the calling thread's state, because spans go to the state that this OS thread used last,
 * which may be another interpreter's. */
static void find_thread(void) { (void)thread_state_current(); }

/* The span's description. NULL with an exception. */
static const edbprof_function *describe(span_object *self)
{
    EDBPROF_GUARDED;
    bool is_plain = self->file == NULL && self->line == 0 && PyUnicode_CheckExact(self->name);
    interpreter_state *here = interpreter_here();
    PyObject *known = NULL;
    if (is_plain && here != NULL) {
        here->known_spans = here->known_spans != NULL ? here->known_spans : PyDict_New();
        known = here->known_spans;
        PyObject *address = known == NULL ? NULL : compat_dict_get_key(known, self->name);
        if (address != NULL) {
            const edbprof_function *span = PyLong_AsVoidPtr(address);
            Py_DECREF(address);
            return span;
        }
        if (PyErr_Occurred()) {
            return NULL;
        }
    }
    PyObject *owners[2];
    edbprof_str name = name_text(self->name, &owners[0]);
    edbprof_str file = name_text(self->file, &owners[1]);
    const edbprof_function *span;
    edbprof_status status = edbprof_span_intern(name, file, self->line, &span);
    Py_XDECREF(owners[0]);
    Py_XDECREF(owners[1]);
    if (status != EDBPROF_OK) {
        PyErr_NoMemory();
        return NULL;
    }
    PyObject *address = known != NULL ? PyLong_FromVoidPtr((void *)span) : NULL;
    if (address != NULL && PyDict_SetItem(known, self->name, address) < 0) {
        PyErr_Clear(); /* The name is interned anew the next time. */
    }
    Py_XDECREF(address);
    PyErr_Clear();
    return span;
}

const edbprof_function *span_called(PyObject *name)
{
    if (__atomic_load_n(&threads_recording, __ATOMIC_RELAXED) == 0) {
        return NULL;
    }
    find_thread();
    span_object of_name = {.name = name};
    const edbprof_function *span = describe(&of_name);
    PyErr_Clear();
    return span;
}

const edbprof_function *span_type_begin(PyObject *object)
{
    span_object *self = (span_object *)object;
    if (__atomic_load_n(&threads_recording, __ATOMIC_RELAXED) == 0) {
        return NULL;
    }
    if (self->span == NULL) {
        PyObject *exception = compat_take_exception();
        self->span = describe(self);
        PyErr_Clear();
        compat_restore_exception(exception);
    }
    if (self->span != NULL) {
        find_thread();
        span_begin(self->span);
    }
    return self->span;
}

void span_type_end(const edbprof_function *span)
{
    if (span != NULL && __atomic_load_n(&threads_recording, __ATOMIC_RELAXED) != 0) {
        find_thread();
        span_end(span);
    }
}

static PyObject *span_enter_method(PyObject *self)
{
    (void)span_type_begin(self);
    Py_INCREF(self);
    return self;
}

static PyObject *span_exit_method(PyObject *self)
{
    span_type_end(((span_object *)self)->span);
    Py_RETURN_NONE;
}

/* Decorates a function: _spans.py makes the stand-in. */
static PyObject *span_call(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    PyObject *function;
    if (keywords != NULL && PyDict_GET_SIZE(keywords) > 0) {
        PyErr_SetString(PyExc_TypeError, "span() decorates one function");
        return NULL;
    }
    if (!PyArg_ParseTuple(arguments, "O:span", &function)) {
        return NULL;
    }
    PyObject *module = PyImport_ImportModule("edbprof_native._spans");
    PyObject *result =
        module == NULL ? NULL : PyObject_CallMethod(module, "decorate", "OO", self, function);
    Py_XDECREF(module);
    return result;
}

static PyObject *make_span(PyTypeObject *type, PyObject *name, PyObject *file, long long line)
{
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "a span's name must be a str, not %.100s",
                     Py_TYPE(name)->tp_name);
        return NULL;
    }
    span_object *self = (span_object *)type->tp_alloc(type, 0);
    if (self != NULL) {
        Py_INCREF(name);
        Py_XINCREF(file);
        self->name = name;
        self->file = file;
        self->line = line;
    }
    return (PyObject *)self;
}

static PyObject *span_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "file", "line", NULL};
    PyObject *name, *file = NULL;
    long long line = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$UL:span", names, &name, &file, &line)) {
        return NULL;
    }
    return make_span(type, name, file, line);
}

static PyObject *span_vectorcall(PyObject *type, PyObject *const *arguments, size_t count,
                                 PyObject *keywords)
{
    Py_ssize_t positional = PyVectorcall_NARGS(count);
    if (positional == 1 && keywords == NULL) {
        return make_span((PyTypeObject *)type, arguments[0], NULL, 0);
    }
    PyObject *tuple = PyTuple_New(positional);
    PyObject *dict = keywords == NULL ? NULL : PyDict_New();
    PyObject *result = NULL;
    bool failed = tuple == NULL || (keywords != NULL && dict == NULL);
    for (Py_ssize_t i = 0; !failed && i < positional; i++) {
        Py_INCREF(arguments[i]);
        PyTuple_SET_ITEM(tuple, i, arguments[i]);
    }
    for (Py_ssize_t i = 0; !failed && keywords != NULL && i < PyTuple_GET_SIZE(keywords); i++) {
        failed = PyDict_SetItem(dict, PyTuple_GET_ITEM(keywords, i), arguments[positional + i]) < 0;
    }
    if (!failed) {
        result = span_new((PyTypeObject *)type, tuple, dict);
    }
    Py_XDECREF(tuple);
    Py_XDECREF(dict);
    return result;
}

static void span_dealloc(PyObject *object)
{
    span_object *self = (span_object *)object;
    Py_DECREF(self->name);
    Py_XDECREF(self->file);
    compat_free(object);
}

static PyObject *span_repr(PyObject *self)
{
    return PyUnicode_FromFormat("span(%R)", ((span_object *)self)->name);
}

int span_init(interpreter_state *interpreter)
{
    static PyType_Slot slots[] = {
        {Py_tp_new, span_new},
        {Py_tp_dealloc, span_dealloc},
        {Py_tp_call, span_call},
        {Py_tp_repr, span_repr},
        {Py_tp_doc,
         (void *)"span(name, /, *, file='', line=0)\n--\n\n"
                 "A part of the program that has a name in the call tree: a context manager and a "
                 "decorator."},
        {0, NULL},
    };
    static PyType_Spec spec = {
        .name = "edbprof_native._native.span",
        .basicsize = sizeof(span_object),
        .flags = EDBPROF_TYPE_FLAGS,
        .slots = slots,
    };
    if (interpreter_make_type(interpreter, TYPE_SPAN, &spec) < 0) {
        return -1;
    }
    interpreter->types[TYPE_SPAN]->tp_vectorcall = span_vectorcall;
    return span_add_method(interpreter, "__enter__", 0, span_enter_method) < 0
               ? -1
               : span_add_method(interpreter, "__exit__", -1, span_exit_method);
}
