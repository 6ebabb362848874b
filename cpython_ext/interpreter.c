/* Interpreter: what one interpreter of the process has for itself, and the list of interpreters. */
#include "interpreter.h"

#include <pthread.h>

EDBPROF_THREAD_LOCAL latest_interpreter interpreter_latest;
uint64_t threads_epoch = 1;
unsigned interpreters_beside;

static interpreter_state main_interpreter;
static interpreter_state *interpreters; /* under process_lock */

/* ---- what the process has once -------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t forks_once = PTHREAD_ONCE_INIT;

void process_lock_take(void) { pthread_mutex_lock(&lock); }

void process_lock_give(void) { pthread_mutex_unlock(&lock); }

static void watch_forks(void)
{
    /* Without memory for it, a child may wait for a thread that it does not have. */
    (void)pthread_atfork(process_lock_take, process_lock_give, process_lock_give);
}

/* ---- interpreters ----------------------------------------------------------- */

interpreter_state *interpreter_find(PyInterpreterState *python)
{
    /* Read the epoch first, because an interpreter may end meanwhile. */
    uint64_t epoch = shared_load(&threads_epoch);
    process_lock_take();
    interpreter_state *found = interpreters;
    while (found != NULL && found->python != python) {
        found = found->next;
    }
    process_lock_give();
    if (found != NULL) {
        interpreter_latest = (latest_interpreter){python, found, epoch};
    }
    return found;
}

void interpreter_keep(interpreter_state *self) { (void)process_add(&self->references, 1); }

void interpreter_give_back(interpreter_state *self)
{
    if (process_add(&self->references, -1u) == 0 && !self->is_main) {
        PyMem_RawFree(self->gates);
        PyMem_RawFree(self);
    }
}

enum { MOST_ENDS = 4 };
static void (*at_end[MOST_ENDS])(interpreter_state *);

void interpreter_call_at_end(void (*function)(interpreter_state *))
{
    process_lock_take();
    int at = 0;
    while (at < MOST_ENDS - 1 && at_end[at] != NULL && at_end[at] != function) {
        at++;
    }
    at_end[at] = function;
    process_lock_give();
}

/* Drops the objects of an interpreter that ends. */
static void drop_objects(interpreter_state *self)
{
    for (int at = 0; at < MOST_ENDS && at_end[at] != NULL; at++) {
        at_end[at](self);
    }
    for (int which = 0; which < TYPE_COUNT; which++) {
        Py_CLEAR(self->types[which]);
    }
    for (size_t i = 0; i < sizeof self->attribute_names / sizeof *self->attribute_names; i++) {
        Py_CLEAR(self->attribute_names[i]);
    }
    Py_CLEAR(self->package_directory);
    Py_CLEAR(self->monitoring_module);
    Py_CLEAR(self->tool_name);
    Py_CLEAR(self->disable);
    Py_CLEAR(self->step_drivers);
    Py_CLEAR(self->known_spans);
    Py_CLEAR(self->greenlets.tracer);
    Py_CLEAR(self->greenlets.gettrace);
    Py_CLEAR(self->greenlets.dead);
    Py_CLEAR(self->greenlets.parent);
    Py_CLEAR(self->greenlets.type);
}

/* Removes the interpreter from the list, and gives it back. */
static void take_from_list(interpreter_state *self)
{
    process_lock_take();
    interpreter_state **link = &interpreters;
    while (*link != self) {
        link = &(*link)->next;
    }
    *link = self->next;
    process_lock_give();
    (void)process_add(&interpreters_beside, -1u);
    (void)process_add(&threads_epoch, 1);
    drop_objects(self);
    interpreter_give_back(self);
}

/* Called when the interpreter ends: its objects and threads are gone. */
static void interpreter_ends(PyObject *capsule)
{
    interpreter_state *self = (interpreter_state *)PyCapsule_GetPointer(capsule, NULL);
    if (!self->is_main) { /* else the process ends */
        take_from_list(self);
    }
}

/* Makes Python call interpreter_ends at the interpreter's end. Returns 0, or -1 with an
 * exception. */
static int watch_end(interpreter_state *self)
{
    PyObject *dict = PyInterpreterState_GetDict(self->python);
    PyObject *capsule = dict == NULL ? NULL : PyCapsule_New(self, NULL, interpreter_ends);
    if (capsule == NULL) {
        take_from_list(self);
        PyErr_NoMemory();
        return -1;
    }
    /* If the capsule is dropped here, it calls interpreter_ends, too. */
    int result = PyDict_SetItemString(dict, "edbprof_native.interpreter", capsule);
    Py_DECREF(capsule);
    return result;
}

interpreter_state *interpreter_make(void)
{
    PyInterpreterState *python = PyInterpreterState_Get();
    interpreter_state *self = interpreter_find(python);
    if (self != NULL) {
        return self;
    }
    (void)pthread_once(&forks_once, watch_forks);
    bool is_main = python == PyInterpreterState_Main();
    self = is_main ? &main_interpreter : PyMem_RawCalloc(1, sizeof *self);
    if (self == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    self->python = python;
    self->id = (long long)PyInterpreterState_GetID(python);
    self->is_main = is_main;
    self->references = 1;
    process_lock_take();
    self->next = interpreters;
    interpreters = self;
    process_lock_give();
    (void)process_add(&interpreters_beside, is_main ? 0u : 1u);
    (void)process_add(&threads_epoch, 1);
    return watch_end(self) < 0 ? NULL : self;
}

int interpreter_make_type(interpreter_state *self, own_type which, PyType_Spec *spec)
{
    if (self->types[which] == NULL) {
        self->types[which] = compat_make_type(NULL, spec);
    }
    return self->types[which] == NULL ? -1 : 0;
}
