/* The hooks of choices, from Python 3.12 on: callbacks of sys.monitoring that disable the events of
 * functions that are not chosen. */
#ifndef EDBPROF_CHOSEN_H
#define EDBPROF_CHOSEN_H

#include "recorder.h"

/* Registers the hooks. */
void chosen_init(void);

/* Finds the hook of a choice, which has a tool id of sys.monitoring for itself and keeps it.
 * Returns 0, or -1 with a ValueError if none is free. Then the callbacks for all functions apply
 * the choice. */
int chosen_find_hook(const choice *of, hook_kind *hook);

#endif
