/* Spanned: a stand-in that puts each call of its function within a span. */
#ifndef EDBPROF_SPANNED_H
#define EDBPROF_SPANNED_H

#include "interpreter.h"

/* Makes the type. Returns 0, or -1 with an exception. */
int spanned_init(interpreter_state *interpreter);

#endif
