/* edbprof: exact call trees from any program.
 *
 * Generated from src/capi by cbindgen; do not edit.
 *
 * A recording holds one call tree for each thread that takes part. A host makes a
 * recording, attaches each thread, and reports the beginning and the end of each call:
 *
 *     EDBPROF_SPAN(parse, "parse");
 *
 *     edbprof_options options = EDBPROF_ZEROS;
 *     options.struct_size = sizeof options;
 *     edbprof_recording *recording;
 *     edbprof_thread *thread;
 *     edbprof_recording_new(&options, &recording);
 *     edbprof_recording_attach(recording, EDBPROF_TEXT("main"), &thread);
 *     edbprof_enter_span(thread, &parse);
 *     ...
 *     edbprof_leave_span(thread, &parse);
 *     edbprof_recording_save_as(recording, EDBPROF_TEXT("run.prof"), 0);
 *     edbprof_recording_free(recording);
 *
 * Python's pstats reads the file. The program `edbprof` also reads the exact trees in it.
 *
 * Before anything else, a host checks that the library suits this header:
 *
 *     if (!EDBPROF_ABI_IS_COMPATIBLE(edbprof_abi_version())) { ... give up ... }
 *
 * The major version of the library must be that of this header, and its minor version at
 * least that of this header. So a compiled host works with every later library of the
 * same major version.
 *
 * Rules for all functions:
 *
 * - Nothing unwinds out of a function. Wrong use that can be seen returns a status: NULL,
 *   a struct_size that is too small, an unknown flag, a leave without an enter.
 * - Status numbers never change; 0 is EDBPROF_OK.
 * - A function stores its result in `*out`; if it fails, it stores NULL, an empty value or 0.
 *   What a pointer to const points to is only read.
 * - Handles are opaque. `_free` frees what `_new` has made. Freeing NULL does nothing.
 * - Strings have explicit lengths and may hold any bytes. The callee copies what it keeps.
 * - A struct that the host fills begins with struct_size, its sizeof. Fill it with zeros
 *   first. Later versions append fields, for which zeros mean the default.
 * - Each function says who may call it: 'any thread' (at any time), 'one thread at a time'
 *   (the host ensures it), or 'only the thread that made' the handle, or has adopted it.
 * - Functions that report calls do not check their thread, because that would slow each call:
 *   calling them from another thread is undefined. All others of that kind return
 *   EDBPROF_WRONG_THREAD there, and change nothing.
 * - For a handle that was detached, all of them return EDBPROF_DETACHED and change nothing, until
 *   edbprof_recording_attach gives the handle to another thread.
 * - A recording belongs to one process. After fork() the child's copy is a recording of
 *   its own, with nothing counted yet and the open calls still open.
 */


#ifndef EDBPROF_H
#define EDBPROF_H

#include <stddef.h>
#include <stdint.h>
/* True if a library of that version suits a host that was compiled with this header.
 * `version` is the result of edbprof_abi_version(). */
#define EDBPROF_ABI_IS_COMPATIBLE(version) \
  ((version) >> 16 == EDBPROF_ABI_MAJOR && (version) >= EDBPROF_ABI_VERSION)

/* A string literal as the initialiser of an edbprof_str. */
#define EDBPROF_STR(literal) { (literal), sizeof(literal) - 1 }

/* A string literal as an edbprof_str, and the initialiser of a struct that is to be zeros. */
#ifdef __cplusplus
#define EDBPROF_TEXT(literal) edbprof_str EDBPROF_STR(literal)
#define EDBPROF_ZEROS {}
#else
#define EDBPROF_TEXT(literal) (edbprof_str)EDBPROF_STR(literal)
#define EDBPROF_ZEROS { 0 }
#endif

/* Defines `variable`, a native span named `name`, at that line of `file`. `name` and `file` are
 * string literals. */
#define EDBPROF_SPAN_AT(variable, name, file, line)                               \
  static const edbprof_function variable = {                                      \
      sizeof(edbprof_function), EDBPROF_NATIVE, 0, EDBPROF_STR(file), (line),     \
      EDBPROF_STR(name), {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, 0}

/* The same at this line of this file. */
#define EDBPROF_SPAN(variable, name)                                              \
  EDBPROF_SPAN_AT(variable, name, __FILE__, __LINE__)


/**
 * Major version of this ABI. It grows when a host that was compiled with an earlier header
 * can no longer use the library.
 */
#define EDBPROF_ABI_MAJOR 3

/**
 * Minor version of this ABI. It grows when functions, constants or fields are added, and
 * starts again at 0 with each major version.
 */
#define EDBPROF_ABI_MINOR 1

/**
 * Version of this ABI in one number: the major version in the upper 16 bits, the minor one
 * in the lower 16.
 */
#define EDBPROF_ABI_VERSION ((EDBPROF_ABI_MAJOR << 16) | EDBPROF_ABI_MINOR)

/**
 * A step of `edbprof_step_coroutine`: a coroutine starts.
 */
#define EDBPROF_COROUTINE_STARTS 0

/**
 * A step of `edbprof_step_coroutine`: a coroutine that was suspended continues.
 */
#define EDBPROF_COROUTINE_RESUMES 1

/**
 * A step of `edbprof_step_coroutine`: a coroutine is suspended because it waits.
 */
#define EDBPROF_COROUTINE_SUSPENDS 2

/**
 * A step of `edbprof_step_coroutine`: a coroutine returns.
 */
#define EDBPROF_COROUTINE_ENDS 3

/**
 * A step of `edbprof_step_coroutine`: a coroutine ends with an exception.
 */
#define EDBPROF_COROUTINE_RAISES 4

/**
 * A step of `edbprof_step_coroutine`: an async generator hands an item to its consumer, which
 * continues at once.
 */
#define EDBPROF_COROUTINE_YIELDS 5

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
 * `edbprof_function.flags`: called by loading an attribute, like a property, so its calls
 * cost less than others.
 */
#define EDBPROF_PROPERTY 32

/**
 * `edbprof_function.flags`: bits for the function's slowness, in steps of `EDBPROF_SLOWNESS_STEP`.
 * An interpreter may run all instructions more slowly while it is recorded. The slowness says how
 * much more this function is slowed than others; `EDBPROF_SLOWNESS_ONE` steps are a slowness of 1.
 * 0 means unknown, which counts as 1. See `edbprof_calibration.slowed_ppm`.
 */
#define EDBPROF_SLOWNESS 65280

/**
 * One step of `EDBPROF_SLOWNESS`.
 */
#define EDBPROF_SLOWNESS_STEP 256

/**
 * Number of steps of a slowness of 1.
 */
#define EDBPROF_SLOWNESS_ONE 64

/**
 * `edbprof_function.flags`: part of the profiler. Files omit it: its time, and the calls
 * that it makes, count as those of its caller.
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
 * `edbprof_options.clock`: the host gives the time of each event, through the functions
 * that end in `_at`.
 */
#define EDBPROF_CLOCK_HOST 2

/**
 * `edbprof_options.flags`: time in which threads are on no processor is not counted separately. By
 * default it is, if `clock` is `EDBPROF_CLOCK_WALL` and the library reads that clock.
 */
#define EDBPROF_NO_WAITING 1

/**
 * `edbprof_options.flags`: once there is no room for more, the timeline ends. By default the
 * latest events take the place of the oldest ones.
 */
#define EDBPROF_TIMELINE_FIRST 2

/**
 * `edbprof_options.flags`: only those parts of the timeline are saved that
 * `edbprof_timeline_keep` has kept.
 */
#define EDBPROF_TIMELINE_KEPT 4

/**
 * `edbprof_options.max_nodes`: the smallest number.
 */
#define EDBPROF_LEAST_NODES 64

/**
 * `edbprof_options.max_nodes`: the largest number.
 */
#define EDBPROF_MOST_NODES 134217727

/**
 * Flag for saving: the process, or at least the recording, is about to end. The file says
 * that the process ended regularly. Events after this save are saved when the process ends.
 */
#define EDBPROF_SAVE_AT_EXIT 1

/**
 * Flag for saving: removes the live file now and not at the end of the process, because
 * nothing more will be recorded. For a process that ends in `_exit`.
 */
#define EDBPROF_SAVE_REMOVE_LIVE_FILE 4

/**
 * Flag for saving: also writes a `.singledispatch` sidecar beside the file, if any generic
 * function was called.
 */
#define EDBPROF_SAVE_SIDECAR 2

/**
 * Result of a function. Numbers never change and are never reused. Those from 1 are mistakes of
 * the host, from 10 results of events, from 20 results of recordings, and from 30 results of
 * reading profiles.
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
   * A pointer that must not be NULL is NULL.
   */
  EDBPROF_NULL_POINTER = 1,
  /**
   * `struct_size` is smaller than the struct's first version.
   */
  EDBPROF_BAD_STRUCT_SIZE = 2,
  /**
   * An argument is invalid; the recording's error text gives the reason.
   */
  EDBPROF_BAD_ARGUMENT = 3,
  /**
   * The handle belongs to another thread.
   */
  EDBPROF_WRONG_THREAD = 4,
  /**
   * The handle was detached, and belongs to no thread.
   */
  EDBPROF_DETACHED = 5,
  /**
   * The recording does not know the function: define it and enter again.
   */
  EDBPROF_UNKNOWN_FUNCTION = 10,
  /**
   * The call is not open; nothing changed.
   */
  EDBPROF_NOT_OPEN = 11,
  /**
   * There is no room for the call, not even for a counter of overflow calls. It is
   * counted as dropped, and its time is its caller's.
   */
  EDBPROF_DROPPED = 12,
  /**
   * Nothing was recorded yet, so no file was written.
   */
  EDBPROF_NOTHING_RECORDED = 20,
  /**
   * Saving is not due yet, so no file was written.
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
   * The system can't do that.
   */
  EDBPROF_UNSUPPORTED = 24,
  /**
   * The recording continues, but no live file keeps later events if the process is
   * killed. The error text gives the reason. Returned once.
   */
  EDBPROF_IN_MEMORY_ONLY = 25,
  /**
   * No `edbprof run` wants this process to be recorded.
   */
  EDBPROF_NO_RUN = 26,
  /**
   * A defect of this library. The function has done its work in part or not at all, and
   * the recording continues.
   */
  EDBPROF_INTERNAL_ERROR = 29,
  /**
   * A file is no profile, or a damaged one, or can't be merged with the others. The text of
   * the failure says why.
   */
  EDBPROF_UNREADABLE = 30,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum edbprof_status edbprof_status;
#else
typedef int32_t edbprof_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Choice of the functions that a host reports. Made by `edbprof_choice_new`.
 */
typedef struct edbprof_choice edbprof_choice;

/**
 * Everything that one process collects for one purpose. Made by `edbprof_recording_new`.
 */
typedef struct edbprof_recording edbprof_recording;

/**
 * A thread's handle in a recording. Made by `edbprof_recording_attach`, and valid until
 * `edbprof_thread_detach` or until the recording is freed.
 */
typedef struct edbprof_thread edbprof_thread;

/**
 * Bytes with a length, neither NUL-terminated nor necessarily UTF-8. NULL `data` means no bytes,
 * and `len` is ignored. The caller keeps the bytes, and the callee copies what it needs before it
 * returns.
 */
typedef struct edbprof_str {
  /**
   * First byte.
   */
  const char *data;
  /**
   * Number of bytes.
   */
  size_t len;
} edbprof_str;

/**
 * Costs of recording, as the host has measured them: picoseconds that recording adds to a
 * call. The callee's part makes the self time of the callee longer, and the caller's part
 * that of the caller.
 */
typedef struct edbprof_calibration {
  /**
   * `sizeof(edbprof_calibration)`.
   */
  size_t struct_size;
  /**
   * Call of an `EDBPROF_PYTHON` function: the callee's part.
   */
  uint32_t python_call_callee_ps;
  /**
   * The caller's part.
   */
  uint32_t python_call_caller_ps;
  /**
   * Call of an `EDBPROF_BUILTIN`: the callee's part.
   */
  uint32_t c_call_callee_ps;
  /**
   * The caller's part.
   */
  uint32_t c_call_caller_ps;
  /**
   * Resume of a generator or coroutine: the callee's part.
   */
  uint32_t resume_callee_ps;
  /**
   * The caller's part.
   */
  uint32_t resume_caller_ps;
  /**
   * Call of an `EDBPROF_PYTHON` function without a call instruction, by C code or by an
   * operator: the callee's part.
   */
  uint32_t implicit_call_callee_ps;
  /**
   * The caller's part.
   */
  uint32_t implicit_call_caller_ps;
  /**
   * Call of a function named `__init__`, without the call of its class: the callee's
   * part.
   */
  uint32_t init_call_callee_ps;
  /**
   * The caller's part.
   */
  uint32_t init_call_caller_ps;
  /**
   * Call that `edbprof_count_class_call` counts: all of it is the caller's part.
   */
  uint32_t class_call_ps;
  /**
   * Millionths of the self time of `EDBPROF_PYTHON` functions with a slowness of 1 that are lost
   * because a hooked interpreter runs instructions more slowly. The costs above are no part of
   * that self time. 0: none; at most 1,000,000.
   */
  uint32_t slowed_ppm;
} edbprof_calibration;

/**
 * Description of a function, for people to read. Fields that are zero are unknown.
 *
 * A native span is a constant of this type with static storage, made by `EDBPROF_SPAN`.
 * Its address is its key.
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
   * Any of `EDBPROF_GENERIC_WRAPPER`, `EDBPROF_GENERIC_DISPATCH`, `EDBPROF_PROPERTY`,
   * `EDBPROF_HIDDEN` and a slowness, or 0.
   */
  uint32_t flags;
  /**
   * File that defines it; pstats writes `~` for builtins.
   */
  struct edbprof_str file;
  /**
   * First line, or 0.
   */
  int64_t line;
  /**
   * Name.
   */
  struct edbprof_str name;
  /**
   * Name with the names of the classes and functions around it.
   */
  struct edbprof_str qualified_name;
  /**
   * Module.
   */
  struct edbprof_str module;
  /**
   * Name of the generic function, for an `EDBPROF_GENERIC_WRAPPER` that serves that
   * function alone; otherwise empty.
   */
  struct edbprof_str generic_name;
  /**
   * File of the generic function.
   */
  struct edbprof_str generic_file;
  /**
   * First line of the generic function.
   */
  int64_t generic_line;
} edbprof_function;

/**
 * Bytes that the library has allocated. The host owns them, and frees them with
 * `edbprof_bytes_free`. Zeros mean no bytes.
 */
typedef struct edbprof_bytes {
  /**
   * First byte, or NULL.
   */
  uint8_t *data;
  /**
   * Number of bytes.
   */
  size_t len;
} edbprof_bytes;

/**
 * Position of a suspended fiber, such as a greenlet. It is a value without resources, for
 * the thread that made it. Zeros mean a fiber in which nothing is open, such as a new one.
 */
typedef struct edbprof_fiber {
  /**
   * Private to the library.
   */
  uint64_t tree;
  /**
   * Private to the library.
   */
  uint32_t innermost;
  /**
   * Always 0.
   */
  uint32_t reserved;
} edbprof_fiber;

/**
 * Settings of a recording. Fill it with zeros, set `struct_size`, then set the fields that differ
 * from the defaults.
 */
typedef struct edbprof_options {
  /**
   * `sizeof(edbprof_options)`.
   */
  size_t struct_size;
  /**
   * `EDBPROF_CLOCK_WALL`, `EDBPROF_CLOCK_CPU` or `EDBPROF_CLOCK_HOST`.
   */
  uint32_t clock;
  /**
   * Number of nodes that all call trees together may have; 0: 4,194,304. A node takes 64
   * bytes, and up to 16 more in memory to find it. Numbers below `EDBPROF_LEAST_NODES`
   * or above `EDBPROF_MOST_NODES` mean these.
   *
   * Once all nodes are used, a call on a new path *overflows*. Its calls, resumes and self time
   * are counted by function and thread; its callers and inclusive time are lost. The counters
   * take extra room, up to a quarter of `max_nodes` or 65,536 nodes, whichever is more.
   */
  uint32_t max_nodes;
  /**
   * Nanoseconds in a tick of `EDBPROF_CLOCK_HOST`; 0: one nanosecond.
   */
  double host_tick_ns;
  /**
   * Directory of the recording's own file, `<directory>/<prefix><pid>_<16 hex
   * digits><suffix>`, which `edbprof_recording_save` writes. No other recording has the
   * same digits. Without a directory there is only `edbprof_recording_save_as`.
   */
  struct edbprof_str directory;
  /**
   * First part of the file's name.
   */
  struct edbprof_str prefix;
  /**
   * Last part of the file's name.
   */
  struct edbprof_str suffix;
  /**
   * Name and version of the host, such as "CPython 3.11.7".
   */
  struct edbprof_str host;
  /**
   * Name of the means by which the host learns of events, such as "setprofile".
   */
  struct edbprof_str hook;
  /**
   * Directory of the live file, which keeps all that was recorded, however the process
   * ends. NULL: `directory`. Without both, or with an empty string, there is no live
   * file.
   *
   * The live file is made at the first event, with the name of the recording's own file
   * followed by `.live`. It is removed with the recording, or when the process ends
   * after a save with `EDBPROF_SAVE_AT_EXIT`. Without `directory` its name is
   * `edbprof_<pid>_<16 hex digits>.prof.live`, and it is removed when the process ends
   * after `edbprof_process_ends`.
   */
  struct edbprof_str live_dir;
  /**
   * Flags: `EDBPROF_NO_WAITING`, `EDBPROF_TIMELINE_FIRST`, `EDBPROF_TIMELINE_KEPT`. This field
   * and all later ones are not in the first version of the ABI.
   */
  uint64_t flags;
  /**
   * Bytes that the timeline may take, at least 256 KiB; 0: there is none.
   *
   * The timeline has every event with its time, eight bytes each. Until it is saved, it is in a
   * file beside the live file, with `.timeline.live` in place of `.live`. Without a live file,
   * it is in memory. `edbprof_recording_save` and `edbprof_recording_save_as` write it beside
   * the file, whose name is followed by `.timeline`.
   */
  uint64_t timeline_bytes;
  /**
   * Bytes of the timeline's file system that stay free; 0: three quarters of the free space at
   * the timeline's start.
   */
  uint64_t timeline_disk_floor;
  /**
   * If the timeline is in memory or on tmpfs: bytes that stay free in the process's control
   * groups and in the machine. 0: three quarters of the free memory at the timeline's start.
   */
  uint64_t timeline_memory_floor;
  /**
   * Choice of the functions that the host reports, as `edbprof_choice_text` returns it; without
   * bytes if the host reports all functions. It is kept with the recording.
   */
  struct edbprof_str chosen;
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
 * Returns the version of the project for people to read, such as "0.1.0". The string lives
 * as long as the program. Any thread.
 */
struct edbprof_str edbprof_version(void);

/**
 * Reports the costs of recording in this process, by which `edbprof --compensate` corrects
 * times. Nothing else that is recorded changes. Zeros mean that the costs are unknown. A
 * forked child inherits the costs of its parent. Any thread.
 *
 * Errors: `EDBPROF_BAD_STRUCT_SIZE`, `EDBPROF_BAD_ARGUMENT` (`slowed_ppm` is too large).
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `calibration` is NULL or readable.
 */
edbprof_status edbprof_recording_set_calibration(struct edbprof_recording *recording,
                                                 const struct edbprof_calibration *calibration);

/**
 * Counts the calls and resumes in the nodes of all threads into `*out`. Visits every node.
 * Any thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `out` is NULL or writable.
 */
edbprof_status edbprof_recording_count_calls(const struct edbprof_recording *recording,
                                             uint64_t *out);

/**
 * Adds up the inclusive time of the thread's nodes of the function `key` into `*out`, in
 * ticks of the recording's clock. Visits every node of the thread. Only the thread that
 * made the handle.
 *
 * Errors: `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed.
 * * `out` is NULL or writable.
 */
edbprof_status edbprof_thread_ticks(const struct edbprof_thread *thread,
                                    uint64_t key,
                                    uint64_t *out);

/**
 * Makes a choice of the functions that a host reports, because a recording is about a part of the
 * program. Any thread.
 *
 * A function is chosen if a pattern of `record` matches it, or if `record` is empty. It is not
 * chosen if a pattern of `no_record` matches it. The patterns are those of the program `edbprof`.
 * `mine` matches functions whose file is neither below one of the directories `libraries` nor in
 * `site-packages` or `dist-packages`, and no frozen module.
 *
 * `*out` becomes a handle, to free with `edbprof_choice_free`.
 *
 * Errors: `EDBPROF_BAD_ARGUMENT` (an empty pattern, or one that is not UTF-8).
 *
 * # Safety
 * * `record`, `no_record` and `libraries` are NULL or arrays of so many readable strings.
 * * `out` is NULL or writable.
 */
edbprof_status edbprof_choice_new(const struct edbprof_str *record,
                                  size_t record_count,
                                  const struct edbprof_str *no_record,
                                  size_t no_record_count,
                                  const struct edbprof_str *libraries,
                                  size_t library_count,
                                  struct edbprof_choice **out);

/**
 * Returns 1 if the function is chosen, else 0. Any thread.
 *
 * `origin` is the file of the module that made the function, for functions without a file of their
 * own, such as those of `<string>`. It has no bytes if there is no such file. Returns 0 for NULL,
 * and for a function that `edbprof_recording_define` would refuse.
 *
 * # Safety
 * * `choice` is NULL or was made by `edbprof_choice_new` and not freed.
 * * `function` is NULL or readable, and so are the strings in it and `origin`.
 */
uint32_t edbprof_choice_matches(const struct edbprof_choice *choice,
                                const struct edbprof_function *function,
                                struct edbprof_str origin);

/**
 * Copies the choice as text to `buffer`: the options of `edbprof run` that make it. The text is
 * cut to `size - 1` bytes and NUL-terminated. Returns the length of the whole text; 0 for NULL.
 * Any thread.
 *
 * # Safety
 * * `choice` is NULL or was made by `edbprof_choice_new` and not freed.
 * * `size` bytes can be written at `buffer`, or it is NULL.
 */
size_t edbprof_choice_text(const struct edbprof_choice *choice,
                           char *buffer,
                           size_t size);

/**
 * Frees a choice. NULL does nothing. One thread at a time, once no thread uses the choice.
 *
 * # Safety
 * * `choice` is NULL or was made by `edbprof_choice_new` and not freed.
 * * No other call with it is under way or comes later.
 */
void edbprof_choice_free(struct edbprof_choice *choice);

/**
 * Reports a step of a coroutine of the function `key`, instead of `edbprof_enter`,
 * `edbprof_resume` and `edbprof_leave`. Only the thread that made the handle.
 *
 * `step` is one of `EDBPROF_COROUTINE_STARTS`, `EDBPROF_COROUTINE_RESUMES`,
 * `EDBPROF_COROUTINE_SUSPENDS`, `EDBPROF_COROUTINE_ENDS`, `EDBPROF_COROUTINE_RAISES` and
 * `EDBPROF_COROUTINE_YIELDS`.
 *
 * The recording then also has the time in which coroutines are suspended, and the longest time for
 * which one runs. It counts each suspension of a coroutine and of those that await it.
 *
 * `coroutine` is a number other than 0 that identifies the coroutine among all that are suspended,
 * for example the address of its frame.
 *
 * Returns what those functions return. `EDBPROF_BAD_ARGUMENT`: the step is unknown, or `key` or
 * `coroutine` is 0.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 */
edbprof_status edbprof_step_coroutine(struct edbprof_thread *thread,
                                      uint64_t key,
                                      uint64_t coroutine,
                                      uint32_t step);

/**
 * Reports a step of a coroutine like `edbprof_step_coroutine`, at a time that the host gives:
 * see `edbprof_enter_at`. Only the thread that made the handle.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 */
edbprof_status edbprof_step_coroutine_at(struct edbprof_thread *thread,
                                         uint64_t key,
                                         uint64_t coroutine,
                                         uint32_t step,
                                         uint64_t ticks);

/**
 * Writes the number of calls of each function so far, open ones included, to `calls`. The numbers
 * are in the order in which the functions were described; at most `room` of them are written. The
 * number is 0 for functions that `choice` does not match, and for those with `EDBPROF_HIDDEN`.
 * Returns the number of functions; 0 for NULL. A later count has the same functions at the same
 * places, and new ones follow them. Visits every node. Any thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `choice` is NULL, which matches all functions, or was made by `edbprof_choice_new` and not
 *   freed.
 * * `room` numbers can be written at `calls`, or it is NULL.
 */
size_t edbprof_recording_count_function_calls(const struct edbprof_recording *recording,
                                              const struct edbprof_choice *choice,
                                              uint64_t *calls,
                                              size_t room);

/**
 * Encodes the content of a file that would be saved now. The bytes begin with the dictionary for
 * pstats, which Python's `marshal.loads` returns. Open calls are included with their time until
 * now. Any thread; other threads may record meanwhile.
 *
 * `*out` becomes the bytes, to free with `edbprof_bytes_free`.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `out` is NULL or writable. Its former value is overwritten, not freed.
 */
edbprof_status edbprof_recording_encode(const struct edbprof_recording *recording,
                                        struct edbprof_bytes *out);

/**
 * Frees bytes that the library has allocated. `*bytes` becomes no bytes, so freeing it
 * again does nothing. NULL does nothing. One thread at a time.
 *
 * # Safety
 * * `bytes` is NULL, or readable and writable.
 * * `*bytes` is none, or as the library has made it.
 */
void edbprof_bytes_free(struct edbprof_bytes *bytes);

/**
 * Makes the recording that `edbprof run` requests by the environment variable `EDBPROF_RUN`. Any
 * thread.
 *
 * This function is for programs that link the library. They attach their threads and report their
 * calls as in any recording. The recording is saved when the process ends by `exit` or by a return
 * from `main`. `edbprof run` then merges it with those of other processes.
 *
 * `host` is the name and version of the host, as in `edbprof_options`.
 *
 * Errors: `EDBPROF_NO_RUN` (no run wants this process), those of `edbprof_recording_new`.
 *
 * # Safety
 * * `host` is readable; `out` is NULL or writable.
 */
edbprof_status edbprof_recording_from_environment(struct edbprof_str host,
                                                  struct edbprof_recording **out);

/**
 * Begins a call of the function `key`. Only the thread that made the handle.
 *
 * `key` is any number but 0 that the host chooses, always the same for the same function.
 *
 * Returns `EDBPROF_UNKNOWN_FUNCTION`, and changes nothing, if the recording does not know
 * the key. The host then calls `edbprof_recording_define`, and enters again. Returns
 * `EDBPROF_DETACHED`, and changes nothing, after `edbprof_thread_detach`, like all events.
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed.
 * * The calling thread made it.
 */
edbprof_status edbprof_enter(struct edbprof_thread *thread,
                             uint64_t key);

/**
 * Continues a generator or coroutine that was suspended. Like `edbprof_enter`, but counts
 * a resume and not a call. Only the thread that made the handle.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 */
edbprof_status edbprof_resume(struct edbprof_thread *thread,
                              uint64_t key);

/**
 * Ends a call of the function `key`, by return, exception or suspension. Open calls that
 * it has made end with it. Only the thread that made the handle.
 *
 * Returns `EDBPROF_NOT_OPEN`, and changes nothing, if no call of the function is open, for
 * example because recording was switched on during the call.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 */
edbprof_status edbprof_leave(struct edbprof_thread *thread,
                             uint64_t key);

/**
 * Ends a call like `edbprof_leave`, by an exception: a timeline says so. Only the thread that
 * made the handle.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 */
edbprof_status edbprof_leave_raised(struct edbprof_thread *thread,
                                    uint64_t key);

/**
 * Ends a call like `edbprof_leave`, because a generator or coroutine is suspended: a timeline
 * says so. Only the thread that made the handle.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 */
edbprof_status edbprof_leave_suspended(struct edbprof_thread *thread,
                                       uint64_t key);

/**
 * Counts a call to a class, made by the innermost open function. The class has no node,
 * but the hook takes time for the call, which `edbprof --compensate` subtracts. Also counts
 * other actions that get no event of their own. Only the thread that made the handle. NULL
 * does nothing.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 */
void edbprof_count_class_call(struct edbprof_thread *thread);

/**
 * Begins a call like `edbprof_enter`, at a time that the host gives. Only the thread that
 * made the handle.
 *
 * `ticks` is a reading of the clock that `edbprof_options.clock` names; for
 * `EDBPROF_CLOCK_HOST`, a number of the host's ticks below 2^63 - 1. A time before the
 * thread's latest event counts as the time of that event.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 */
edbprof_status edbprof_enter_at(struct edbprof_thread *thread,
                                uint64_t key,
                                uint64_t ticks);

/**
 * Continues a generator or coroutine like `edbprof_resume`, at a time that the host gives:
 * see `edbprof_enter_at`. Only the thread that made the handle.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 */
edbprof_status edbprof_resume_at(struct edbprof_thread *thread,
                                 uint64_t key,
                                 uint64_t ticks);

/**
 * Ends a call like `edbprof_leave`, at a time that the host gives: see `edbprof_enter_at`.
 * Only the thread that made the handle.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 */
edbprof_status edbprof_leave_at(struct edbprof_thread *thread,
                                uint64_t key,
                                uint64_t ticks);

/**
 * Ends a call like `edbprof_leave_raised`, at a time that the host gives: see `edbprof_enter_at`.
 * Only the thread that made the handle.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 */
edbprof_status edbprof_leave_raised_at(struct edbprof_thread *thread,
                                       uint64_t key,
                                       uint64_t ticks);

/**
 * Ends a call like `edbprof_leave_suspended`, at a time that the host gives: see
 * `edbprof_enter_at`. Only the thread that made the handle.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 */
edbprof_status edbprof_leave_suspended_at(struct edbprof_thread *thread,
                                          uint64_t key,
                                          uint64_t ticks);

/**
 * Ends a call like `edbprof_leave`, and counts it as a resume after all. Up to Python
 * 3.10, throwing into a generator that was never started looks like a start of it. Only
 * the thread that made the handle.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 */
edbprof_status edbprof_leave_unstarted(struct edbprof_thread *thread, uint64_t key);

/**
 * Returns `EDBPROF_OK` if the innermost open call is one of the function `key`, else
 * `EDBPROF_NOT_OPEN`. A host asks this before it ends a call of a kind that it has not always
 * reported: `edbprof_leave` could end an earlier call of the same function. Only the thread
 * that made the handle.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 */
edbprof_status edbprof_is_innermost(struct edbprof_thread *thread,
                                    uint64_t key);

/**
 * Ends all open calls of the thread, because recording is switched off in it. Only the
 * thread that made the handle.
 *
 * Errors: `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed.
 */
edbprof_status edbprof_leave_all(struct edbprof_thread *thread);

/**
 * Suspends the fiber that runs: its open calls end, like those of a suspended generator,
 * until `edbprof_fiber_resume`. Only the thread that made the handle.
 *
 * `*out` becomes the position of the fiber. If nothing is open it becomes zeros, and the
 * status is `EDBPROF_NOT_OPEN`. Calls that have overflowed are not resumed: see
 * `edbprof_options.max_nodes`.
 *
 * Errors: `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed.
 * * `out` is NULL or writable.
 */
edbprof_status edbprof_fiber_suspend(struct edbprof_thread *thread,
                                     struct edbprof_fiber *out);

/**
 * Resumes a fiber: its calls are open again, and counted neither as calls nor as resumes.
 * Calls that were open end. Only the thread that made the handle.
 *
 * Returns `EDBPROF_NOT_OPEN`, with nothing open, if the fiber was suspended before this
 * process was forked. Errors: `EDBPROF_BAD_ARGUMENT` (`reserved` is not 0),
 * `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed.
 * * `fiber` is NULL, all zeros, or what `edbprof_fiber_suspend` has given for `thread`.
 */
edbprof_status edbprof_fiber_resume(struct edbprof_thread *thread,
                                    const struct edbprof_fiber *fiber);

/**
 * Sets a mark on the timeline at the present moment. Only the thread that made the handle.
 *
 * The mark has the name of `name`, a native span. It is in no call tree. Without a timeline,
 * nothing happens; nor in a forked child that has entered no call yet, or while calls overflow.
 *
 * Errors: `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
 *
 * # Safety
 * * Those of `edbprof_begin_span`.
 */
edbprof_status edbprof_mark(struct edbprof_thread *thread,
                            const struct edbprof_function *name);

/**
 * Gives a counter on the timeline a new value. Only the thread that made the handle.
 *
 * A counter belongs to its process. Otherwise like `edbprof_mark`.
 *
 * # Safety
 * * Those of `edbprof_begin_span`.
 */
edbprof_status edbprof_counter(struct edbprof_thread *thread,
                               const struct edbprof_function *name,
                               double value);

/**
 * Begins an asynchronous span, which is on the timeline only. Only the thread that made the
 * handle.
 *
 * `edbprof_end_async` ends it, in this thread or another one of the recording. `id` distinguishes
 * the span from other open ones of its name. Otherwise like `edbprof_mark`.
 *
 * # Safety
 * * Those of `edbprof_begin_span`.
 */
edbprof_status edbprof_begin_async(struct edbprof_thread *thread,
                                   const struct edbprof_function *name,
                                   uint64_t id);

/**
 * Ends an asynchronous span of `edbprof_begin_async`. Only the thread that made the handle.
 *
 * Another thread may have begun the span. Otherwise like `edbprof_mark`.
 *
 * # Safety
 * * Those of `edbprof_begin_span`.
 */
edbprof_status edbprof_end_async(struct edbprof_thread *thread,
                                 const struct edbprof_function *name,
                                 uint64_t id);

/**
 * Makes a recording, and no file yet. Any thread.
 *
 * `*out` becomes a handle, to free with `edbprof_recording_free`. In a child that the process
 * forks, the handle is that of a recording of the child's own. The calls that the forking thread
 * has open are open in it, and nothing is counted yet.
 *
 * Errors: `EDBPROF_BAD_STRUCT_SIZE`, `EDBPROF_BAD_ARGUMENT` (unknown clock or flag, tick that is
 * not positive and finite, NUL byte in a path, directory in a prefix or suffix),
 * `EDBPROF_UNSUPPORTED`, `EDBPROF_OUT_OF_MEMORY`, `EDBPROF_SYSTEM_ERROR`. `edbprof_new_error`
 * gives the reason.
 *
 * # Safety
 * * `options` is NULL or readable, and so are the strings in it.
 * * `out` is NULL or writable.
 */
edbprof_status edbprof_recording_new(const struct edbprof_options *options,
                                     struct edbprof_recording **out);

/**
 * Frees a recording with all its thread handles, and removes its live file, unless the latest
 * `edbprof_recording_save` has failed. Saves nothing, except for events since a save with
 * `EDBPROF_SAVE_AT_EXIT`. NULL does nothing. One thread at a time, once no thread uses the
 * recording.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * No other call on it or on its threads is under way or comes later.
 */
void edbprof_recording_free(struct edbprof_recording *recording);

/**
 * Makes a handle for the calling thread. Any thread.
 *
 * `*out` becomes the handle, which is valid until `edbprof_thread_detach` or until the
 * recording is freed. `name` is the name of the thread in reports.
 *
 * The thread gets a call tree of its own, unless the recording has 256 trees. It then continues
 * the tree of a detached thread, if there is any, preferably of a thread whose name differs in
 * digits only. The name of such a tree says so: `worker-#, 745 threads`.
 *
 * Errors: `EDBPROF_OUT_OF_MEMORY` (no room for another tree).
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `name` is readable; `out` is NULL or writable.
 */
edbprof_status edbprof_recording_attach(struct edbprof_recording *recording,
                                        struct edbprof_str name,
                                        struct edbprof_thread **out);

/**
 * Ends the thread's part in the recording, and its handle. Open calls end, and everything
 * that was recorded is kept. A program whose threads come and go needs it, because each
 * attached thread costs a tree. Only the thread that made the handle, or any thread once
 * that one no longer uses it.
 *
 * Errors: `EDBPROF_DETACHED` (it was detached before).
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed, and no other thread was given
 *   it since it was detached.
 * * No other call with it is under way.
 */
edbprof_status edbprof_thread_detach(struct edbprof_thread *thread);

/**
 * Hands the handle over to another thread of the process, which adopts it. In this way, a host can
 * make the handles of threads that wait, and enter the calls that are open there. `os_thread` is
 * the number by which the system knows that thread, as `gettid()` returns it; 0 if unknown. With
 * it, the thread's waits count from now on, even if the thread never adopts the handle. Only the
 * thread that made the handle.
 *
 * Errors: `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed, and no other thread was given
 *   it since it was detached.
 * * No other call with it is under way. The next one is `edbprof_thread_adopt` by the other
 *   thread, or `edbprof_thread_detach`.
 */
edbprof_status edbprof_thread_hand_over(struct edbprof_thread *thread,
                                        uint32_t os_thread);

/**
 * Makes the handle that of the calling thread. Calls that are open in it stay open. Any thread,
 * once the one that had the handle no longer uses it.
 *
 * Errors: `EDBPROF_DETACHED`.
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed, and no other thread was given
 *   it since it was detached.
 * * No other call with it is under way, or comes later from another thread.
 */
edbprof_status edbprof_thread_adopt(struct edbprof_thread *thread);

/**
 * Says how often threads have entered the host and left it unnoticed, so that their calls are not
 * recorded. The number replaces the former one; reports show it. A forked child begins with 0. Any
 * thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 */
edbprof_status edbprof_recording_set_unnoticed_entries(struct edbprof_recording *recording,
                                                       uint32_t entries);

/**
 * Says how many native spans have begun in threads in which nothing records. The number replaces
 * the former one; reports show it. A forked child begins with 0. Any thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 */
edbprof_status edbprof_recording_set_lost_spans(struct edbprof_recording *recording,
                                                uint32_t spans);

/**
 * Describes the function `key`. Copies the description. A key that is known keeps its
 * first description. Any thread.
 *
 * Errors: `EDBPROF_BAD_STRUCT_SIZE`, `EDBPROF_BAD_ARGUMENT` (key 0, unknown kind or flag),
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
 * Writes everything that was recorded to the recording's own file, and open calls with their time
 * until now. With `EDBPROF_SAVE_AT_EXIT`, a file that can't be written is no error if a live file
 * beside it has everything, because readers accept either. Saving again replaces the file. Any
 * thread; a save waits for one that another thread has begun, and other threads may record
 * meanwhile.
 *
 * `flags`: any of `EDBPROF_SAVE_AT_EXIT`, `EDBPROF_SAVE_REMOVE_LIVE_FILE` and
 * `EDBPROF_SAVE_SIDECAR`, or 0.
 *
 * Errors: `EDBPROF_NOTHING_RECORDED` (no file is written), `EDBPROF_BAD_ARGUMENT` (no
 * directory was given, unknown flag), `EDBPROF_SYSTEM_ERROR`.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 */
edbprof_status edbprof_recording_save(struct edbprof_recording *recording,
                                      uint32_t flags);

/**
 * Writes the recording to `path`, even if nothing was recorded; otherwise like
 * `edbprof_recording_save`. A relative path starts at the current directory. Any thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `path` is readable.
 */
edbprof_status edbprof_recording_save_as(struct edbprof_recording *recording,
                                         struct edbprof_str path,
                                         uint32_t flags);

/**
 * Counts the end of an outermost call. Saves like `edbprof_recording_save` after every `every`-th
 * such call (0: never). Does not save if all writing has taken a hundredth of the time since the
 * first event. Does not save while another thread is saving. A recording of more than some
 * thousand call paths is not saved while its live file has everything. Any thread.
 *
 * Returns `EDBPROF_OK` if it has saved, and `EDBPROF_NOT_DUE` if it has not. Returns
 * `EDBPROF_IN_MEMORY_ONLY` once in place of either, if the live file can't be made or
 * can't grow; the recording's error text gives the reason.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 */
edbprof_status edbprof_recording_call_ended(struct edbprof_recording *recording,
                                            uint64_t every,
                                            uint32_t flags);

/**
 * Returns `EDBPROF_OK` if `edbprof_recording_call_ended` may save now that the thread's latest
 * call has ended, and `EDBPROF_NOT_DUE` if it would not save. A thread that asks first does not
 * wait for others. Only the thread that made the handle.
 *
 * Errors: `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed.
 */
edbprof_status edbprof_thread_save_may_be_due(struct edbprof_thread *thread);

/**
 * Counts the end of an outermost call like `edbprof_recording_call_ended`, but does not save. If
 * `EDBPROF_OK` is returned, the host has to call `edbprof_recording_save`. This is for hosts that
 * release a lock of their own while they save. Any thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 */
edbprof_status edbprof_recording_count_outermost_call(struct edbprof_recording *recording,
                                                      uint64_t every);

/**
 * Returns `EDBPROF_IN_MEMORY_ONLY`, once, if the live file can't be made or can't grow:
 * later events are lost if the process is killed. The recording's error text gives the
 * reason. Otherwise returns `EDBPROF_OK`. For hosts that don't use
 * `edbprof_recording_call_ended`. Any thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 */
edbprof_status edbprof_recording_check(struct edbprof_recording *recording);

/**
 * Announces that the host ends this process regularly. Recordings without a directory are
 * not saved then, and their live files are removed. One thread at a time.
 *
 * `flags`: 0 removes the files when the C library runs its exit handlers.
 * `EDBPROF_SAVE_REMOVE_LIVE_FILE` removes them now, for a process that ends in `_exit`.
 *
 * Errors: `EDBPROF_BAD_ARGUMENT` (unknown flag).
 */
edbprof_status edbprof_process_ends(uint32_t flags);

/**
 * Copies the text of the recording's latest failure to `buffer`, cut to `size - 1` bytes
 * and NUL-terminated. Returns the length of the whole text; 0 if nothing has failed. Any
 * thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `size` bytes can be written at `buffer`, or it is NULL.
 */
size_t edbprof_recording_error(const struct edbprof_recording *recording,
                               char *buffer,
                               size_t size);

/**
 * Returns the C library's `errno` of the recording's latest failure; 0 if nothing has
 * failed, or if the failure was not the system's. Any thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 */
int32_t edbprof_recording_errno(const struct edbprof_recording *recording);

/**
 * Copies the path of the recording's own file to `buffer`, cut to `size - 1` bytes and
 * NUL-terminated. Returns the length of the whole path; 0 if nothing was recorded yet or
 * no directory was given. Any thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 * * `size` bytes can be written at `buffer`, or it is NULL.
 */
size_t edbprof_recording_path(const struct edbprof_recording *recording,
                              char *buffer,
                              size_t size);

/**
 * Begins a call of the native span. Only the thread that made the handle.
 *
 * The address of the span is its key. The first call defines it from its own fields,
 * without `edbprof_recording_define`. `edbprof_leave_span` ends the call.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 * * `span` is NULL or a valid function that does not change and outlives the
 *   recording.
 */
edbprof_status edbprof_enter_span(struct edbprof_thread *thread,
                                  const struct edbprof_function *span);

/**
 * Ends a call of the native span, like `edbprof_leave`. Only the thread that made the
 * handle.
 *
 * # Safety
 * * Those of `edbprof_enter`.
 */
edbprof_status edbprof_leave_span(struct edbprof_thread *thread,
                                  const struct edbprof_function *span);

/**
 * Begins a span that may outlive the call in which it begins. Only the thread that made the
 * handle.
 *
 * Like `edbprof_enter_span`, but the span stays open when the call in which it began returns or is
 * suspended. The span then continues, uncounted, under the caller. A call that ends by an
 * exception ends its spans. `edbprof_end_span` ends the span.
 *
 * Errors: `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
 *
 * # Safety
 * * `thread` is NULL or a handle of a recording that is not freed.
 * * `span` is NULL or a valid function that does not change and outlives the recording.
 */
edbprof_status edbprof_begin_span(struct edbprof_thread *thread,
                                  const struct edbprof_function *span);

/**
 * Ends a span of `edbprof_begin_span`. Calls that were made within it and are open continue,
 * uncounted, under the span's caller. Only the thread that made the handle.
 *
 * Returns `EDBPROF_NOT_OPEN`, and changes nothing, if the span is not open. Errors:
 * `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
 *
 * # Safety
 * * Those of `edbprof_begin_span`.
 */
edbprof_status edbprof_end_span(struct edbprof_thread *thread,
                                const struct edbprof_function *span);

/**
 * Finds the native span of that name, file and line, or makes it: for names that are known at run
 * time only. Any thread.
 *
 * `*out` becomes the span, always the same for the same arguments. It lives as long as the
 * process, so names should be few: don't put a request's number into a name. A span that the host
 * made itself is known by its address, and keeps the name that it had when it was first entered.
 *
 * `file` may be without bytes, and `line` 0.
 *
 * Errors: `EDBPROF_OUT_OF_MEMORY`.
 *
 * # Safety
 * * `name` and `file` are readable; `out` is NULL or writable.
 */
edbprof_status edbprof_span_intern(struct edbprof_str name,
                                   struct edbprof_str file,
                                   int64_t line,
                                   const struct edbprof_function **out);

/**
 * Returns the meaning of a status, such as "the handle belongs to another thread"; "unknown
 * status" for any other number. The string lives as long as the program. Any thread.
 */
struct edbprof_str edbprof_status_text(int32_t status);

/**
 * Copies to `buffer` the reason why the calling thread's latest `edbprof_recording_new` failed.
 * The text is cut to `size - 1` bytes and NUL-terminated. Returns the length of the whole text; 0
 * if that call did not fail. Any thread.
 *
 * # Safety
 * * `size` bytes can be written at `buffer`, or it is NULL.
 */
size_t edbprof_new_error(char *buffer,
                         size_t size);

/**
 * Returns the time now on the recording's timeline, for `edbprof_timeline_keep`. 0 for
 * `EDBPROF_CLOCK_HOST`. Any thread.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 */
uint64_t edbprof_timeline_now(const struct edbprof_recording *recording);

/**
 * Keeps all threads' events since the time `since`, which `edbprof_timeline_now` returned, if that
 * was at least `least_ns` nanoseconds ago. Later events don't overwrite them until events have
 * been kept `most` more times, or until three quarters of the timeline are kept. Events that were
 * overwritten before are missing. Any thread.
 *
 * Returns `EDBPROF_NOT_DUE` if that was not so long ago, or if the recording has no timeline.
 *
 * # Safety
 * * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
 */
edbprof_status edbprof_timeline_keep(const struct edbprof_recording *recording,
                                     uint64_t since,
                                     uint64_t least_ns,
                                     size_t most);

/**
 * Keeps the timelines of all recordings of this process as they are now, like
 * `edbprof_timeline_keep`. Any thread.
 */
edbprof_status edbprof_timelines_keep(size_t most);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* EDBPROF_H */
