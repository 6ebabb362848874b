/* Recorders that begin and end with one call of a decorated function. */
#ifndef EDBPROF_THREAD_CALLS_H
#define EDBPROF_THREAD_CALLS_H

#include "recorder.h"

/* Enables a recorder in the calling thread for the decorated call of this number, whose caller
 * keeps the recorder until thread_calls_end. Returns true if the call is recorded: see
 * thread_try_enable. */
bool thread_calls_begin(recorder *owner, uint64_t call);

/* Undoes thread_calls_begin. Returns true if that has stopped the recorder in this thread, and a
 * save may be due. */
bool thread_calls_end(recorder *owner);

#endif
