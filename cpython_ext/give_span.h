/* Gives spans of other extensions and of Python programs to every recorder of the calling
 * thread. */
#ifndef EDBPROF_GIVE_SPAN_H
#define EDBPROF_GIVE_SPAN_H

#include "compat.h"

#include "edbprof.h"

/* Record that a span begins or ends in the calling thread, with or without the GIL. A span of
 * span_begin may outlive the call in which it begins, unlike one of span_enter: see
 * edbprof_begin_span. */
void span_enter(const edbprof_function *span);
void span_leave(const edbprof_function *span);
void span_begin(const edbprof_function *span);
void span_end(const edbprof_function *span);

/* Marks of the timeline: see edbprof_mark, edbprof_counter, edbprof_begin_async. */
void span_mark(const edbprof_function *name);
void span_counter(const edbprof_function *name, double value);
void span_begin_async(const edbprof_function *name, uint64_t id);
void span_end_async(const edbprof_function *name, uint64_t id);

#endif
