/* edbprof: exact call trees from any program.
 *
 * Generated from src/capi by cbindgen; do not edit.
 *
 * A recording holds one call tree for each thread that takes part. A host makes a
 * recording, attaches each thread, and reports calls as they begin and end:
 *
 *     EDBPROF_SPAN(parse, "parse");
 *
 *     edbprof_options options = {0};
 *     options.struct_size = sizeof options;
 *     edbprof_recording *recording;
 *     edbprof_thread *thread;
 *     edbprof_recording_new(&options, &recording);
 *     edbprof_recording_attach(recording, (edbprof_str)EDBPROF_STR("main"), &thread);
 *     edbprof_enter_span(thread, &parse);
 *     ...
 *     edbprof_leave_span(thread, &parse);
 *     edbprof_recording_save_as(recording, (edbprof_str)EDBPROF_STR("run.prof"), 0);
 *     edbprof_recording_free(recording);
 *
 * The file is read by Python's pstats and, with the exact trees in it, by the
 * program `edbprof`.
 *
 * What holds for every function:
 *
 * - Nothing unwinds out of one, and wrong use that can be seen returns a status:
 *   NULL, a struct_size that is too small, a leave without an enter. Statuses are
 *   numbered for life; 0 is EDBPROF_OK.
 * - What a function gives through a pointer is NULL, none or 0 unless its status is
 *   EDBPROF_OK. A pointer to const is only read.
 * - Handles are opaque. What `_new` makes, `_free` frees; freeing NULL is nothing.
 * - Strings have explicit lengths and may hold any bytes. The callee copies what it
 *   keeps.
 * - A struct that the host fills begins with struct_size, its sizeof. Fill it with
 *   zeros first. Later versions append fields, for which zeros mean the default.
 * - Each function says who may call it: 'any thread' (at any time), 'one thread at
 *   a time' (the host sees to it), or 'only the thread that made it'.
 * - A recording belongs to one process. After fork() the child's copy is a
 *   recording of its own, with nothing counted yet and the open calls still open.
 *
 * Before anything else a host checks that the library suits this header:
 *
 *     if (!EDBPROF_ABI_IS_COMPATIBLE(edbprof_abi_version())) { ... give up ... }
 *
 * The library's major version must be this header's, and its minor version at least this
 * header's. So a program or an extension continues to work, without being compiled again,
 * with each later library of the same major version.
 */


#ifndef EDBPROF_H
#define EDBPROF_H

#include <stddef.h>
#include <stdint.h>
/* True if a library of that version (what edbprof_abi_version() returns) suits a host that
 * was compiled with this header: the same major version, and at least the same minor one. */
#define EDBPROF_ABI_IS_COMPATIBLE(version) \
  ((version) >> 16 == EDBPROF_ABI_MAJOR && (version) >= EDBPROF_ABI_VERSION)

/* A string literal as the initialiser of an edbprof_str. */
#define EDBPROF_STR(literal) { (literal), sizeof(literal) - 1 }

/* Defines `variable`, a native span called `name` (a string literal), at this place
 * of the source. */
#define EDBPROF_SPAN(variable, name)                                              \
  static const edbprof_function variable = {                                      \
      sizeof(edbprof_function), EDBPROF_NATIVE, 0, EDBPROF_STR(__FILE__), __LINE__, \
      EDBPROF_STR(name), {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, 0}


/**
 * Major version of this ABI. It grows when a host that was compiled with an earlier header
 * can no longer use the library.
 */
#define EDBPROF_ABI_MAJOR 3

/**
 * Minor version of this ABI. It grows when functions, constants or fields are added, and
 * starts again at 0 with each major version.
 */
#define EDBPROF_ABI_MINOR 0

/**
 * Version of this ABI in one number: the major version in the upper 16 bits, the minor one
 * in the lower 16.
 */
#define EDBPROF_ABI_VERSION ((EDBPROF_ABI_MAJOR << 16) | EDBPROF_ABI_MINOR)

/**
 * `edbprof_function.kind`: a Python code object.
 */
#define EDBPROF_PYTHON 0

/**
 * `edbprof_function.kind`: a function of the interpreter or an extension.
 */
#define EDBPROF_BUILTIN 1

/**
 * `edbprof_function.kind`: native code that enters and leaves by itself.
 */
#define EDBPROF_NATIVE 2

/**
 * `edbprof_function.flags`: a wrapper made by `functools.singledispatch` or
 * `functools.singledispatchmethod`.
 */
#define EDBPROF_GENERIC_WRAPPER 1

/**
 * `edbprof_function.flags`: the `dispatch` function beside such a wrapper.
 */
#define EDBPROF_GENERIC_DISPATCH 2

/**
 * `edbprof_function.flags`: called by loading an attribute, as properties are, so that its
 * calls cost less than others do.
 */
#define EDBPROF_PROPERTY 32

/**
 * `edbprof_function.flags`: part of the profiler. It stands in no file: what it
 * calls is its caller's, and so is its time.
 */
#define EDBPROF_HIDDEN 2147483648

/**
 * `edbprof_options.clock`: wall-clock time by the fastest clock of the machine.
 */
#define EDBPROF_CLOCK_WALL 0

/**
 * `edbprof_options.clock`: CPU time of each thread.
 */
#define EDBPROF_CLOCK_CPU 1

/**
 * `edbprof_options.clock`: the host gives the time with each event, through the
 * functions that end in `_at`.
 */
#define EDBPROF_CLOCK_HOST 2

/**
 * `edbprof_options.max_nodes`: the fewest that a recording has room for.
 */
#define EDBPROF_LEAST_NODES 64

/**
 * `edbprof_options.max_nodes`: the most that a recording has room for.
 */
#define EDBPROF_MOST_NODES 134217727

/**
 * Saving: the recording is over; the file says that its process ended regularly.
 */
#define EDBPROF_SAVE_FINAL 1

/**
 * Saving: nothing more will be recorded; the live file is removed at once and not at
 * the end of the process. For one that ends in `_exit`.
 */
#define EDBPROF_SAVE_LAST 4

/**
 * Saving: a `.singledispatch` sidecar is written beside the file, if any generic
 * function was called.
 */
#define EDBPROF_SAVE_SIDECAR 2

/**
 * What became of a call. The numbers never change and are never used again:
 * 1-9 the host's mistakes, 10-19 what became of an event, 20-29 of a recording.
 */
enum edbprof_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Done.
   */
  EDBPROF_OK = 0,
  /**
   * A pointer that must not be NULL is.
   */
  EDBPROF_NULL_POINTER = 1,
  /**
   * `struct_size` is smaller than the struct's first version.
   */
  EDBPROF_BAD_STRUCT_SIZE = 2,
  /**
   * An argument makes no sense; the recording's error text says which.
   */
  EDBPROF_BAD_ARGUMENT = 3,
  /**
   * The handle belongs to another thread.
   */
  EDBPROF_WRONG_THREAD = 4,
  /**
   * The recording does not know the function: define it and enter again.
   */
  EDBPROF_UNKNOWN_FUNCTION = 10,
  /**
   * What was left was not entered; nothing changed.
   */
  EDBPROF_NOT_OPEN = 11,
  /**
   * There is no room for the call, not even to fold it. It is counted, and its time
   * is its caller's.
   */
  EDBPROF_DROPPED = 12,
  /**
   * Nothing was recorded yet, so no file was written.
   */
  EDBPROF_NOTHING_RECORDED = 20,
  /**
   * No file was written, for it was not yet due.
   */
  EDBPROF_NOT_DUE = 21,
  /**
   * The operating system refused; the recording's error text says what and where.
   */
  EDBPROF_SYSTEM_ERROR = 22,
  /**
   * There is no memory.
   */
  EDBPROF_OUT_OF_MEMORY = 23,
  /**
   * This system can't do that.
   */
  EDBPROF_UNSUPPORTED = 24,
  /**
   * The recording goes on, but no live file keeps what comes if the process is
   * killed; the error text says why. Told once.
   */
  EDBPROF_IN_MEMORY_ONLY = 25,
  /**
   * A defect of this library. What the call was to do is done in part or not.
   */
  EDBPROF_INTERNAL_ERROR = 29,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum edbprof_status edbprof_status;
#else
typedef int32_t edbprof_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What one process collects for one purpose. Made by `edbprof_recording_new`.
 */
typedef struct edbprof_recording edbprof_recording;

/**
 * One thread's place in a recording: made by `edbprof_recording_attach`, gone with
 * `edbprof_thread_detach` or with the recording.
 */
typedef struct edbprof_thread edbprof_thread;

/**
 * Bytes with a length, not NUL-terminated and not necessarily UTF-8. NULL `data`
 * is no bytes, whatever `len` says. Whoever passes one keeps the bytes; the callee copies
 * what it needs before it returns.
 */
typedef struct edbprof_str {
  /**
   * The first byte.
   */
  const char *data;
  /**
   * How many there are.
   */
  size_t len;
} edbprof_str;

/**
 * What recording adds to the time of a call, in picoseconds, as the host has measured
 * it. A part is the callee's, whose self time it makes longer, the rest its caller's.
 */
typedef struct edbprof_calibration {
  /**
   * `sizeof(edbprof_calibration)`.
   */
  size_t struct_size;
  /**
   * A call of an `EDBPROF_PYTHON` function: the callee's part.
   */
  uint32_t python_call_callee_ps;
  /**
   * Its caller's part.
   */
  uint32_t python_call_caller_ps;
  /**
   * A call of an `EDBPROF_BUILTIN`: the callee's part.
   */
  uint32_t c_call_callee_ps;
  /**
   * Its caller's part.
   */
  uint32_t c_call_caller_ps;
  /**
   * A resume: the generator's or coroutine's part.
   */
  uint32_t resume_callee_ps;
  /**
   * Its caller's part.
   */
  uint32_t resume_caller_ps;
  /**
   * A call of an `EDBPROF_PYTHON` function that no call instruction makes (C code does,
   * or an operator): the callee's part.
   */
  uint32_t implicit_call_callee_ps;
  /**
   * Its caller's part.
   */
  uint32_t implicit_call_caller_ps;
  /**
   * A call of a function called `__init__`, the call of the class apart: its part.
   */
  uint32_t init_call_callee_ps;
  /**
   * Its caller's part.
   */
  uint32_t init_call_caller_ps;
  /**
   * What `edbprof_count_class_call` counts: all of it is the caller's.
   */
  uint32_t class_call_ps;
  /**
   * Millionths of the self time of `EDBPROF_PYTHON` functions that come of an interpreter
   * which runs their instructions slower for the hook's sake; the costs above are what
   * calls add to that. 0 where it doesn't.
   */
  uint32_t slowed_ppm;
} edbprof_calibration;

/**
 * Bytes that the library has made and the host owns, to free by `edbprof_bytes_free`.
 * Filled with zeros: none.
 */
typedef struct edbprof_bytes {
  /**
   * The first byte, or NULL.
   */
  uint8_t *data;
  /**
   * How many there are.
   */
  size_t len;
} edbprof_bytes;

/**
 * A function as people shall see it. Fields that are left zero are unknown.
 *
 * A native span is a constant of this type with static storage, made by
 * `EDBPROF_SPAN`; its address is its key.
 */
typedef struct edbprof_function {
  /**
   * `sizeof(edbprof_function)`.
   */
  size_t struct_size;
  /**
   * `EDBPROF_PYTHON`, `EDBPROF_BUILTIN` or `EDBPROF_NATIVE`.
   */
  uint32_t kind;
  /**
   * `EDBPROF_GENERIC_WRAPPER` and the like, or 0.
   */
  uint32_t flags;
  /**
   * The file that it is defined in; pstats writes `~` for builtins.
   */
  struct edbprof_str file;
  /**
   * Its first line, or 0.
   */
  int64_t line;
  /**
   * Its name.
   */
  struct edbprof_str name;
  /**
   * Its name with those of the classes and functions around it.
   */
  struct edbprof_str qualified_name;
  /**
   * Its module.
   */
  struct edbprof_str module;
  /**
   * For a `EDBPROF_GENERIC_WRAPPER` that serves one generic function alone:
   * that function's name, else empty.
   */
  struct edbprof_str generic_name;
  /**
   * That function's file.
   */
  struct edbprof_str generic_file;
  /**
   * That function's first line.
   */
  int64_t generic_line;
} edbprof_function;

/**
 * Where a suspended fiber (a greenlet, a coroutine with a stack) stands: a value without
 * resources, for the thread that it was made in. All zeros: a fiber in which nothing is
 * open, such as a new one.
 */
typedef struct edbprof_fiber {
  /**
   * The library's own.
   */
  uint64_t tree;
  /**
   * The library's own.
   */
  uint32_t innermost;
  /**
   * The library's own; 0.
   */
  uint32_t reserved;
} edbprof_fiber;

/**
 * What a recording is made with. Fill with zeros, set `struct_size`, then what
 * shall differ from the defaults.
 */
typedef struct edbprof_options {
  /**
   * `sizeof(edbprof_options)`.
   */
  size_t struct_size;
  /**
   * `EDBPROF_CLOCK_WALL` and the like.
   */
  uint32_t clock;
  /**
   * Nodes that all call trees together may have, 64 bytes each and up to 16 in
   * memory to find it; 0: 4,194,304. What is below `EDBPROF_LEAST_NODES` or beyond
   * `EDBPROF_MOST_NODES` is taken as those. Calls in further contexts are folded:
   * calls, resumes and self time are known by function and thread, callers and
   * inclusive times are not. That takes a quarter more at most, or 65,536 nodes.
   */
  uint32_t max_nodes;
  /**
   * Nanoseconds in a tick of `EDBPROF_CLOCK_HOST`; 0: one.
   */
  double host_tick_ns;
  /**
   * Where `edbprof_recording_save` writes: `<directory>/<prefix><pid>_<16 hex
   * digits><suffix>`, with digits that no other recording has. Without a
   * directory there is only `edbprof_recording_save_as`.
   */
  struct edbprof_str directory;
  /**
   * See `directory`.
   */
  struct edbprof_str prefix;
  /**
   * See `directory`.
   */
  struct edbprof_str suffix;
  /**
   * What the host is, for example "CPython 3.11.7".
   */
  struct edbprof_str host;
  /**
   * How events reach the recording, for example "setprofile".
   */
  struct edbprof_str hook;
  /**
   * Where the live file goes, `<name of the own file>.live`, which has all that was
   * recorded whatever ends the process: made at the first event, removed when the
   * process ends after a save with `EDBPROF_SAVE_FINAL`, or with the recording.
   * NULL: `directory`. Without both, or with an empty string, there is none. Without
   * `directory` it is called `edbprof_<pid>_<16 hex digits>.prof.live`, and removed
   * when the process ends after `edbprof_process_ends`.
   */
  struct edbprof_str live_dir;
} edbprof_options;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the `EDBPROF_ABI_VERSION` of the library. A host calls no other function unless
 * `EDBPROF_ABI_IS_COMPATIBLE(edbprof_abi_version())`. Any thread.
 */
uint32_t edbprof_abi_version(void);

/**
 * The version of the project, for people, for example "0.1.0". Lives as long as
 * the program. Any thread.
 */
struct edbprof_str edbprof_version(void);

/**
 * Says what recording costs in this process: a fact for its files, by which
 * `edbprof --compensate` corrects times. Nothing that is recorded changes. All zero:
 * not known. A forked child has its parent's. Any thread.
 *
 * `EDBPROF_BAD_STRUCT_SIZE`, `EDBPROF_BAD_ARGUMENT` (`slowed_ppm` beyond a million).
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `calibration` is NULL or readable.
 */
edbprof_status edbprof_recording_set_calibration(struct edbprof_recording *recording,
                                                 const struct edbprof_calibration *calibration);

/**
 * Counts the calls and resumes that the recording has nodes for, of all threads, into
 * `*out`. Goes over all nodes. Any thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `out` is NULL or writable.
 */
edbprof_status edbprof_recording_count_calls(const struct edbprof_recording *recording,
                                             uint64_t *out);

/**
 * Adds up the inclusive time of the thread's nodes of the function called `key`, in
 * ticks of the recording's clock, into `*out`. Goes over all nodes of the thread. Only
 * the thread that made the handle.
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed.
 * * `out` is NULL or writable.
 */
edbprof_status edbprof_thread_ticks(const struct edbprof_thread *thread,
                                    uint64_t key,
                                    uint64_t *out);

/**
 * Makes the bytes that a file saved now would hold, without a file: first the dictionary
 * for pstats, which Python's `marshal.loads` gives. Open calls are in it with their time
 * until now. Any thread; other threads may record meanwhile.
 *
 * `*out` becomes the bytes, to free by `edbprof_bytes_free`, or none unless the status is
 * `EDBPROF_OK`.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `out` is NULL or writable. What it holds is not freed.
 */
edbprof_status edbprof_recording_encode(const struct edbprof_recording *recording,
                                        struct edbprof_bytes *out);

/**
 * Frees bytes that the library has made; `*bytes` becomes none, so freeing twice is
 * nothing, and so is NULL. One thread at a time.
 *
 * # Safety
 * * `bytes` is NULL, or readable and writable.
 * * `*bytes` is none, or as the library has made it.
 */
void edbprof_bytes_free(struct edbprof_bytes *bytes);

/**
 * The function called `key` begins. Only the thread that made the handle.
 *
 * Returns `EDBPROF_UNKNOWN_FUNCTION`, with nothing changed, for a key that the
 * recording does not know: then `edbprof_recording_define` it and enter again.
 * `key` is the host's own, any number but 0, and the same for the same function.
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed.
 * * The calling thread made it.
 */
edbprof_status edbprof_enter(struct edbprof_thread *thread, uint64_t key);

/**
 * As `edbprof_enter`, for a generator or coroutine that goes on after it was
 * suspended: counted as a resume, not as a call. Only the thread that made the
 * handle.
 *
 * # Safety
 * * As for `edbprof_enter`.
 */
edbprof_status edbprof_resume(struct edbprof_thread *thread, uint64_t key);

/**
 * The function called `key` ends, by return or exception, or is suspended. Only
 * the thread that made the handle.
 *
 * Calls made by it that are still open end with it. If it is not open (recording
 * was switched on in the middle of it) nothing happens: `EDBPROF_NOT_OPEN`.
 *
 * # Safety
 * * As for `edbprof_enter`.
 */
edbprof_status edbprof_leave(struct edbprof_thread *thread, uint64_t key);

/**
 * What is open calls a class, or something else that gets no event of its own though the
 * hook takes time for it: counted, so that `--compensate` knows. Only the thread that
 * made the handle; NULL does nothing.
 *
 * # Safety
 * * As for `edbprof_enter`.
 */
void edbprof_count_class_call(struct edbprof_thread *thread);

/**
 * As `edbprof_enter`, at a time that the host gives: a reading of the clock that
 * `edbprof_options.clock` names, for `EDBPROF_CLOCK_HOST` in the host's ticks, less
 * than 2^63 - 1. A time before the thread's latest event is taken as that event's.
 * Only the thread that made the handle.
 *
 * # Safety
 * * As for `edbprof_enter`.
 */
edbprof_status edbprof_enter_at(struct edbprof_thread *thread,
                                uint64_t key,
                                uint64_t ticks);

/**
 * As `edbprof_resume`, at a time that the host gives: see `edbprof_enter_at`. Only
 * the thread that made the handle.
 *
 * # Safety
 * * As for `edbprof_enter`.
 */
edbprof_status edbprof_resume_at(struct edbprof_thread *thread,
                                 uint64_t key,
                                 uint64_t ticks);

/**
 * As `edbprof_leave`, at a time that the host gives: see `edbprof_enter_at`. Only
 * the thread that made the handle.
 *
 * # Safety
 * * As for `edbprof_enter`.
 */
edbprof_status edbprof_leave_at(struct edbprof_thread *thread,
                                uint64_t key,
                                uint64_t ticks);

/**
 * As `edbprof_leave`, for a visit that turned out to be no start: throwing into
 * a generator that was never started looks like one up to Python 3.10. Only the
 * thread that made the handle.
 *
 * # Safety
 * * As for `edbprof_enter`.
 */
edbprof_status edbprof_leave_unstarted(struct edbprof_thread *thread, uint64_t key);

/**
 * Ends all open calls of the thread: recording is switched off in it. Only the
 * thread that made the handle; from another one it is `EDBPROF_WRONG_THREAD`, and
 * nothing changes.
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed.
 */
edbprof_status edbprof_leave_all(struct edbprof_thread *thread);

/**
 * The native span begins. Only the thread that made the handle.
 *
 * The span's address is its key, and on first sight it is defined from what it
 * says: no `edbprof_recording_define` is needed. Leave it by
 * `edbprof_leave_span`.
 *
 * # Safety
 * * As for `edbprof_enter`.
 * * `span` is NULL or a valid function that does not change and outlives the
 *   recording.
 */
edbprof_status edbprof_enter_span(struct edbprof_thread *thread,
                                  const struct edbprof_function *span);

/**
 * The native span ends: `edbprof_leave` with its address. Only the thread that
 * made the handle.
 *
 * # Safety
 * * As for `edbprof_enter`.
 */
edbprof_status edbprof_leave_span(struct edbprof_thread *thread,
                                  const struct edbprof_function *span);

/**
 * The thread turns away from the fiber that runs: its open calls end, as those of a
 * generator that is suspended do, until `edbprof_fiber_resume`. Only the thread that made
 * the handle.
 *
 * `*out` becomes what resumes it, all zeros where nothing is open: `EDBPROF_NOT_OPEN`.
 * Calls that are folded end for good.
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed.
 * * The calling thread made it.
 * * `out` is NULL or writable.
 */
edbprof_status edbprof_fiber_suspend(struct edbprof_thread *thread,
                                     struct edbprof_fiber *out);

/**
 * The thread goes on with a fiber: what was open in it is open again, and counted neither
 * as a call nor as a resume. What is open now ends. Only the thread that made the handle.
 *
 * `EDBPROF_NOT_OPEN`, and nothing is open, for a fiber that was suspended before this
 * process was forked. `EDBPROF_BAD_ARGUMENT` (`reserved` is not 0).
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed.
 * * The calling thread made it.
 * * `fiber` is NULL, all zeros, or what `edbprof_fiber_suspend` has given for `thread`.
 */
edbprof_status edbprof_fiber_resume(struct edbprof_thread *thread,
                                    const struct edbprof_fiber *fiber);

/**
 * Makes a recording. Any thread.
 *
 * `*out` becomes a handle to free with `edbprof_recording_free`, or NULL unless
 * the status is `EDBPROF_OK`. Writes no file. In a child that the process forks,
 * the handle is good for a recording of the child's own, in which the open calls
 * of the forking thread are open and nothing is counted yet.
 *
 * `EDBPROF_BAD_STRUCT_SIZE`, `EDBPROF_BAD_ARGUMENT` (unknown clock, negative tick,
 * NUL byte in a path, directory in a prefix or suffix), `EDBPROF_UNSUPPORTED` (no such clock here),
 * `EDBPROF_OUT_OF_MEMORY`, `EDBPROF_SYSTEM_ERROR`.
 *
 * # Safety
 * * `options` is NULL or readable, and so are the strings in it.
 * * `out` is NULL or writable.
 */
edbprof_status edbprof_recording_new(const struct edbprof_options *options,
                                     struct edbprof_recording **out);

/**
 * Frees a recording with all its thread handles, and removes its live file. Saves
 * nothing, but what came after a save with `EDBPROF_SAVE_FINAL`. NULL is fine. One thread at a time, and no thread uses the recording any more.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * No other call on it or on its threads is under way or comes later.
 */
void edbprof_recording_free(struct edbprof_recording *recording);

/**
 * Makes a handle for the calling thread. Any thread.
 *
 * `*out` becomes the handle, or NULL unless the status is `EDBPROF_OK`. It lives until
 * `edbprof_thread_detach`, or as long as the recording. `name` is what reports call the
 * thread. It has a call tree of its own; but where the recording has 256 trees, it goes
 * on with that of a thread that was detached, if there is any: best of one whose name
 * differs in digits only. The tree's name then says so: `worker-#, 745 threads`.
 *
 * `EDBPROF_OUT_OF_MEMORY` when there is no room for another tree.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `name` is readable; `out` is NULL or writable.
 */
edbprof_status edbprof_recording_attach(struct edbprof_recording *recording,
                                        struct edbprof_str name,
                                        struct edbprof_thread **out);

/**
 * The thread is over, and its handle too: calls that are open end, what it recorded is
 * kept. Only the thread that made the handle, or, when that will not use it any more,
 * any thread. Programs whose threads come and go need it, or each costs a tree.
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed, and was not detached.
 * * No other call with it is under way or comes later.
 */
edbprof_status edbprof_thread_detach(struct edbprof_thread *thread);

/**
 * Says what the function called `key` is. Any thread.
 *
 * Everything is copied. A key that is known keeps its first meaning.
 *
 * `EDBPROF_BAD_STRUCT_SIZE`, `EDBPROF_BAD_ARGUMENT` (key 0, unknown kind or
 * flag),
 * `EDBPROF_OUT_OF_MEMORY` (2^32 functions).
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `function` is NULL or readable, and so are the strings in it.
 */
edbprof_status edbprof_recording_define(struct edbprof_recording *recording,
                                        uint64_t key,
                                        const struct edbprof_function *function);

/**
 * Writes all that was recorded so far to the recording's own file, open calls
 * with their time until now. One thread at a time; other threads may record
 * meanwhile. Saving again replaces the file.
 *
 * `flags`: 0 or `EDBPROF_SAVE_FINAL`, `EDBPROF_SAVE_LAST`, `EDBPROF_SAVE_SIDECAR`.
 *
 * `EDBPROF_NOTHING_RECORDED` (and no file), `EDBPROF_BAD_ARGUMENT` (no directory
 * was given, unknown flag), `EDBPROF_SYSTEM_ERROR`.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 */
edbprof_status edbprof_recording_save(struct edbprof_recording *recording,
                                      uint32_t flags);

/**
 * As `edbprof_recording_save`, to exactly `path`, and also when nothing was
 * recorded. Relative to the current directory. One thread at a time.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `path` is readable.
 */
edbprof_status edbprof_recording_save_as(struct edbprof_recording *recording,
                                         struct edbprof_str path,
                                         uint32_t flags);

/**
 * Counts an outermost call that has ended, and saves as `edbprof_recording_save`
 * does after every `every`-th (0: never), as long as all writing so far took less
 * than a hundredth of the time since the first event. One thread at a time.
 *
 * `EDBPROF_OK` when it wrote, `EDBPROF_NOT_DUE` when it did not,
 * and once `EDBPROF_IN_MEMORY_ONLY` instead of these if no live file can be had or it
 * can't grow; the recording's error text says why.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 */
edbprof_status edbprof_recording_call_ended(struct edbprof_recording *recording,
                                            uint64_t every,
                                            uint32_t flags);

/**
 * `EDBPROF_IN_MEMORY_ONLY`, once, if no live file can be had or it can't grow: what is
 * recorded is lost if the process is killed. The recording's error text says why. Else
 * `EDBPROF_OK`. For hosts that don't use `edbprof_recording_call_ended`. Any thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 */
edbprof_status edbprof_recording_check(struct edbprof_recording *recording);

/**
 * Says that the host ends this process regularly. Recordings without a directory of
 * their own are not saved then, and leave no live file. One thread at a time.
 *
 * `flags`: 0, and the files go when the C library runs its exit handlers; or
 * `EDBPROF_SAVE_LAST`, and they go now, for a process that ends in `_exit`.
 *
 * `EDBPROF_BAD_ARGUMENT` (unknown flag).
 */
edbprof_status edbprof_process_ends(uint32_t flags);

/**
 * Copies the text of the latest failure of the recording to `buffer`, cut to
 * `size - 1` bytes and NUL-terminated. Returns the length of the whole text, 0
 * when nothing has failed. Any thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `size` bytes can be written at `buffer`, or it is NULL.
 */
size_t edbprof_recording_error(const struct edbprof_recording *recording,
                               char *buffer,
                               size_t size);

/**
 * The C library's `errno` of the latest failure of the recording; 0 when nothing has
 * failed, or not by the system's refusal. Any thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 */
int32_t edbprof_recording_errno(const struct edbprof_recording *recording);

/**
 * Copies the path of the recording's own file to `buffer`, cut to `size - 1` bytes
 * and NUL-terminated. Returns the length of the whole path, 0 when there is none:
 * nothing was recorded yet, or no directory was given. Any thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `size` bytes can be written at `buffer`, or it is NULL.
 */
size_t edbprof_recording_path(const struct edbprof_recording *recording,
                              char *buffer,
                              size_t size);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* EDBPROF_H */
