/* Ranges that libraries of annotations report, as spans: NVTX in nvtx.c, ITT in itt.c.
 *
 * Nothing here needs the GIL. */
#ifndef EDBPROF_RANGES_H
#define EDBPROF_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "edbprof_python.h"

/* The runtime of this process, or NULL: in a process without Python, nothing is recorded. Set
 * before the first range. */
extern const edbprof_python_api *ranges_runtime;

/* Key of a range that may end in another thread. Unused members are 0. */
typedef struct {
    const void *group;
    uint64_t id[3];
} range_key;

/* Returns true if a thread records at the moment. */
static inline bool ranges_are_recorded(void)
{
    return ranges_runtime != NULL && edbprof_python_is_recording(ranges_runtime);
}

/* Returns the span of a name, for a library or domain of annotations. Names beyond the first 10,000
 * share one, because names may have numbers in them. NULL without a runtime or memory. */
const edbprof_function *ranges_span(const char *name, size_t len, const char *domain);

/* Begin a range in the calling thread, or end the innermost one of its group. If the span is NULL,
 * nothing is recorded. Both return the number of ranges around it, or -1 if none is open. */
int ranges_push(const void *group, const edbprof_function *span);
int ranges_pop(const void *group);

/* Records a moment, as a call that takes no time. */
void ranges_mark(const edbprof_function *span);

/* Begin a range, and end it, perhaps from another thread. Then it ends in its own thread, with the
 * next range there. */
void ranges_start(range_key key, const edbprof_function *span);
void ranges_end(range_key key);

/* Set and return the value of a handle, for 30,000 handles at most. A later value replaces the
 * earlier one; a handle without one has NULL. */
void ranges_set_handle(const void *handle, const void *value);
const void *ranges_handle(const void *handle);

/* Returns the entry point `symbol` of the library that the environment variable names, or NULL; not
 * `ours`. Such a library was named there before edbprof took its place. */
void *ranges_next(const char *variable, const char *symbol, const void *ours);

#endif
