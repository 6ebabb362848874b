/* Names of functions and threads: functions in pstats' words, but without addresses. */
#ifndef EDBPROF_NAMES_H
#define EDBPROF_NAMES_H

#include "compat.h"

#include "edbprof.h"

/* A function's description; its strings live until named_clear. */
typedef struct {
    edbprof_function function;
    PyObject *owners[6];
    int owner_count;
} named;

/* Describe a function. */
void name_code(named *self, PyCodeObject *code);
/* Returns `__file__` of the module that a code object was made in, if the code object names no file
 * itself. A new reference, or NULL with nothing raised. */
PyObject *name_origin(PyCodeObject *code);
void name_builtin(named *self, PyCFunctionObject *builtin);
/* Describes a function that is no Python code by its name and module, which may be NULL: `bare`,
 * which outlives the description, takes the name's place. */
void name_as_builtin(named *self, PyObject *name, PyObject *module, const char *bare);
void named_clear(named *self);

/* Returns the text's bytes, kept alive until named_clear. */
edbprof_str named_keep(named *self, PyObject *text);

/* Text as bytes, lone surrogates kept; valid as long as *owner, a new reference. Empty with
 * nothing raised when out of memory. */
edbprof_str name_text(PyObject *text, PyObject **owner);

/* Returns the content of a bytes object, valid as long as that; empty for NULL. */
static inline edbprof_str name_bytes(PyObject *bytes)
{
    if (bytes == NULL) {
        return (edbprof_str){NULL, 0};
    }
    return (edbprof_str){PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes)};
}

/* Returns the calling thread's name in `threading`: a new reference, or NULL with an exception. May
 * run Python code. */
PyObject *name_current_thread(void);

/* Returns the name of any thread of the interpreter: see name_current_thread. */
PyObject *name_thread(PyThreadState *tstate);

/* Returns the number by which the system knows a thread of the interpreter; 0 if that is not known.
 * Raises nothing. */
uint32_t name_os_number(const PyThreadState *tstate);

/* Returns a new reference to sys.modules, or NULL while the interpreter ends. */
PyObject *loaded_modules(void);

/* Returns a module that is loaded: a new reference, or NULL with nothing raised. */
PyObject *loaded_module(const char *name);

/* Sets the directory of the package's own Python files, a str, which is kept. Functions from
 * there are hidden. */
void names_set_package_directory(PyObject *directory);

#endif
