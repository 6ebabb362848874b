/* Tool ids of sys.monitoring, which identify who gets events. */
#ifndef EDBPROF_TOOL_IDS_H
#define EDBPROF_TOOL_IDS_H

#include "recorder.h"

/* Takes an id of `module`, sys.monitoring, for a hook, under this name. Returns the id, a new
 * reference, or NULL with an exception: a ValueError if none is free. */
PyObject *tool_ids_take(PyObject *module, PyObject *name, hook_kind hook);

#endif
