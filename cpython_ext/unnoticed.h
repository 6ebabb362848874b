/* Entries of C code's threads that a hook could not notice.
 *
 * A thread of C code enters the interpreter with a Python thread of its own (PyGILState_Ensure),
 * which no callback reports. A profile function belongs to one Python thread. If such a thread ends
 * before another recorded thread has an event, its calls are missing. The interpreter numbers all
 * Python threads, so those that are not accounted for can be counted. */
#ifndef EDBPROF_UNNOTICED_H
#define EDBPROF_UNNOTICED_H

#include "recorder.h"

/* Accounts for one more Python thread: it is noticed, or a function of `_thread` started it.
 * Those of other interpreters than the main one are not counted. */
void unnoticed_account(void);

/* Counts for a recorder from now on, or no longer. The caller holds the GIL. */
void unnoticed_begin(recorder *owner);
void unnoticed_end(recorder *owner);

/* Reports the number so far to the library. */
void unnoticed_report(recorder *owner);

/* Says that this process is a child that was forked just now. */
void unnoticed_forked(void);

#endif
