/* Recording that begins in a running process: all its threads, with the calls that are open. */
#ifndef EDBPROF_ATTACHED_H
#define EDBPROF_ATTACHED_H

#include "recorder.h"

/* Enables a recorder in the calling thread, and lets it begin in all other threads of the
 * interpreter. Calls that are open in these threads are entered into the recording, each below its
 * caller. They count as resumes, because they began before. Returns 0, or -1 with an exception. */
int attached_begin(recorder *owner);

/* Ends a recorder that began so: here at once, and in other threads at their next event at the
 * latest. Threads that had no event have nothing to end. Raises nothing. */
void attached_end(recorder *owner);

#endif
