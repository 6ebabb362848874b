/* Tool ids of sys.monitoring, which identify the tools that get events. */
#ifndef EDBPROF_TOOL_IDS_H
#define EDBPROF_TOOL_IDS_H

#include "recorder.h"

/* Takes an id of the calling thread's interpreter for a hook, under its `tool_name`. Returns the
 * id, a new reference, or NULL with an exception: a ValueError if none is free. */
PyObject *tool_ids_take(interpreter_state *interpreter, hook_kind hook);

#endif
