/* span: a part of a Python program that has a name in the call tree. */
#ifndef EDBPROF_SPAN_TYPE_H
#define EDBPROF_SPAN_TYPE_H

#include "compat.h"

extern PyTypeObject span_type;

#endif
