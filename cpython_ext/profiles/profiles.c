/* The extension module `edbprof_native._profiles`: profiles as data. It is imported at the first
 * use, so that processes that are recorded neither load nor map it. */
#include "compat.h"

#include "edbprof.h"
#include "edbprof_profiles.h"

#include <string.h>

/* Objects that each interpreter has for itself. */
typedef struct {
    PyObject *profile_error;
    PyTypeObject *column_type, *data_type;
} module_state;

/* Columns */

typedef struct {
    PyObject_HEAD
        /* Keeps the items alive. */
        PyObject *owner;
    const void *items;
    Py_ssize_t length;
    Py_ssize_t item_size;
    const char *format;
} column;

static void column_dealloc(PyObject *self)
{
    Py_XDECREF(((column *)self)->owner);
    compat_free(self);
}

static int column_getbuffer(PyObject *object, Py_buffer *view, int flags)
{
    column *self = (column *)object;
    if (PyBuffer_FillInfo(view, object, (void *)self->items, self->length * self->item_size, 1,
                          flags) < 0) {
        return -1;
    }
    view->itemsize = self->item_size;
    if ((flags & PyBUF_FORMAT) == PyBUF_FORMAT) {
        view->format = (char *)self->format;
    }
    if ((flags & PyBUF_ND) == PyBUF_ND) {
        view->shape = &self->length;
    }
    if ((flags & PyBUF_STRIDES) == PyBUF_STRIDES) {
        view->strides = &self->item_size;
    }
    return 0;
}

static PyType_Slot column_slots[] = {
    {Py_tp_dealloc, column_dealloc},
    {Py_bf_getbuffer, column_getbuffer},
    {Py_tp_doc, (void *)"Column()\n--\n\nNumbers of a profile: `memoryview(column)` has them."},
    {0, NULL},
};

static PyType_Spec column_spec = {
    .name = "edbprof_native._profiles.Column",
    .basicsize = sizeof(column),
    .flags = EDBPROF_TYPE_FLAGS | EDBPROF_NEVER_CALLED,
    .slots = column_slots,
};

/* Returns a memoryview of `length` items at `items`, which live as long as `owner`. */
static PyObject *view_of(PyTypeObject *type, PyObject *owner, const void *items, size_t length,
                         size_t item_size, const char *format)
{
    column *made = PyObject_New(column, type);
    if (made == NULL) {
        return NULL;
    }
    Py_INCREF(owner);
    made->owner = owner;
    /* Not NULL, which means no buffer. */
    made->items = items != NULL ? items : "";
    made->length = (Py_ssize_t)length;
    made->item_size = (Py_ssize_t)item_size;
    made->format = format;
    PyObject *view = PyMemoryView_FromObject((PyObject *)made);
    Py_DECREF(made);
    return view;
}

/* Errors */

static void raise_failure(PyObject *module, edbprof_status status, edbprof_failure *failure,
                          PyObject *sources)
{
    PyObject *profile_error = ((module_state *)PyModule_GetState(module))->profile_error;
    PyObject *reason = NULL;
    if (failure->reason.data != NULL) {
        reason = PyUnicode_DecodeUTF8((const char *)failure->reason.data,
                                      (Py_ssize_t)failure->reason.len, "replace");
        edbprof_bytes_free(&failure->reason);
    } else {
        reason = PyUnicode_FromFormat("edbprof has failed (status %d)", (int)status);
    }
    if (reason == NULL) {
        return;
    }
    PyObject *name = NULL;
    if (failure->source < (size_t)PyTuple_GET_SIZE(sources)) {
        PyObject *source = PyTuple_GET_ITEM(sources, (Py_ssize_t)failure->source);
        PyObject *path = PyTuple_GET_ITEM(source, 0);
        name = path == Py_None ? PyUnicode_FromFormat("source %zu", failure->source)
                               : PyUnicode_DecodeFSDefaultAndSize(PyBytes_AS_STRING(path),
                                                                  PyBytes_GET_SIZE(path));
    }
    if (PyErr_Occurred()) {
        /* The exception that is set says more. */
    } else if (status == EDBPROF_SYSTEM_ERROR && failure->os_error != 0 && name != NULL) {
        PyObject *error = PyObject_CallFunction(PyExc_OSError, "isO", failure->os_error,
                                                strerror(failure->os_error), name);
        if (error != NULL) {
            PyErr_SetObject((PyObject *)Py_TYPE(error), error);
            Py_DECREF(error);
        }
    } else if (name != NULL) {
        PyErr_Format(profile_error, "%U: %U", name, reason);
    } else {
        PyErr_Format(profile_error, "%U", reason);
    }
    Py_XDECREF(name);
    Py_DECREF(reason);
}

static void raise_status(edbprof_status status)
{
    switch (status) {
    case EDBPROF_BAD_ARGUMENT: PyErr_SetString(PyExc_ValueError, "there is no such thing"); break;
    case EDBPROF_OUT_OF_MEMORY: PyErr_NoMemory(); break;
    default: PyErr_Format(PyExc_RuntimeError, "edbprof has failed (status %d)", (int)status);
    }
}

static PyObject *take_bytes(edbprof_bytes *bytes)
{
    PyObject *taken = PyBytes_FromStringAndSize((const char *)bytes->data, (Py_ssize_t)bytes->len);
    edbprof_bytes_free(bytes);
    return taken;
}

/* Profiles and comparisons */

typedef struct {
    PyObject_HEAD edbprof_data *handle;
    const module_state *state; /* of the module, which the type keeps */
} data;

static PyObject *data_new(const module_state *state, edbprof_data *handle)
{
    data *made = PyObject_New(data, state->data_type);
    if (made == NULL) {
        edbprof_data_free(handle);
        return NULL;
    }
    made->handle = handle;
    made->state = state;
    return (PyObject *)made;
}

static void data_dealloc(PyObject *self)
{
    edbprof_data_free(((data *)self)->handle);
    compat_free(self);
}

/* Returns the format of a column's items: the id shows which are signed, and which are fractions. */
static const char *format_of(unsigned id, size_t item_size)
{
    switch (item_size) {
    case 1: return "B";
    case 4: return "I";
    default: break;
    }
    if (id >= EDBPROF_CHANGE_CALLS_BEFORE) {
        return "d";
    }
    bool is_signed = id == EDBPROF_FUNCTION_LINE || id == EDBPROF_CHANGE_LINE ||
                     (id >= EDBPROF_FUNCTION_CALLS && id <= EDBPROF_FUNCTION_TOTAL_NS);
    return is_signed ? "q" : "Q";
}

static PyObject *data_column(PyObject *self, PyObject *argument)
{
    unsigned long id = PyLong_AsUnsignedLong(argument);
    if (PyErr_Occurred()) {
        return NULL;
    }
    edbprof_column found;
    edbprof_status status;
    Py_BEGIN_ALLOW_THREADS status =
        edbprof_data_column(((data *)self)->handle, (uint32_t)id, &found);
    Py_END_ALLOW_THREADS if (status != EDBPROF_OK)
    {
        raise_status(status);
        return NULL;
    }
    if (found.ends == NULL) {
        return view_of(((data *)self)->state->column_type, self, found.data, found.len,
                       found.item_size, format_of((unsigned)id, found.item_size));
    }
    PyObject *texts = PyList_New((Py_ssize_t)found.len);
    uint64_t start = 0;
    for (size_t at = 0; texts != NULL && at < found.len; at++) {
        PyObject *text =
            PyUnicode_DecodeUTF8((const char *)found.data + start,
                                 (Py_ssize_t)(found.ends[at] - start), "surrogatepass");
        if (text == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
            PyErr_Clear();
            text = PyUnicode_DecodeUTF8((const char *)found.data + start,
                                        (Py_ssize_t)(found.ends[at] - start), "replace");
        }
        if (text == NULL) {
            Py_CLEAR(texts);
            break;
        }
        PyList_SET_ITEM(texts, (Py_ssize_t)at, text);
        start = found.ends[at];
    }
    return texts;
}

static PyObject *data_encode(PyObject *self, PyObject *Py_UNUSED(unused))
{
    edbprof_bytes bytes;
    edbprof_status status;
    Py_BEGIN_ALLOW_THREADS status = edbprof_data_encode(((data *)self)->handle, &bytes);
    Py_END_ALLOW_THREADS if (status != EDBPROF_OK)
    {
        raise_status(status);
        return NULL;
    }
    return take_bytes(&bytes);
}

static bool pattern_of(PyObject *argument, edbprof_str *pattern)
{
    Py_ssize_t length;
    pattern->data = PyUnicode_AsUTF8AndSize(argument, &length);
    pattern->len = (size_t)length;
    return pattern->data != NULL;
}

static PyObject *data_find(PyObject *self, PyObject *argument)
{
    edbprof_str pattern;
    edbprof_bytes bytes;
    if (!pattern_of(argument, &pattern)) {
        return NULL;
    }
    edbprof_status status;
    Py_BEGIN_ALLOW_THREADS status = edbprof_data_find(((data *)self)->handle, pattern, &bytes);
    Py_END_ALLOW_THREADS if (status != EDBPROF_OK)
    {
        raise_status(status);
        return NULL;
    }
    return take_bytes(&bytes);
}

static PyObject *data_subtree(PyObject *self, PyObject *argument)
{
    edbprof_str pattern;
    if (!pattern_of(argument, &pattern)) {
        return NULL;
    }
    edbprof_data *subtree;
    edbprof_status status;
    Py_BEGIN_ALLOW_THREADS status = edbprof_data_subtree(((data *)self)->handle, pattern, &subtree);
    Py_END_ALLOW_THREADS if (status != EDBPROF_OK)
    {
        raise_status(status);
        return NULL;
    }
    if (subtree == NULL) {
        Py_RETURN_NONE;
    }
    return data_new(((data *)self)->state, subtree);
}

static PyObject *data_diff(PyObject *self, PyObject *arguments)
{
    PyObject *other;
    int as_recorded;
    if (!PyArg_ParseTuple(arguments, "O!p:diff", ((data *)self)->state->data_type, &other,
                          &as_recorded)) {
        return NULL;
    }
    edbprof_data *compared;
    edbprof_status status;
    Py_BEGIN_ALLOW_THREADS status =
        edbprof_data_diff(((data *)self)->handle, ((data *)other)->handle,
                          as_recorded ? EDBPROF_AS_RECORDED : 0, &compared);
    Py_END_ALLOW_THREADS if (status != EDBPROF_OK)
    {
        raise_status(status);
        return NULL;
    }
    return data_new(((data *)self)->state, compared);
}

static PyMethodDef data_methods[] = {
    {"column", data_column, METH_O,
     "column($self, id, /)\n--\n\nReturn a column by its number in edbprof_profiles.h: a "
     "memoryview of "
     "numbers, or a list of texts."},
    {"encode", data_encode, METH_NOARGS,
     "encode($self, /)\n--\n\nReturn the content of a .prof file."},
    {"find", data_find, METH_O,
     "find($self, pattern, /)\n--\n\nReturn a byte for each function, 1 if the pattern matches "
     "it."},
    {"subtree", data_subtree, METH_O,
     "subtree($self, pattern, /)\n--\n\nReturn the calls of functions that match, with all that "
     "they "
     "have called; None without such a call."},
    {"diff", data_diff, METH_VARARGS,
     "diff($self, other, as_recorded, /)\n--\n\nReturn the comparison with a later profile."},
    {NULL},
};

static PyType_Slot data_slots[] = {
    {Py_tp_dealloc, data_dealloc},
    {Py_tp_methods, data_methods},
    {Py_tp_doc, (void *)"Data()\n--\n\nA profile, or two that are compared, as columns."},
    {0, NULL},
};

static PyType_Spec data_spec = {
    .name = "edbprof_native._profiles.Data",
    .basicsize = sizeof(data),
    .flags = EDBPROF_TYPE_FLAGS | EDBPROF_NEVER_CALLED,
    .slots = data_slots,
};

/* Functions of the module */

/* Returns the sources of a tuple of (path, content): bytes, of which one is None. Returns NULL with
 * an exception set if the tuple is no such tuple. */
static edbprof_source *sources_of(PyObject *tuple)
{
    Py_ssize_t length = PyTuple_GET_SIZE(tuple);
    edbprof_source *sources = PyMem_Calloc((size_t)length + 1, sizeof(edbprof_source));
    if (sources == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t at = 0; at < length; at++) {
        PyObject *path;
        PyObject *content;
        PyObject *source = PyTuple_GET_ITEM(tuple, at);
        if (!PyTuple_Check(source) || !PyArg_ParseTuple(source, "OO", &path, &content)) {
            goto refused;
        }
        bool has_path = path != Py_None;
        PyObject *bytes = has_path ? path : content;
        if (!PyBytes_Check(bytes)) {
            goto refused;
        }
        edbprof_str text = {PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes)};
        *(has_path ? &sources[at].path : &sources[at].content) = text;
    }
    return sources;
refused:
    if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_TypeError, "a source is a pair of bytes and None");
    }
    PyMem_Free(sources);
    return NULL;
}

static PyObject *load(PyObject *module, PyObject *arguments)
{
    PyObject *tuple;
    unsigned flags;
    if (!PyArg_ParseTuple(arguments, "O!I:load", &PyTuple_Type, &tuple, &flags)) {
        return NULL;
    }
    edbprof_source *sources = sources_of(tuple);
    if (sources == NULL) {
        return NULL;
    }
    edbprof_data *loaded;
    edbprof_failure failure = {0};
    edbprof_status status;
    Py_BEGIN_ALLOW_THREADS status =
        edbprof_data_load(sources, (size_t)PyTuple_GET_SIZE(tuple), flags, &loaded, &failure);
    Py_END_ALLOW_THREADS PyMem_Free(sources);
    if (status != EDBPROF_OK) {
        raise_failure(module, status, &failure, tuple);
        return NULL;
    }
    return data_new(PyModule_GetState(module), loaded);
}

static PyObject *merge(PyObject *module, PyObject *tuple)
{
    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(PyExc_TypeError, "merge() takes a tuple of sources");
        return NULL;
    }
    edbprof_source *sources = sources_of(tuple);
    if (sources == NULL) {
        return NULL;
    }
    edbprof_bytes merged;
    edbprof_failure failure = {0};
    edbprof_status status;
    Py_BEGIN_ALLOW_THREADS status =
        edbprof_merge(sources, (size_t)PyTuple_GET_SIZE(tuple), &merged, &failure);
    Py_END_ALLOW_THREADS PyMem_Free(sources);
    if (status != EDBPROF_OK) {
        raise_failure(module, status, &failure, tuple);
        return NULL;
    }
    return take_bytes(&merged);
}

static PyMethodDef module_methods[] = {
    {"load", load, METH_VARARGS,
     "load(sources, flags, /)\n--\n\nRead and merge profiles: a tuple of (path, None) and (None, "
     "content), all bytes."},
    {"merge", merge, METH_O,
     "merge(sources, /)\n--\n\nMerge profiles into the content of a .prof file."},
    {NULL},
};

static int module_exec(PyObject *module)
{
    if (!EDBPROF_ABI_IS_COMPATIBLE(edbprof_abi_version())) {
        PyErr_SetString(PyExc_ImportError,
                        "edbprof_native was compiled for another version of its library: "
                        "reinstall edbprof");
        return -1;
    }
    module_state *state = PyModule_GetState(module);
    state->column_type = compat_make_type(module, &column_spec);
    state->data_type = compat_make_type(module, &data_spec);
    state->profile_error = PyErr_NewExceptionWithDoc(
        "edbprof_native.ProfileError",
        "A file is no profile, or a damaged one, or can't be merged with the others.",
        PyExc_ValueError, NULL);
    if (state->column_type == NULL || state->data_type == NULL || state->profile_error == NULL ||
        PyModule_AddType(module, state->data_type) < 0) {
        return -1;
    }
    Py_INCREF(state->profile_error);
    if (PyModule_AddObject(module, "ProfileError", state->profile_error) < 0) {
        Py_DECREF(state->profile_error);
        return -1;
    }
    return 0;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    const module_state *state = PyModule_GetState(module);
    Py_VISIT(state->profile_error);
    Py_VISIT(state->column_type);
    Py_VISIT(state->data_type);
    return 0;
}

static int module_clear(PyObject *module)
{
    module_state *state = PyModule_GetState(module);
    Py_CLEAR(state->profile_error);
    Py_CLEAR(state->column_type);
    Py_CLEAR(state->data_type);
    return 0;
}

static void module_free(void *module) { (void)module_clear(module); }

/* Threads share only the library's data, and the library excludes threads by itself. */
static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    EDBPROF_MODULE_SLOTS,
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "edbprof_native._profiles",
    .m_doc = "Profiles as data; use edbprof_native.load.",
    .m_size = sizeof(module_state),
    .m_methods = module_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__profiles(void) { return PyModuleDef_Init(&definition); }
