/* Callables that are held as long as their interpreter lives, in a table by address. */
#include "held.h"

#include "guard.h"
#include "interpreter.h"

/* Finds the callable's place in the table, which is at least half empty. */
static PyObject **place_of(const held_callables *held, PyObject *callable)
{
    size_t at = ((uintptr_t)callable >> 4) & (held->room - 1);
    while (held->objects[at] != NULL && held->objects[at] != callable) {
        at = (at + 1) & (held->room - 1);
    }
    return &held->objects[at];
}

bool held_has(PyObject *callable)
{
    interpreter_state *here = interpreter_here();
    if (here == NULL) {
        return false;
    }
    brief_lock_take(&here->held.lock);
    bool is_there = here->held.room > 0 && *place_of(&here->held, callable) != NULL;
    brief_lock_give(&here->held.lock);
    return is_there;
}

/* Drops the callables of an interpreter that ends. */
static void drop_held(interpreter_state *interpreter)
{
    held_callables held = interpreter->held;
    interpreter->held = (held_callables){0};
    for (size_t i = 0; i < held.room; i++) {
        Py_XDECREF(held.objects[i]);
    }
    PyMem_Free(held.objects);
}

/* Under the lock. Returns false when out of memory. */
static bool add_to_held(held_callables *held, PyObject *callable)
{
    if (held->room > 0 && *place_of(held, callable) != NULL) {
        return true;
    }
    if (held->room == 0) {
        interpreter_call_at_end(drop_held);
    }
    if (2 * held->count >= held->room) {
        size_t room = held->room == 0 ? 64 : 2 * held->room;
        PyObject **objects = PyMem_Calloc(room, sizeof *objects), **former = held->objects;
        if (objects == NULL) {
            return false;
        }
        size_t before = held->room;
        held->objects = objects;
        held->room = room;
        for (size_t i = 0; i < before; i++) {
            if (former[i] != NULL) {
                *place_of(held, former[i]) = former[i];
            }
        }
        PyMem_Free(former);
    }
    Py_INCREF(callable);
    *place_of(held, callable) = callable;
    held->count++;
    return true;
}

bool held_add(PyObject *callable)
{
    interpreter_state *here = interpreter_here();
    if (here == NULL) {
        return false;
    }
    brief_lock_take(&here->held.lock);
    bool is_there = add_to_held(&here->held, callable);
    brief_lock_give(&here->held.lock);
    return is_there;
}
