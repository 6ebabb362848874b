/* Clocks of the program's own: functions that return the time. */
#ifndef EDBPROF_TIMER_H
#define EDBPROF_TIMER_H

#include "recorder.h"

/* Returns the timer's reading in nanoseconds; 0 after a failure, which is printed once. Runs Python
 * code. */
uint64_t timer_read(recorder *self);

#endif
