/* edbprof: profiles as data.
 *
 * Generated from src/capi/profiles by cbindgen; do not edit.
 *
 * The library edbprof_profiles has these functions, and those of edbprof.h, whose rules hold
 * here too: a program links it instead of the library edbprof. It reads files, merges them, and
 * gives their figures as columns:
 *
 *     edbprof_source source = {EDBPROF_STR("run.prof"), {NULL, 0}};
 *     edbprof_failure failure = EDBPROF_ZEROS;
 *     edbprof_data *data;
 *     edbprof_column calls;
 *     if (edbprof_data_load(&source, 1, 0, &data, &failure) != EDBPROF_OK) { ... }
 *     edbprof_data_column(data, EDBPROF_NODE_CALLS, &calls);
 *     const uint64_t *items = (const uint64_t *)calls.data;
 *     ...
 *     edbprof_data_free(data);
 */


#ifndef EDBPROF_PROFILES_H
#define EDBPROF_PROFILES_H

#include <stddef.h>
#include <stdint.h>
#include "edbprof.h"

/**
 * Flag of `edbprof_data_load`: processes are kept apart, each below a node of its own.
 */
#define EDBPROF_BY_PROCESS 1

/**
 * Flag of `edbprof_data_load`: processes and their threads are kept apart.
 */
#define EDBPROF_BY_THREAD 2

/**
 * Flag of `edbprof_data_load`: times are without the cost of recording.
 */
#define EDBPROF_COMPENSATE 4

/**
 * Flag of `edbprof_data_diff`: times are as recorded. By default they are compared without the
 * cost of recording.
 */
#define EDBPROF_AS_RECORDED 8

/**
 * Column of `edbprof_data_column`: its figures, and the type of its items. Numbers never change.
 * Columns below 100 have an item for each node of the call tree, and those from 100 for each
 * function. From 200 they have an item for each process, from 300 for each thread, and from 400,
 * in a comparison, for each function of either side.
 */
enum edbprof_column_id
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * uint32_t: the caller's node, which comes before; UINT32_MAX for none.
   */
  EDBPROF_NODE_PARENT = 0,
  /**
   * uint32_t: the function.
   */
  EDBPROF_NODE_FUNCTION = 1,
  /**
   * uint64_t: number of calls.
   */
  EDBPROF_NODE_CALLS = 2,
  /**
   * uint64_t: number of times that generators and coroutines continued.
   */
  EDBPROF_NODE_RESUMES = 3,
  /**
   * uint64_t: nanoseconds, with callees.
   */
  EDBPROF_NODE_TOTAL_NS = 4,
  /**
   * uint64_t: nanoseconds, without callees.
   */
  EDBPROF_NODE_SELF_NS = 5,
  /**
   * uint64_t: part of the self time in which the thread waited for data, a lock or a time.
   */
  EDBPROF_NODE_BLOCKED_NS = 6,
  /**
   * uint64_t: part of the self time in which the thread waited for the interpreter's lock.
   */
  EDBPROF_NODE_GIL_NS = 7,
  /**
   * uint64_t: part of the self time in which the thread could run but had no processor.
   */
  EDBPROF_NODE_PREEMPTED_NS = 8,
  /**
   * uint64_t: nanoseconds in which coroutines were suspended, beside their time.
   */
  EDBPROF_NODE_AWAITING_NS = 9,
  /**
   * uint8_t: 1 if the place in the tree is an estimate, because there was no call tree.
   */
  EDBPROF_NODE_ESTIMATED = 10,
  /**
   * uint32_t: all nodes by their callers, in the order of these; roots come last.
   */
  EDBPROF_NODE_CHILDREN = 11,
  /**
   * uint32_t: the end of the node's callees in `EDBPROF_NODE_CHILDREN`. They begin where those
   * of the node before end, or at 0.
   */
  EDBPROF_NODE_CHILDREN_END = 12,
  /**
   * Text: the name, as recorded.
   */
  EDBPROF_FUNCTION_NAME = 100,
  /**
   * Text: the name with those of classes and functions around it; else as reports show it.
   */
  EDBPROF_FUNCTION_QUALIFIED_NAME = 101,
  /**
   * Text: the module, empty if unknown.
   */
  EDBPROF_FUNCTION_MODULE = 102,
  /**
   * Text: the file, `~` for what is not written in Python.
   */
  EDBPROF_FUNCTION_FILE = 103,
  /**
   * int64_t: the first line, 0 if there is none.
   */
  EDBPROF_FUNCTION_LINE = 104,
  /**
   * uint64_t: a hash that names the function in all reports of all runs.
   */
  EDBPROF_FUNCTION_ID = 105,
  /**
   * uint8_t: 0 for a Python function, 1 for one of C, 2 for a native span, 3 for anything else:
   * a process, a thread, overflow calls.
   */
  EDBPROF_FUNCTION_KIND = 106,
  /**
   * int64_t: number of calls.
   */
  EDBPROF_FUNCTION_CALLS = 107,
  /**
   * int64_t: number of calls while no other call of the same function was open.
   */
  EDBPROF_FUNCTION_PRIMITIVE_CALLS = 108,
  /**
   * int64_t: nanoseconds, without callees.
   */
  EDBPROF_FUNCTION_SELF_NS = 109,
  /**
   * int64_t: nanoseconds of primitive calls, with callees.
   */
  EDBPROF_FUNCTION_TOTAL_NS = 110,
  /**
   * uint64_t: like that of nodes.
   */
  EDBPROF_FUNCTION_BLOCKED_NS = 111,
  /**
   * uint64_t: like that of nodes.
   */
  EDBPROF_FUNCTION_GIL_NS = 112,
  /**
   * uint64_t: like that of nodes.
   */
  EDBPROF_FUNCTION_PREEMPTED_NS = 113,
  /**
   * uint8_t: 1 if the function was called; 0 if it is only known as a caller.
   */
  EDBPROF_FUNCTION_IS_CALLED = 114,
  /**
   * uint32_t: process id.
   */
  EDBPROF_PROCESS_PID = 200,
  /**
   * uint32_t: process id of the parent.
   */
  EDBPROF_PROCESS_PARENT_PID = 201,
  /**
   * Text: the command line, with a NUL byte after each argument.
   */
  EDBPROF_PROCESS_ARGV = 202,
  /**
   * Text: the host program, such as `CPython 3.11.7`.
   */
  EDBPROF_PROCESS_HOST = 203,
  /**
   * uint64_t: beginning of the recording, nanoseconds since 1970.
   */
  EDBPROF_PROCESS_START_UNIX_NS = 204,
  /**
   * uint64_t: duration of the recording, nanoseconds.
   */
  EDBPROF_PROCESS_DURATION_NS = 205,
  /**
   * uint64_t: processor time of the process, nanoseconds; 0 if unknown.
   */
  EDBPROF_PROCESS_PROCESSOR_NS = 206,
  /**
   * uint8_t: 0 for running when it was saved, 1 for finished, 2 for killed.
   */
  EDBPROF_PROCESS_ENDING = 207,
  /**
   * Text: the name; in a merged file that of several, with `#` for digits.
   */
  EDBPROF_THREAD_NAME = 300,
  /**
   * uint32_t: index of its process; UINT32_MAX in a merged file, which does not have it.
   */
  EDBPROF_THREAD_PROCESS = 301,
  /**
   * uint32_t: number of threads that recorded under that name, one after the other; 0 if
   * unknown.
   */
  EDBPROF_THREAD_THREADS = 302,
  /**
   * uint64_t: time of the calls that no other made, nanoseconds.
   */
  EDBPROF_THREAD_TOTAL_NS = 303,
  /**
   * Text: like that of functions.
   */
  EDBPROF_CHANGE_NAME = 400,
  /**
   * Text: like that of functions.
   */
  EDBPROF_CHANGE_QUALIFIED_NAME = 401,
  /**
   * Text: like that of functions.
   */
  EDBPROF_CHANGE_MODULE = 402,
  /**
   * Text: like that of functions.
   */
  EDBPROF_CHANGE_FILE = 403,
  /**
   * int64_t: like that of functions.
   */
  EDBPROF_CHANGE_LINE = 404,
  /**
   * uint64_t: like that of functions.
   */
  EDBPROF_CHANGE_ID = 405,
  /**
   * double: number of calls.
   */
  EDBPROF_CHANGE_CALLS_BEFORE = 406,
  /**
   * double: number of calls.
   */
  EDBPROF_CHANGE_CALLS_AFTER = 407,
  /**
   * double: nanoseconds, without callees.
   */
  EDBPROF_CHANGE_SELF_NS_BEFORE = 408,
  /**
   * double: nanoseconds, without callees.
   */
  EDBPROF_CHANGE_SELF_NS_AFTER = 409,
  /**
   * double: nanoseconds of primitive calls, with callees.
   */
  EDBPROF_CHANGE_TOTAL_NS_BEFORE = 410,
  /**
   * double: nanoseconds of primitive calls, with callees.
   */
  EDBPROF_CHANGE_TOTAL_NS_AFTER = 411,
  /**
   * double: part of the change of self time that comes from more or fewer calls.
   */
  EDBPROF_CHANGE_BY_CALLS_NS = 412,
  /**
   * double: part of the change of self time that comes from longer or shorter calls.
   */
  EDBPROF_CHANGE_BY_TIME_NS = 413,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum edbprof_column_id edbprof_column_id;
#else
typedef uint32_t edbprof_column_id;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A profile, or two that are compared.
 */
typedef struct edbprof_data edbprof_data;

/**
 * A profile to read: the path of a file, or its content.
 */
typedef struct edbprof_source {
  /**
   * Path of a file. If it is NULL, `content` is read instead.
   */
  edbprof_str path;
  /**
   * Content of a file.
   */
  edbprof_str content;
} edbprof_source;

/**
 * Reason why a function has failed. Fill it with zeros first.
 */
typedef struct edbprof_failure {
  /**
   * Index of the source that can't be read; the number of sources if it is none of them.
   */
  size_t source;
  /**
   * The C library's `errno`; 0 if the failure was not the system's.
   */
  int32_t os_error;
  /**
   * The reason as text, to free with `edbprof_bytes_free`.
   */
  edbprof_bytes reason;
} edbprof_failure;

/**
 * A column, which lives as long as its profile or comparison.
 */
typedef struct edbprof_column {
  /**
   * The items; for text, all bytes of all items.
   */
  const void *data;
  /**
   * Number of items.
   */
  size_t len;
  /**
   * Size of an item, bytes; 0 for text.
   */
  size_t item_size;
  /**
   * For text, the end of each item in `data`; NULL otherwise.
   */
  const uint64_t *ends;
} edbprof_column;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Reads and merges profiles: `.prof` files, live files and those of cProfile. Every recording
 * counts once. Without sources, the profile is empty. Any thread; the sources must not change
 * meanwhile.
 *
 * `flags`: one of `EDBPROF_BY_PROCESS` and `EDBPROF_BY_THREAD`, and `EDBPROF_COMPENSATE`; or 0.
 * `*out` becomes the profile, to free with `edbprof_data_free`. If reading fails, `*failure`
 * becomes the reason, unless `failure` is NULL. The host frees its text.
 *
 * Errors: `EDBPROF_UNREADABLE`, `EDBPROF_SYSTEM_ERROR`, `EDBPROF_BAD_ARGUMENT` (unknown flag).
 *
 * # Safety
 * * `len` sources are readable at `sources`, or it is NULL; their strings are readable.
 * * `out` and `failure` are NULL or writable. Their previous values are not freed.
 */
edbprof_status edbprof_data_load(const struct edbprof_source *sources,
                                 size_t len,
                                 uint32_t flags,
                                 struct edbprof_data **out,
                                 struct edbprof_failure *failure);

/**
 * Merges profiles into the content of one `.prof` file. Every recording counts once, so results
 * may be merged in stages. Any thread; the sources must not change meanwhile.
 *
 * `*out` becomes the bytes, to free with `edbprof_bytes_free`. Otherwise like
 * `edbprof_data_load`.
 *
 * # Safety
 * * `len` sources are readable at `sources`, or it is NULL; their strings are readable.
 * * `out` and `failure` are NULL or writable. Their previous values are not freed.
 */
edbprof_status edbprof_merge(const struct edbprof_source *sources,
                             size_t len,
                             edbprof_bytes *out,
                             struct edbprof_failure *failure);

/**
 * Encodes a profile as the content of a `.prof` file, which begins with the dictionary for
 * pstats. Any thread.
 *
 * Errors: `EDBPROF_BAD_ARGUMENT` (a comparison).
 *
 * # Safety
 * * `data` is NULL or was made by this library and not freed.
 * * `out` is NULL or writable. Its previous value is not freed.
 */
edbprof_status edbprof_data_encode(const struct edbprof_data *data,
                                   edbprof_bytes *out);

/**
 * Gives a column of a profile or comparison. Any thread.
 *
 * `*out` becomes the column, which lives as long as `data` and is not freed.
 *
 * Errors: `EDBPROF_BAD_ARGUMENT` (there is no such column).
 *
 * # Safety
 * * `data` is NULL or was made by this library and not freed.
 * * `out` is NULL or writable.
 */
edbprof_status edbprof_data_column(const struct edbprof_data *data,
                                   uint32_t column,
                                   struct edbprof_column *out);

/**
 * Finds the functions that a pattern matches, like `edbprof --include`. Any thread.
 *
 * `*out` becomes one byte for each function, 1 if it matches; to free with `edbprof_bytes_free`.
 *
 * # Safety
 * * `data` is NULL or was made by this library and not freed.
 * * `pattern` is readable.
 * * `out` is NULL or writable. Its previous value is not freed.
 */
edbprof_status edbprof_data_find(const struct edbprof_data *data,
                                 edbprof_str pattern,
                                 edbprof_bytes *out);

/**
 * Makes a profile of the calls of functions that a pattern matches, with all that they have
 * called. Any thread.
 *
 * `*out` becomes the profile, to free with `edbprof_data_free`; NULL if no call matches.
 *
 * # Safety
 * * `data` is NULL or was made by this library and not freed.
 * * `pattern` is readable.
 * * `out` is NULL or writable.
 */
edbprof_status edbprof_data_subtree(const struct edbprof_data *data,
                                    edbprof_str pattern,
                                    struct edbprof_data **out);

/**
 * Compares two profiles, like `edbprof diff`. Any thread.
 *
 * `flags`: `EDBPROF_AS_RECORDED` or 0. `*out` becomes the comparison, to free with
 * `edbprof_data_free`.
 *
 * # Safety
 * * `before` and `after` are NULL or were made by this library and not freed.
 * * `out` is NULL or writable.
 */
edbprof_status edbprof_data_diff(const struct edbprof_data *before,
                                 const struct edbprof_data *after,
                                 uint32_t flags,
                                 struct edbprof_data **out);

/**
 * Frees a profile or comparison, and with it its columns. NULL does nothing. One thread at a time,
 * once no other thread uses it.
 *
 * # Safety
 * * `data` is NULL or was made by this library and not freed.
 */
void edbprof_data_free(struct edbprof_data *data);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* EDBPROF_PROFILES_H */
