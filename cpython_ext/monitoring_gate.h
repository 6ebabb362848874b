/* The gate that switches the events of sys.monitoring on and off. */
#ifndef EDBPROF_MONITORING_GATE_H
#define EDBPROF_MONITORING_GATE_H

#include "interpreter.h"
#include "recorder.h"

/* Registers a hook's callbacks with a tool id of `module`, sys.monitoring. Returns the events to
 * set, or -1 with an exception. */
typedef long (*gate_register)(PyObject *module, PyObject *tool, hook_kind hook);

/* Makes the gates of an interpreter. Returns 0, or -1 with an exception. */
int gates_make(interpreter_state *interpreter);

/* Sets how the callbacks of a hook are registered, in each interpreter. */
void gate_init(hook_kind hook, gate_register register_callbacks);

/* Takes a tool id of sys.monitoring for a hook, once. Returns 0, or -1 with a ValueError that says
 * why the hook can't be used. */
int gate_take_tool(hook_kind hook);

/* Checks if another tool has freed one of our tool ids or switched its events off. If so, the next
 * gate_open takes an id again. */
void gate_check(void);

/* Switches the events on before a thread records by them, those of C functions too if `builtins`.
 * They stay on for some time after it has stopped. May run Python code: audit hooks. Returns 0, or
 * -1 with an exception. */
int gate_open(hook_kind hook, bool builtins);

/* Returns true if the events are on. They stay on while the calling thread records, if it was
 * counted among the recording threads before. Without the guard. */
bool gate_is_open(hook_kind hook, bool builtins);

/* Returns the number of an event of sys.monitoring, or -1 with an exception. */
long gate_event(const char *name);

/* Returns true if an event of this code object is given to another tool after the one that records
 * all functions. */
bool gate_others_come_after(long event, PyCodeObject *code);

/* Sets an event of one code object, besides those of all. Returns false if that is impossible. */
bool gate_listen_in(hook_kind hook, PyCodeObject *code, long event);

/* Sets one more event of all code objects. */
void gate_listen_everywhere(hook_kind hook, long event);

/* Counts an event in a thread that records nothing by this hook. */
void gate_unclaimed_event(hook_kind hook);

/* For calibration: switches on the events of these code objects alone, those of C functions that
 * they call too if `builtins`; of none for NULL. Returns false if that is impossible: a thread
 * records by sys.monitoring, or another tool listens. Pythons without sys.monitoring have nothing
 * to switch. */
bool gate_restrict_to(PyObject *codes, bool builtins);

/* Switches the events of gate_restrict_to off. Returns true if no other tool has switched events on
 * meanwhile. */
bool gate_lift_restriction(PyObject *codes);

/* Implements the module's _monitoring(), for tests. */
PyObject *gate_facts(PyObject *module, PyObject *arguments, PyObject *keywords);

#endif
