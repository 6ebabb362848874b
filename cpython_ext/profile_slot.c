/* The one place that a thread has for a profile function, as the program sees it.
 *
 * Each function that sets it has its C function replaced in the table of methods. So no object that
 * the program can see changes, and nothing else gets slower. An audit hook would see the same
 * changes, but before they happen. It could not act afterwards in threads other than the main one,
 * and would slow down everything that is audited. */
#include "profile_slot.h"

#include "guard.h"
#include "interpreter.h"
#include "names.h"

static const profile_slot_ops *slot;

shared_lock profile_slot_setting;

static PyCFunction sys_setprofile, sys_getprofile;
static PyCFunctionWithKeywords lsprof_enable;

/* The setter releases the function that it replaces, whose end may call the setter again. The inner
 * call is refused, and only the outer one reports a change. */
static PyObject *setprofile(PyObject *module, PyObject *function)
{
    static EDBPROF_THREAD_LOCAL unsigned under_way;
    slot->changes();
    under_way++;
    shared_lock_take(&profile_slot_setting);
    PyObject *result = sys_setprofile(module, function);
    shared_lock_give(&profile_slot_setting);
    if (--under_way == 0) {
        slot->changed();
    }
    return result;
}

static PyObject *getprofile(PyObject *module, PyObject *unused)
{
    PyObject *function = slot->behind_ours();
    return function != NULL ? function : sys_getprofile(module, unused);
}

static PyObject *enable(PyObject *profiler, PyObject *arguments, PyObject *keywords)
{
    PyObject *result = lsprof_enable(profiler, arguments, keywords);
    slot->changed();
    return result;
}

/* Functions of other profilers that set or remove a thread's profile function, or that of all
 * threads. Each has a replacement of its own, because a C function can't know by which entry it was
 * called. */
enum { WATCHED = 7 };

static PyCFunction watched_originals[WATCHED];

static PyObject *call_watched(int which, PyObject *self, PyObject *argument)
{
    PyObject *result = watched_originals[which](self, argument);
    slot->changed();
    return result;
}

#define WATCHED_FUNCTION(which)                                                                    \
    static PyObject *watched_##which(PyObject *self, PyObject *argument)                           \
    {                                                                                              \
        return call_watched(which, self, argument);                                                \
    }
WATCHED_FUNCTION(0)
WATCHED_FUNCTION(1)
WATCHED_FUNCTION(2)
WATCHED_FUNCTION(3)
WATCHED_FUNCTION(4)
WATCHED_FUNCTION(5)
WATCHED_FUNCTION(6)

static const struct {
    const char *module, *type, *name;
    PyCFunction function;
} watched[WATCHED] = {
    {"_lsprof", "Profiler", "disable", watched_0},
    {"_yappi", NULL, "start", watched_1},
    {"_yappi", NULL, "stop", watched_2},
    {"viztracer.snaptrace", "Tracer", "start", watched_3},
    {"viztracer.snaptrace", "Tracer", "stop", watched_4},
    {"viztracer.snaptrace", "Tracer", "pause", watched_5},
    {"viztracer.snaptrace", "Tracer", "resume", watched_6},
};

/* Replaces a function, unless it takes arguments in another way. *original becomes the replaced
 * function before another interpreter can call the new one. Under process_lock. */
static void replace(PyMethodDef *method, PyCFunction new, int flags, PyCFunction *original)
{
    if (method->ml_flags == flags && method->ml_meth != new) {
        __atomic_store_n(original, method->ml_meth, __ATOMIC_RELEASE);
        __atomic_store_n(&method->ml_meth, new, __ATOMIC_RELEASE);
    }
}

/* Returns the entry of a function of `sys`, or NULL if the program has replaced it. */
static PyMethodDef *sys_method(const char *name)
{
    PyObject *function = compat_sys_get(name);
    bool fits = function != NULL && PyCFunction_CheckExact(function);
    PyMethodDef *method = fits ? ((PyCFunctionObject *)function)->m_ml : NULL;
    Py_XDECREF(function);
    return method;
}

void profile_slot_watch(const profile_slot_ops *ops)
{
    EDBPROF_GUARDED;
    PyMethodDef *set = sys_method("setprofile");
    PyMethodDef *get = sys_method("getprofile");
    if (set == NULL || get == NULL) {
        return;
    }
    process_lock_take();
    bool is_first = slot == NULL;
    slot = ops;
    /* Replace both or none, because one returns what the other sets. */
    if (is_first && get->ml_flags == METH_NOARGS) {
        replace(set, setprofile, METH_O, &sys_setprofile);
    }
    if (is_first && sys_setprofile != NULL) {
        replace(get, getprofile, METH_NOARGS, &sys_getprofile);
    }
    process_lock_give();
}

/* Returns the entry of a function or method, or NULL. */
static PyMethodDef *table_entry(PyObject *owner, const char *name)
{
    PyObject *found = PyObject_GetAttrString(owner, name);
    PyMethodDef *method = NULL;
    if (found != NULL && Py_IS_TYPE(found, &PyMethodDescr_Type)) {
        method = ((PyMethodDescrObject *)found)->d_method;
    } else if (found != NULL && PyCFunction_CheckExact(found)) {
        method = ((PyCFunctionObject *)found)->m_ml;
    }
    Py_XDECREF(found);
    PyErr_Clear();
    return method;
}

static void cover_lsprof_enable(PyObject *type)
{
    PyMethodDef *method = table_entry(type, "enable");
    PyCFunction new = (PyCFunction)(void (*)(void))enable;
    process_lock_take();
    if (method != NULL && method->ml_flags == (METH_VARARGS | METH_KEYWORDS) &&
        method->ml_meth != new) {
        lsprof_enable = (PyCFunctionWithKeywords)(void (*)(void))method->ml_meth;
        __atomic_store_n(&method->ml_meth, new, __ATOMIC_RELEASE);
    }
    process_lock_give();
}

/* Covers a watched function of a module or type. */
static void cover_watched(int which, PyObject *owner)
{
    PyMethodDef *method = table_entry(owner, watched[which].name);
    int flags = method == NULL ? 0 : method->ml_flags;
    if (flags == METH_NOARGS || flags == METH_O || flags == METH_VARARGS) {
        process_lock_take();
        replace(method, watched[which].function, flags, &watched_originals[which]);
        process_lock_give();
    }
}

void profile_slot_look(void)
{
    EDBPROF_GUARDED;
    static bool covered[WATCHED]; /* Each interpreter has the same tables. */
    PyObject *modules = loaded_modules();
    bool may = slot != NULL && modules != NULL;
    for (int i = 0; i < WATCHED && may; i++) {
        PyObject *module = covered[i] ? NULL : compat_dict_get(modules, watched[i].module);
        PyObject *owner = NULL;
        if (module != NULL && watched[i].type != NULL) {
            owner = PyObject_GetAttrString(module, watched[i].type);
        } else if (module != NULL) {
            Py_INCREF(module);
            owner = module;
        }
        Py_XDECREF(module);
        PyErr_Clear();
        if (owner == NULL) {
            continue; /* It is not imported, or not completely. */
        }
        __atomic_store_n(&covered[i], true, __ATOMIC_RELAXED);
        cover_watched(i, owner);
        if (i == 0) {
            cover_lsprof_enable(owner);
        }
        Py_DECREF(owner);
    }
    Py_XDECREF(modules);
}
