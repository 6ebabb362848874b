/* The one place that a thread has for a profile function, as the program sees it.
 *
 * What sets it has its C function replaced in the table of methods: no object that the program can
 * see changes, and nothing else gets slower. An audit hook would see the same, but before it
 * happens, could not act afterwards in threads other than the main one, and would slow down
 * everything that is audited. */
#include "profile_slot.h"

#include "names.h"

static const profile_slot_ops *slot;

static PyCFunction sys_setprofile, sys_getprofile, lsprof_disable;
static PyCFunctionWithKeywords lsprof_enable;

static PyObject *setprofile(PyObject *module, PyObject *function)
{
    PyObject *result = sys_setprofile(module, function);
    slot->changed();
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

static PyObject *disable(PyObject *profiler, PyObject *unused)
{
    PyObject *result = lsprof_disable(profiler, unused);
    slot->changed();
    return result;
}

/* Returns the function that it replaces, or NULL if that is called in another way. */
static PyCFunction replace(PyMethodDef *method, PyCFunction new, int flags)
{
    PyCFunction old = method->ml_meth;
    if (method->ml_flags != flags || old == new) {
        return NULL;
    }
    method->ml_meth = new;
    return old;
}

/* The entry of a function of `sys`, or NULL if the program has replaced it. */
static PyMethodDef *sys_method(const char *name)
{
    PyObject *function = PySys_GetObject(name);
    bool fits = function != NULL && PyCFunction_CheckExact(function);
    return fits ? ((PyCFunctionObject *)function)->m_ml : NULL;
}

void profile_slot_watch(const profile_slot_ops *ops)
{
    PyMethodDef *set = sys_method("setprofile");
    PyMethodDef *get = sys_method("getprofile");
    if (slot != NULL || set == NULL || get == NULL) {
        return;
    }
    slot = ops;
    /* Both or none: what one sets the other is to return. */
    sys_getprofile = get->ml_meth;
    if (get->ml_flags == METH_NOARGS) {
        sys_setprofile = replace(set, setprofile, METH_O);
    }
    if (sys_setprofile != NULL) {
        (void)replace(get, getprofile, METH_NOARGS);
    }
}

/* The entry of a method, or NULL. */
static PyMethodDef *type_method(PyObject *type, const char *name)
{
    PyObject *found = PyObject_GetAttrString(type, name);
    bool fits = found != NULL && Py_IS_TYPE(found, &PyMethodDescr_Type);
    PyMethodDef *method = fits ? ((PyMethodDescrObject *)found)->d_method : NULL;
    Py_XDECREF(found);
    PyErr_Clear();
    return method;
}

void profile_slot_look(void)
{
    static bool covered;
    if (covered || slot == NULL || !EDBPROF_CPROFILE_SETS_PROFILE) {
        return;
    }
    PyObject *modules = loaded_modules();
    PyObject *module = modules == NULL ? NULL : PyDict_GetItemString(modules, "_lsprof");
    PyObject *type = module == NULL ? NULL : PyObject_GetAttrString(module, "Profiler");
    PyErr_Clear();
    if (type == NULL) {
        return;
    }
    covered = true;
    PyMethodDef *on = type_method(type, "enable");
    PyMethodDef *off = type_method(type, "disable");
    if (on != NULL && off != NULL) {
        lsprof_enable = (PyCFunctionWithKeywords)(void (*)(void))on->ml_meth;
        lsprof_disable = off->ml_meth;
        (void)replace(on, (PyCFunction)(void (*)(void))enable, METH_VARARGS | METH_KEYWORDS);
        (void)replace(off, disable, METH_NOARGS);
    }
    Py_DECREF(type);
}
