/* OS threads of C code, which have no Python thread, or one for each callback only.
 *
 * Their spans are recorded by each recorder with threads=True that has a member, as guests are: see
 * arrivals.h. A handle that a Python thread of such an OS thread has used is kept for the next one.
 * Only os_threads_begin and os_threads_end need the GIL. */
#ifndef EDBPROF_OS_THREADS_H
#define EDBPROF_OS_THREADS_H

#include "recorder.h"

/* One of the functions of edbprof.h by which a span begins or ends. */
typedef edbprof_status give_span(edbprof_thread *, const edbprof_function *);

/* Records the spans of OS threads from now on, or no longer. Recorders of other interpreters than
 * the main one record none. */
void os_threads_begin(recorder *owner);
void os_threads_end(recorder *owner);

/* Drops the recorder's handles, which are about to be freed. */
void os_threads_forget(const recorder *owner);

/* Returns the handle that the calling OS thread has for the recorder, for a Python thread of it;
 * NULL if it has none. */
edbprof_thread *os_threads_lend(const recorder *owner);

/* Keeps a handle for the calling OS thread, whose Python thread has ended. */
void os_threads_keep(recorder *owner, edbprof_thread *handle);

/* Detaches a handle, which was lent or is a Python thread's own. */
void os_threads_detach_handle(edbprof_thread *handle);

/* Gives a span to the recorders of the calling OS thread, which has no Python thread that is known.
 * `begins`: the span is counted if nothing records it. */
void os_threads_give(const edbprof_function *span, give_span *give, bool begins);

/* Names the calling OS thread, and attaches it to what records. */
edbprof_status os_threads_attach(const char *name);

/* Detaches the calling OS thread from what records, and ends its open spans. */
edbprof_status os_threads_leave(void);

/* Reports to the library how many spans no recorder has recorded since the recorder began. */
void os_threads_report(recorder *owner);

#endif
