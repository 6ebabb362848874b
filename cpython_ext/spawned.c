/* Notes of the programs that this process starts, for `edbprof run`: see spawned.h. */
#include "spawned.h"

#include "interpreter.h"

#include <fcntl.h>
#include <unistd.h>

/* `DIRECTORY/started_`, or NULL if no notes are wanted. Never freed: other interpreters may read
 * it. */
static const char *prefix;

int spawned_set_directory(PyObject *directory)
{
    PyObject *text = PyUnicode_FromFormat("%U/started_", directory);
    PyObject *bytes = text == NULL ? NULL : PyUnicode_EncodeFSDefault(text);
    Py_XDECREF(text);
    const char *now = __atomic_load_n(&prefix, __ATOMIC_ACQUIRE);
    char *copy = NULL;
    if (bytes != NULL && (now == NULL || strcmp(now, PyBytes_AS_STRING(bytes)) != 0)) {
        size_t size = (size_t)PyBytes_GET_SIZE(bytes) + 1;
        copy = PyMem_RawMalloc(size);
        if (copy == NULL) {
            PyErr_NoMemory();
            Py_CLEAR(bytes);
        } else {
            memcpy(copy, PyBytes_AS_STRING(bytes), size);
            __atomic_store_n(&prefix, copy, __ATOMIC_RELEASE);
        }
    }
    Py_XDECREF(bytes);
    return PyErr_Occurred() ? -1 : 0;
}

/* ---- notes ---------------------------------------------------------------- */

enum { MOST_WORDS = 16, LONGEST_WORD = 256 };

/* Returns a path or word as bytes: a new reference, or NULL without an exception. Other objects of
 * the program are not asked for their path. */
static PyObject *bytes_of(PyObject *word)
{
    if (PyBytes_Check(word)) {
        Py_INCREF(word);
        return word;
    }
    PyObject *bytes = PyUnicode_Check(word) ? PyUnicode_EncodeFSDefault(word) : NULL;
    PyErr_Clear();
    return bytes;
}

/* Returns the first of the paths that can be executed, as bytes: a new reference, or NULL. */
static PyObject *executable_of(PyObject *paths)
{
    bool is_one = !PyTuple_Check(paths) && !PyList_Check(paths);
    Py_ssize_t count = is_one ? 1 : PySequence_Fast_GET_SIZE(paths);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *path = bytes_of(is_one ? paths : PySequence_Fast_GET_ITEM(paths, i));
        if (path != NULL && access(PyBytes_AS_STRING(path), X_OK) == 0) {
            return path;
        }
        Py_XDECREF(path);
    }
    return NULL;
}

/* Returns true for programs with the name of a Python, and for scripts. */
static bool may_be_python(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    if (strncmp(name, "python", 6) == 0 || strncmp(name, "pypy", 4) == 0) {
        return true;
    }
    char first[2] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_script = file >= 0 && read(file, first, 2) == 2 && memcmp(first, "#!", 2) == 0;
    if (file >= 0) {
        close(file);
    }
    return is_script;
}

static size_t add_word(char *note, size_t at, const char *word, size_t length)
{
    length = length < LONGEST_WORD ? length : LONGEST_WORD;
    memcpy(note + at, word, length);
    note[at + length] = '\0';
    return at + length + 1;
}

static void write_note(const char *note, size_t length)
{
    char path[4096];
    int needed = snprintf(path, sizeof path, "%s%ld", __atomic_load_n(&prefix, __ATOMIC_ACQUIRE),
                          (long)getpid());
    if (needed < 0 || (size_t)needed >= sizeof path) {
        return;
    }
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file >= 0) {
        /* If the disk is full, the program is not named. */
        ssize_t written = write(file, note, length);
        (void)written;
        close(file);
    }
}

/* Notes that the process `pid`, a Python number, was started: its number, the number of words,
 * the path and the words, each with a NUL. Raises nothing. */
static void note_start(PyObject *pid, PyObject *paths, PyObject *words)
{
    long number = PyLong_Check(pid) ? PyLong_AsLong(pid) : -1;
    PyErr_Clear();
    if (number <= 0 || !(PyTuple_Check(words) || PyList_Check(words))) {
        return;
    }
    PyObject *executable = executable_of(paths);
    if (executable == NULL) {
        return;
    }
    Py_ssize_t count = PySequence_Fast_GET_SIZE(words);
    count = count < MOST_WORDS ? count : MOST_WORDS;
    char note[2 * 24 + (MOST_WORDS + 16) * (LONGEST_WORD + 1)];
    size_t at = (size_t)snprintf(note, 48, "%ld", number) + 1;
    at += (size_t)snprintf(note + at, 24, "%zd", count) + 1;
    size_t length = (size_t)PyBytes_GET_SIZE(executable);
    if (length < 15 * LONGEST_WORD && may_be_python(PyBytes_AS_STRING(executable))) {
        memcpy(note + at, PyBytes_AS_STRING(executable), length + 1);
        at += length + 1;
        for (Py_ssize_t i = 0; i < count; i++) {
            PyObject *word = bytes_of(PySequence_Fast_GET_ITEM(words, i));
            at = word == NULL
                     ? add_word(note, at, "", 0)
                     : add_word(note, at, PyBytes_AS_STRING(word), strlen(PyBytes_AS_STRING(word)));
            Py_XDECREF(word);
        }
        write_note(note, at);
    }
    Py_DECREF(executable);
}

/* ---- functions that start programs ---------------------------------------- */

typedef PyObject *(*fast_function)(PyObject *, PyObject *const *, Py_ssize_t);
typedef PyObject *(*fast_keywords_function)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

static PyCFunction original_fork_exec;
static fast_function original_fast_fork_exec;
static fast_keywords_function original_spawn, original_spawnp;

/* Up to Python 3.11. */
static PyObject *fork_exec(PyObject *module, PyObject *arguments)
{
    PyObject *pid = original_fork_exec(module, arguments);
    if (pid != NULL && PyTuple_GET_SIZE(arguments) > 1) {
        note_start(pid, PyTuple_GET_ITEM(arguments, 1), PyTuple_GET_ITEM(arguments, 0));
    }
    return pid;
}

static PyObject *fast_fork_exec(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *pid = original_fast_fork_exec(module, arguments, count);
    if (pid != NULL && count > 1) {
        note_start(pid, arguments[1], arguments[0]);
    }
    return pid;
}

static PyObject *spawn_by(fast_keywords_function original, PyObject *module,
                          PyObject *const *arguments, Py_ssize_t count, PyObject *keywords)
{
    PyObject *pid = original(module, arguments, count, keywords);
    if (pid != NULL && count > 1) {
        note_start(pid, arguments[0], arguments[1]);
    }
    return pid;
}

static PyObject *spawn(PyObject *module, PyObject *const *arguments, Py_ssize_t count,
                       PyObject *keywords)
{
    return spawn_by(original_spawn, module, arguments, count, keywords);
}

static PyObject *spawnp(PyObject *module, PyObject *const *arguments, Py_ssize_t count,
                        PyObject *keywords)
{
    return spawn_by(original_spawnp, module, arguments, count, keywords);
}

static void cover_spawning(PyMethodDef *method)
{
    void (*original)(void) = (void (*)(void))method->ml_meth;
    bool is_fast = method->ml_flags == (METH_FASTCALL | METH_KEYWORDS);
    if (strcmp(method->ml_name, "fork_exec") == 0) {
        if (method->ml_flags == METH_VARARGS && original_fork_exec == NULL) {
            original_fork_exec = method->ml_meth;
            method->ml_meth = fork_exec;
        } else if (method->ml_flags == METH_FASTCALL && original_fast_fork_exec == NULL) {
            original_fast_fork_exec = (fast_function)original;
            method->ml_meth = (PyCFunction)(void (*)(void))fast_fork_exec;
        }
    } else if (strcmp(method->ml_name, "posix_spawn") == 0 && is_fast && original_spawn == NULL) {
        original_spawn = (fast_keywords_function)original;
        method->ml_meth = (PyCFunction)(void (*)(void))spawn;
    } else if (strcmp(method->ml_name, "posix_spawnp") == 0 && is_fast && original_spawnp == NULL) {
        original_spawnp = (fast_keywords_function)original;
        method->ml_meth = (PyCFunction)(void (*)(void))spawnp;
    }
}

void spawned_look(const PyCFunctionObject *builtin)
{
    PyObject *module = builtin->m_module;
    if (__atomic_load_n(&prefix, __ATOMIC_RELAXED) != NULL && module != NULL &&
        PyUnicode_Check(module) &&
        (PyUnicode_CompareWithASCIIString(module, "_posixsubprocess") == 0 ||
         PyUnicode_CompareWithASCIIString(module, "posix") == 0)) {
        process_lock_take();
        cover_spawning(builtin->m_ml);
        process_lock_give();
    }
}
