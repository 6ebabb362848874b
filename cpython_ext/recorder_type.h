/* Recorder: its Python type. */
#ifndef EDBPROF_RECORDER_TYPE_H
#define EDBPROF_RECORDER_TYPE_H

#include "compat.h"

extern PyTypeObject recorder_type;

#endif
