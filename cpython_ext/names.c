/* Names of functions and threads.
 *
 * cProfile's label of a builtin (normalizeUserObj in Modules/_lsprof.c) is a repr and may hold an
 * address, which differs in every process. A name from this file holds none, and finding it runs no
 * code of the program. */
#include "names.h"

#include "interpreter.h"
#include "slowness.h"

#ifdef __linux__
#include <sys/prctl.h>
#else
#include <pthread.h>
#endif

void names_set_package_directory(PyObject *directory)
{
    interpreter_state *here = interpreter_here();
    if (here != NULL) {
        Py_INCREF(directory);
        Py_XSETREF(here->package_directory, directory);
    }
}

edbprof_str name_text(PyObject *text, PyObject **owner)
{
    *owner = NULL;
    if (text == NULL || !PyUnicode_Check(text)) {
        return (edbprof_str){NULL, 0};
    }
    if (PyUnicode_IS_COMPACT_ASCII(text)) {
        Py_INCREF(text);
        *owner = text;
        return (edbprof_str){(const char *)PyUnicode_1BYTE_DATA(text),
                             (size_t)PyUnicode_GET_LENGTH(text)};
    }
    *owner = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
    if (*owner == NULL) {
        PyErr_Clear();
    }
    return name_bytes(*owner);
}

edbprof_str named_keep(named *self, PyObject *text)
{
    PyObject *owner;
    edbprof_str bytes = name_text(text, &owner);
    if (owner != NULL) {
        self->owners[self->owner_count++] = owner;
    }
    return bytes;
}

void named_clear(named *self)
{
    while (self->owner_count > 0) {
        Py_DECREF(self->owners[--self->owner_count]);
    }
}

/* Returns true for a function or method of this extension, whose types can't be subclassed. */
static bool is_own_builtin(const PyCFunctionObject *builtin)
{
    static const char OWN[] = "edbprof_native._native";
    PyObject *owner = builtin->m_self;
    const char *name = owner == NULL           ? NULL
                       : PyModule_Check(owner) ? PyModule_GetName(owner)
                                               : Py_TYPE(owner)->tp_name;
    PyErr_Clear();
    return name != NULL && strncmp(name, OWN, strlen(OWN)) == 0;
}

static void begin_description(named *self, uint32_t kind)
{
    *self = (named){.function = {.struct_size = sizeof self->function, .kind = kind}};
}

static bool is_own_file(PyObject *file)
{
    const interpreter_state *here = interpreter_here();
    PyObject *directory = here == NULL ? NULL : here->package_directory;
    return directory != NULL && PyUnicode_Check(file) &&
           PyUnicode_Tailmatch(file, directory, 0, PY_SSIZE_T_MAX, -1) == 1;
}

/* Returns true if the call that is about to begin is a property's: its caller loads an
 * attribute. A function is judged by its first call alone. */
static bool loads_attribute(PyCodeObject *code)
{
    PyFrameObject *frame = PyEval_GetFrame();
    if (code->co_argcount != 1 || frame == NULL || compat_frame_code(frame) != code) {
        return false;
    }
    PyFrameObject *caller = PyFrame_GetBack(frame);
    if (caller == NULL) {
        PyErr_Clear(); /* Most often there is no caller; else memory is used up. */
        return false;
    }
    bool loads = compat_frame_opcode(caller) == LOAD_ATTR;
    Py_DECREF(caller);
    return loads;
}

/* Returns the innermost open frame of this code: a new reference, or NULL. */
static PyFrameObject *open_frame(PyCodeObject *code)
{
    PyFrameObject *frame = PyEval_GetFrame();
    Py_XINCREF(frame);
    while (frame != NULL && compat_frame_code(frame) != code) {
        PyFrameObject *caller = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = caller;
    }
    return frame;
}

/* Returns a global variable where the code's function was defined: a new reference, or NULL with
 * nothing raised. Code that is described has a frame, which begins or was open before recording. */
static PyObject *code_global(PyCodeObject *code, const char *variable)
{
    PyFrameObject *frame = open_frame(code);
    if (frame == NULL) {
        PyErr_Clear();
        return NULL;
    }
    PyObject *globals = compat_frame_globals(frame);
    PyObject *name = NULL;
    if (globals != NULL && PyDict_CheckExact(globals)) {
        name = compat_dict_get(globals, variable);
    }
    Py_XDECREF(globals);
    Py_DECREF(frame);
    PyErr_Clear();
    return name;
}

void name_code(named *self, PyCodeObject *code)
{
    begin_description(self, EDBPROF_PYTHON);
    PyObject *qualified_name = compat_code_qualified_name(code);
    self->function.file = named_keep(self, code->co_filename);
    self->function.line = code->co_firstlineno;
    self->function.name = named_keep(self, code->co_name);
    self->function.qualified_name = named_keep(self, qualified_name);
    Py_XDECREF(qualified_name);
    PyObject *module = code_global(code, "__name__");
    self->function.module = named_keep(self, module);
    Py_XDECREF(module);
    if (is_own_file(code->co_filename)) {
        self->function.flags |= EDBPROF_HIDDEN;
    }
    if (loads_attribute(code)) {
        self->function.flags |= EDBPROF_PROPERTY;
    }
    self->function.flags |= slowness_flags(code);
}

PyObject *name_origin(PyCodeObject *code)
{
    PyObject *file = code->co_filename;
    bool is_none = PyUnicode_GET_LENGTH(file) > 0 && PyUnicode_READ_CHAR(file, 0) == '<';
    return is_none ? code_global(code, "__file__") : NULL;
}

/* Returns the module's name, or NULL: a new reference, nothing raised. */
static PyObject *module_name(PyCFunctionObject *builtin)
{
    PyObject *module = builtin->m_module;
    if (module != NULL && PyModule_Check(module)) {
        PyObject *name = PyModule_GetNameObject(module);
        if (name == NULL) {
            PyErr_Clear();
        }
        return name;
    }
    if (module != NULL && PyUnicode_Check(module)) {
        Py_INCREF(module);
        return module;
    }
    return NULL;
}

/* Returns the name of a method of pybind11. Its owner is not its class, but its documentation names
 * the class. A new reference, or NULL with nothing raised. */
static PyObject *method_of_class(const PyMethodDef *definition)
{
    static const char SELF[] = "(self: ";
    const char *at = definition->ml_doc == NULL ? NULL : strstr(definition->ml_doc, SELF);
    if (at == NULL) {
        return NULL;
    }
    const char *name = at + strlen(SELF);
    PyObject *class = PyUnicode_DecodeUTF8(name, (Py_ssize_t)strcspn(name, ",) "), "replace");
    PyObject *method = class == NULL ? NULL
                                     : PyUnicode_FromFormat("<method '%s' of '%U' objects>",
                                                            definition->ml_name, class);
    PyErr_Clear();
    Py_XDECREF(class);
    return method;
}

/* Returns a method's name, by the attribute of its type. */
static PyObject *name_of_attribute(PyObject *found, const char *name)
{
    if (PyCFunction_Check(found) && PyCFunction_GET_SELF(found) != NULL &&
        !PyModule_Check(PyCFunction_GET_SELF(found))) {
        return PyUnicode_FromFormat("<built-in method %s of %s object>", name,
                                    Py_TYPE(PyCFunction_GET_SELF(found))->tp_name);
    }
    if (Py_TYPE(found) == &PyMethodDescr_Type || Py_TYPE(found) == &PyClassMethodDescr_Type ||
        Py_TYPE(found) == &PyWrapperDescr_Type || PyCFunction_Check(found)) {
        /* Not PyObject_Repr(), which runs signal handlers. */
        return Py_TYPE(found)->tp_repr(found);
    }
    if (PyFunction_Check(found)) {
        return PyUnicode_FromFormat("<function %U>", ((PyFunctionObject *)found)->func_qualname);
    }
    return PyUnicode_FromFormat("<built-in method %s>", name);
}

/* Returns a method's name as cProfile finds it: by the attribute of its type. */
static PyObject *method_name(PyCFunctionObject *builtin, PyObject *module)
{
    const char *name = builtin->m_ml->ml_name;
    PyObject *key = PyUnicode_FromString(name);
    if (key == NULL) {
        return NULL;
    }
    PyObject *found = compat_type_get(Py_TYPE(builtin->m_self), key);
    Py_DECREF(key);
    if (found == NULL) {
        PyObject *method = method_of_class(builtin->m_ml);
        if (method != NULL) {
            return method;
        }
        return module != NULL ? PyUnicode_FromFormat("<built-in method %U.%s>", module, name)
                              : PyUnicode_FromFormat("<built-in method %s>", name);
    }
    PyObject *result = name_of_attribute(found, name);
    Py_DECREF(found);
    return result;
}

static PyObject *builtin_name(PyCFunctionObject *builtin, PyObject *module)
{
    PyObject *owner = builtin->m_self;
    const char *name = builtin->m_ml->ml_name;
    if (owner != NULL && !PyModule_Check(owner)) {
        return method_name(builtin, module);
    }
    if (module == NULL) {
        return PyUnicode_FromFormat("<%s>", name);
    }
    return PyUnicode_FromFormat("<built-in method %U.%s>", module, name);
}

void name_as_builtin(named *self, PyObject *name, PyObject *module, const char *bare)
{
    begin_description(self, EDBPROF_BUILTIN);
    self->function.name = name == NULL ? (edbprof_str){bare, strlen(bare)} : named_keep(self, name);
    self->function.file = (edbprof_str)EDBPROF_STR("~");
    self->function.module = named_keep(self, module);
}

void name_builtin(named *self, PyCFunctionObject *builtin)
{
    PyObject *module = module_name(builtin);
    PyObject *name = builtin_name(builtin, module);
    PyErr_Clear();
    name_as_builtin(self, name, module, builtin->m_ml->ml_name);
    if (is_own_builtin(builtin)) {
        self->function.flags |= EDBPROF_HIDDEN;
    }
    Py_XDECREF(name);
    Py_XDECREF(module);
}

PyObject *loaded_modules(void)
{
    PyObject *modules = compat_sys_get("modules");
    if (modules != NULL && !PyDict_Check(modules)) {
        Py_CLEAR(modules);
    }
    return modules;
}

PyObject *loaded_module(const char *name)
{
    PyObject *modules = loaded_modules();
    PyObject *module = modules == NULL ? NULL : compat_dict_get(modules, name);
    Py_XDECREF(modules);
    return module;
}

/* Returns the name that the operating system has for the calling thread, else its number: a new
 * reference, or NULL with an exception. */
static PyObject *name_os_thread(unsigned long number)
{
    char name[64] = "";
#ifdef __linux__
    bool is_named = prctl(PR_GET_NAME, name) == 0 && name[0] != '\0';
#else
    bool is_named = pthread_getname_np(pthread_self(), name, sizeof name) == 0 && name[0] != '\0';
#endif
    return is_named ? PyUnicode_DecodeUTF8(name, (Py_ssize_t)strlen(name), "replace")
                    : PyUnicode_FromFormat("thread %lu", number);
}

/* Returns the Thread object that `threading` has for the thread: a new reference, or NULL. Reads
 * its own table, because current_thread() would add an entry to it. Threads that `threading` has
 * not started are in it once the program has asked for them. */
static PyObject *find_thread_object(PyObject *threading, unsigned long number)
{
    PyObject *thread = NULL;
    PyObject *known = threading == NULL ? NULL : PyObject_GetAttrString(threading, "_active");
    PyObject *ident = PyLong_FromUnsignedLong(number);
    if (known != NULL && PyDict_Check(known) && ident != NULL) {
        thread = compat_dict_get_key(known, ident);
    }
    PyErr_Clear();
    Py_XDECREF(ident);
    Py_XDECREF(known);
    return thread;
}

uint32_t name_os_number(const PyThreadState *tstate)
{
    unsigned long number = compat_os_thread(tstate);
    if (number == 0) {
        PyObject *threading = loaded_module("threading");
        PyObject *thread = find_thread_object(threading, tstate->thread_id);
        PyObject *native = thread == NULL ? NULL : PyObject_GetAttrString(thread, "_native_id");
        number = native != NULL && PyLong_Check(native) ? PyLong_AsUnsignedLong(native) : 0;
        number = PyErr_Occurred() ? 0 : number;
        PyErr_Clear();
        Py_XDECREF(native);
        Py_XDECREF(thread);
        Py_XDECREF(threading);
    }
    return (uint32_t)number;
}

PyObject *name_thread(PyThreadState *tstate)
{
    PyObject *name = NULL;
    PyObject *threading = loaded_module("threading");
    unsigned long number = tstate->thread_id;
    PyObject *thread = find_thread_object(threading, number);
    if (thread != NULL && strcmp(Py_TYPE(thread)->tp_name, "_DummyThread") != 0) {
        name = PyObject_GetAttrString(thread, "_name");
        PyErr_Clear();
    }
    Py_XDECREF(thread);
    if (name == NULL && threading == NULL && PyThreadState_Next(tstate) == NULL) {
        name = PyUnicode_FromString("MainThread");
    } else if (name == NULL) {
        bool is_own = number == PyThread_get_thread_ident();
        name = is_own ? name_os_thread(number) : PyUnicode_FromFormat("thread %lu", number);
    }
    Py_XDECREF(threading);
    return name;
}

PyObject *name_current_thread(void) { return name_thread(PyThreadState_Get()); }
