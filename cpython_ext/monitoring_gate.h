/* The gate that switches the events of sys.monitoring on and off. */
#ifndef EDBPROF_MONITORING_GATE_H
#define EDBPROF_MONITORING_GATE_H

#include "compat.h"

/* Registers the callbacks with a tool id of `module`, sys.monitoring. Returns the events to
 * set, or -1 with an exception. */
typedef long (*gate_register)(PyObject *module, PyObject *tool);

/* Sets how the callbacks are registered. */
void gate_init(gate_register register_callbacks);

/* Takes a tool id of sys.monitoring, once. 0, or -1 with a ValueError that says why this hook
 * can't be used. */
int gate_take_tool(void);

/* Notices that somebody else has freed our tool id or switched its events off: the next
 * gate_open then takes one again. */
void gate_check(void);

/* Switches the events on before a thread records by them, those of C functions too if `builtins`.
 * They stay on for some time after it has stopped. May run Python code: audit hooks. 0, or -1
 * with an exception. */
int gate_open(bool builtins);

/* The number of an event of sys.monitoring, or -1 with an exception. */
long gate_event(const char *name);

/* Returns true if an event of this code object is given to another tool after us. */
bool gate_others_come_after(long event, PyCodeObject *code);

/* Counts an event in a thread that records nothing by sys.monitoring. */
void gate_unclaimed_event(void);

/* Switches on the events of these code objects alone, those of C functions that they call too if
 * `builtins`; of none for NULL. Returns false if that is impossible: a thread records by
 * sys.monitoring, or another tool listens. Pythons without sys.monitoring have nothing to
 * switch. */
bool gate_restrict_to(PyObject *codes, bool builtins);

/* Switches them off. Returns true if nobody has switched events on meanwhile. */
bool gate_lift_restriction(PyObject *codes);

/* The module's _monitoring(), for tests. */
PyObject *gate_facts(PyObject *module, PyObject *arguments, PyObject *keywords);

#endif
