/* Recorder: its Python type. */
#ifndef EDBPROF_RECORDER_TYPE_H
#define EDBPROF_RECORDER_TYPE_H

#include "interpreter.h"

/* Makes the type. Returns 0, or -1 with an exception. */
int recorder_init(interpreter_state *interpreter);

#endif
