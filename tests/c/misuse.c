/* Everything that a host can do wrong and still get a status for, and what happens
 * when there is no room. tests/c_hosts looks at the files that come out.
 *
 * Usage: misuse DIRECTORY, which is empty */

#include <math.h>
#include <pthread.h>

#include "check.h"

enum { KEY = 42, OTHER = 43 };

EDBPROF_SPAN(span, "span");

static edbprof_recording *recording_in(const char *directory)
{
    edbprof_options options = host_clock(directory, "wrong_");
    edbprof_recording *recording = NULL;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_new(&options, &recording));
    CHECK(recording != NULL);
    return recording;
}

static void define(edbprof_recording *recording, uint64_t key, const char *name)
{
    edbprof_function is = function(EDBPROF_NATIVE, TEXT("misuse"), 1, text_of(name));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_define(recording, key, &is));
}

static edbprof_thread *attach(edbprof_recording *recording)
{
    edbprof_thread *thread = NULL;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(recording, TEXT("main"), &thread));
    CHECK(thread != NULL);
    return thread;
}

/* The text of the latest failure has `part` in it. */
static void check_error(edbprof_recording *recording, const char *part)
{
    char whole[4096], cut[8];
    size_t len = edbprof_recording_error(recording, whole, sizeof whole);
    CHECK(len > 0 && len == strlen(whole));
    if (strstr(whole, part) == NULL) {
        fprintf(stderr, "'%s' is not in '%s'\n", part, whole);
        exit(1);
    }
    CHECK(edbprof_recording_error(recording, cut, sizeof cut) == len);
    CHECK(strlen(cut) == sizeof cut - 1 && strncmp(cut, whole, sizeof cut - 1) == 0);
    CHECK(edbprof_recording_error(recording, NULL, 100) == len);
    cut[0] = 'x';
    CHECK(edbprof_recording_error(recording, cut, 0) == len && cut[0] == 'x');
}

static void null_pointers(const char *directory)
{
    edbprof_options options = host_clock(directory, "null_");
    edbprof_recording *recording = recording_in(directory);
    edbprof_thread *thread = attach(recording);
    char buffer[8] = "before";
    edbprof_fiber fiber = {0};

    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_enter(NULL, KEY));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_resume(NULL, KEY));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_leave(NULL, KEY));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_enter_at(NULL, KEY, 1));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_resume_at(NULL, KEY, 1));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_leave_at(NULL, KEY, 1));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_leave_unstarted(NULL, KEY));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_is_innermost(NULL, KEY));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_leave_all(NULL));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_fiber_suspend(NULL, &fiber));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_fiber_suspend(thread, NULL));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_fiber_resume(NULL, &fiber));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_fiber_resume(thread, NULL));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_thread_detach(NULL));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_enter_span(NULL, &span));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_enter_span(thread, NULL));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_leave_span(NULL, &span));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_leave_span(thread, NULL));

    edbprof_recording *none = recording;
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_recording_new(NULL, &none));
    CHECK(none == NULL);
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_recording_new(&options, NULL));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_recording_attach(NULL, TEXT("x"), &thread));
    CHECK(thread == NULL);
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_recording_attach(recording, TEXT("x"), NULL));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_recording_define(NULL, KEY, &span));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_recording_define(recording, KEY, NULL));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_recording_save(NULL, 0));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_recording_save_as(NULL, TEXT("x"), 0));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_recording_encode(recording, NULL));
    edbprof_bytes bytes = {(uint8_t *)buffer, 1};
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_recording_encode(NULL, &bytes));
    CHECK(bytes.data == NULL && bytes.len == 0);
    edbprof_bytes_free(&bytes);
    edbprof_bytes_free(NULL);
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_recording_call_ended(NULL, 1, 0));
    CHECK(edbprof_recording_error(NULL, buffer, sizeof buffer) == 0 && buffer[0] == 0);
    buffer[0] = 'x';
    edbprof_calibration calibration = {.struct_size = sizeof calibration};
    uint64_t number = 7;
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_recording_set_calibration(NULL, &calibration));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_recording_set_calibration(recording, NULL));
    calibration.struct_size = 1;
    CHECK_STATUS(EDBPROF_BAD_STRUCT_SIZE,
                 edbprof_recording_set_calibration(recording, &calibration));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_recording_count_calls(NULL, &number));
    CHECK(edbprof_recording_count_function_calls(NULL, NULL, &number, 1) == 0);
    CHECK(number == 0);
    number = 7;
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_recording_count_calls(recording, NULL));
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_thread_ticks(NULL, KEY, &number));
    CHECK(number == 0);
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_thread_ticks(thread, KEY, NULL));
    CHECK(edbprof_recording_path(NULL, buffer, sizeof buffer) == 0 && buffer[0] == 0);
    CHECK(edbprof_recording_error(NULL, NULL, 0) == 0);
    CHECK(edbprof_recording_path(recording, NULL, 0) == 0);

    /* No text is no mistake. */
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(recording, no_text(), &thread));
    edbprof_recording_free(recording);
    edbprof_recording_free(NULL);
    edbprof_recording_free(NULL);
}

static void refuse(edbprof_status expected, const edbprof_options *options)
{
    edbprof_recording *recording = (edbprof_recording *)&span;
    CHECK_STATUS(expected, edbprof_recording_new(options, &recording));
    CHECK(recording == NULL);
}

static void wrong_options(const char *directory)
{
    static const double bad_ticks[] = {-1.0, 1e300, NAN, INFINITY, -INFINITY, 1e-300};
    edbprof_options options;
    size_t i;

    for (i = 0; i < offsetof(edbprof_options, flags); i++) {
        options = host_clock(directory, "wrong_");
        options.struct_size = i;
        refuse(EDBPROF_BAD_STRUCT_SIZE, &options);
    }
    /* No more is read than struct_size says. */
    {
        size_t only_a_size = sizeof only_a_size;
        refuse(EDBPROF_BAD_STRUCT_SIZE, (const edbprof_options *)(const void *)&only_a_size);
    }
    options = host_clock(directory, "wrong_");
    options.clock = EDBPROF_CLOCK_HOST + 1;
    refuse(EDBPROF_BAD_ARGUMENT, &options);
    for (i = 0; i < sizeof bad_ticks / sizeof *bad_ticks; i++) {
        options = host_clock(directory, "wrong_");
        options.host_tick_ns = bad_ticks[i];
        refuse(EDBPROF_BAD_ARGUMENT, &options);
    }
    options = host_clock("", "wrong_");
    refuse(EDBPROF_BAD_ARGUMENT, &options);
    options = host_clock(directory, "wrong_");
    options.directory = TEXT("with\0NUL");
    refuse(EDBPROF_BAD_ARGUMENT, &options);
    options = host_clock(directory, "wrong_");
    options.prefix = TEXT("\0");
    refuse(EDBPROF_BAD_ARGUMENT, &options);
    options = host_clock(directory, "wrong_");
    options.suffix = TEXT(".p\0rof");
    refuse(EDBPROF_BAD_ARGUMENT, &options);
    options = host_clock(directory, "wrong_");
    options.prefix = TEXT("../elsewhere_");
    refuse(EDBPROF_BAD_ARGUMENT, &options);
}

static void wrong_functions_and_keys(const char *directory)
{
    edbprof_recording *recording = recording_in(directory);
    edbprof_thread *thread = attach(recording);
    edbprof_function is = function(EDBPROF_NATIVE, TEXT("f"), 1, TEXT("f"));
    const uint32_t known = EDBPROF_GENERIC_WRAPPER | EDBPROF_GENERIC_DISPATCH | EDBPROF_PROPERTY |
                           EDBPROF_SLOWNESS | EDBPROF_HIDDEN;
    uint32_t bit;

    is.struct_size--;
    CHECK_STATUS(EDBPROF_BAD_STRUCT_SIZE, edbprof_recording_define(recording, KEY, &is));
    CHECK_STATUS(EDBPROF_BAD_STRUCT_SIZE, edbprof_enter_span(thread, &is));
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_leave_span(thread, &is));
    {
        size_t only_a_size = sizeof only_a_size;
        CHECK_STATUS(EDBPROF_BAD_STRUCT_SIZE,
                     edbprof_recording_define(
                         recording, KEY, (const edbprof_function *)(const void *)&only_a_size));
    }
    is = function(EDBPROF_NATIVE + 1, TEXT("f"), 1, TEXT("f"));
    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_recording_define(recording, KEY, &is));
    check_error(recording, "kind");
    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_enter_span(thread, &is));
    is.kind = EDBPROF_NATIVE;
    for (bit = 1; bit != 0; bit <<= 1) {
        is.flags = bit;
        if ((bit & known) == 0) {
            CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_recording_define(recording, KEY, &is));
            check_error(recording, "flag");
            CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_enter_span(thread, &is));
        } else {
            /* None of these keys is KEY. */
            CHECK_STATUS(EDBPROF_OK, edbprof_recording_define(recording, ~(uint64_t)bit, &is));
        }
    }
    is.flags = known;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_define(recording, ~(uint64_t)known, &is));
    is.flags = 0;
    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_recording_define(recording, 0, &is));
    check_error(recording, "key");
    CHECK_STATUS(EDBPROF_UNKNOWN_FUNCTION, edbprof_enter(thread, KEY));

    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_enter(thread, 0));
    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_resume(thread, 0));
    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_leave(thread, 0));
    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_enter_at(thread, 0, 1));
    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_resume_at(thread, 0, 1));
    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_leave_at(thread, 0, 1));
    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_leave_unstarted(thread, 0));
    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_is_innermost(thread, 0));

    /* Left without having been entered. */
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_leave(thread, KEY));
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_leave_at(thread, KEY, 1));
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_leave_unstarted(thread, KEY));
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_is_innermost(thread, KEY));
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_leave_span(thread, &span));
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_all(thread));

    /* None of this is something recorded. */
    CHECK_STATUS(EDBPROF_NOTHING_RECORDED, edbprof_recording_save(recording, 0));
    edbprof_recording_free(recording);
}

/* The one number of a calibration that has a bound, and what of a fiber is reserved. */
static void wrong_numbers(const char *directory)
{
    edbprof_recording *recording = recording_in(directory);
    edbprof_thread *thread = attach(recording);
    edbprof_calibration calibration = {.struct_size = sizeof calibration};
    edbprof_fiber fiber = {0};

    calibration.slowed_ppm = 1000001;
    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_recording_set_calibration(recording, &calibration));
    check_error(recording, "slowed");
    calibration.slowed_ppm = 1000000;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_set_calibration(recording, &calibration));
    fiber.reserved = 1;
    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_fiber_resume(thread, &fiber));
    edbprof_recording_free(recording);
}

/* Every flag for saving that there is not, in each function that takes them. */
static void wrong_flags_for_saving(const char *directory)
{
    const uint32_t known =
        EDBPROF_SAVE_AT_EXIT | EDBPROF_SAVE_SIDECAR | EDBPROF_SAVE_REMOVE_LIVE_FILE;
    edbprof_recording *recording = recording_in(directory);
    edbprof_str path = path_in(directory, "x");
    uint32_t bit;
    for (bit = 1; bit != 0; bit <<= 1) {
        if ((bit & known) == 0) {
            CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_recording_save(recording, bit));
            check_error(recording, "flag");
            CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_recording_save_as(recording, path, bit));
            CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_recording_call_ended(recording, 1, bit));
        }
        if (bit != EDBPROF_SAVE_REMOVE_LIVE_FILE) {
            CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_process_ends(bit));
        }
    }
    edbprof_recording_free(recording);
}

static void saving(const char *directory)
{
    edbprof_recording *recording = recording_in(directory);
    edbprof_recording *nowhere;
    edbprof_options options = empty_options();
    edbprof_thread *thread = attach(recording);
    char path[4096];

    CHECK_STATUS(EDBPROF_NOTHING_RECORDED, edbprof_recording_save(recording, 0));
    CHECK_STATUS(EDBPROF_NOT_DUE, edbprof_recording_call_ended(recording, 1, 0));
    CHECK(edbprof_recording_path(recording, path, sizeof path) == 0 && path[0] == 0);
    CHECK(edbprof_recording_error(recording, path, sizeof path) == 0 && path[0] == 0);
    CHECK_STATUS(EDBPROF_OK,
                 edbprof_recording_save_as(recording, path_in(directory, "empty.prof"), 0));

    define(recording, KEY, "first");
    define(recording, KEY, "second");
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread, KEY, 10));
    /* The host's time may be any number. */
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_at(thread, KEY, UINT64_MAX));
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread, KEY, 20));
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_at(thread, KEY, 32));

    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_recording_save_as(recording, TEXT("a\0b"), 0));
    check_error(recording, "NUL");
    CHECK(edbprof_recording_save_as(recording, no_text(), 0) != EDBPROF_OK);
    CHECK_STATUS(
        EDBPROF_SYSTEM_ERROR,
        edbprof_recording_save_as(recording, path_in(directory, "no/such/directory/x"), 0));
    check_error(recording, "no/such/directory/x");

    CHECK_STATUS(EDBPROF_NOT_DUE, edbprof_recording_call_ended(recording, 0, 0));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_save(recording, 0));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_save(recording, EDBPROF_SAVE_AT_EXIT));
    edbprof_recording_free(recording);

    /* Without a directory there is no file of its own. */
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_new(&options, &nowhere));
    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_recording_save(nowhere, 0));
    check_error(nowhere, "directory");
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_span(attach(nowhere), &span));
    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_recording_save(nowhere, 0));
    CHECK(edbprof_recording_path(nowhere, path, sizeof path) == 0);
    edbprof_recording_free(nowhere);

    options = host_clock(path_in(directory, "gone").data, "x_");
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_new(&options, &nowhere));
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_span(attach(nowhere), &span));
    CHECK_STATUS(EDBPROF_SYSTEM_ERROR, edbprof_recording_call_ended(nowhere, 1, 0));
    CHECK_STATUS(EDBPROF_SYSTEM_ERROR, edbprof_recording_save(nowhere, 0));
    check_error(nowhere, "/gone/x_");
    edbprof_recording_free(nowhere);
}

/* Nothing was written before, so writing has taken no time yet. */
static void saving_after_calls(const char *directory)
{
    edbprof_options options = host_clock(directory, "due_");
    edbprof_recording *recording;
    edbprof_thread *thread;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_new(&options, &recording));
    thread = attach(recording);
    CHECK_STATUS(EDBPROF_NOT_DUE, edbprof_recording_call_ended(recording, 1, 0));
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_span(thread, &span));
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_span(thread, &span));
    CHECK_STATUS(EDBPROF_NOT_DUE, edbprof_recording_call_ended(recording, 0, 0));
    CHECK_STATUS(EDBPROF_NOT_DUE, edbprof_recording_call_ended(recording, 2, 0));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_call_ended(recording, 2, 0));
    edbprof_recording_free(recording);
}

/* Each function for the thread of a handle that looks which thread calls it. */
static void refuse_all(edbprof_status expected, edbprof_thread *thread)
{
    edbprof_fiber fiber = {1, 1, 0};
    const edbprof_fiber none = {0};
    uint64_t ticks = 1;

    CHECK_STATUS(expected, edbprof_thread_ticks(thread, KEY, &ticks));
    CHECK(ticks == 0);
    CHECK_STATUS(expected, edbprof_leave_all(thread));
    CHECK_STATUS(expected, edbprof_thread_hand_over(thread, 0));
    CHECK_STATUS(expected, edbprof_fiber_suspend(thread, &fiber));
    CHECK(fiber.tree == 0 && fiber.innermost == 0);
    CHECK_STATUS(expected, edbprof_fiber_resume(thread, &none));
    CHECK_STATUS(expected, edbprof_mark(thread, &span));
    CHECK_STATUS(expected, edbprof_counter(thread, &span, 1.0));
    CHECK_STATUS(expected, edbprof_begin_async(thread, &span, 1));
    CHECK_STATUS(expected, edbprof_end_async(thread, &span, 1));
    CHECK_STATUS(expected, edbprof_begin_span(thread, &span));
    CHECK_STATUS(expected, edbprof_end_span(thread, &span));
    CHECK_STATUS(expected, edbprof_thread_save_may_be_due(thread));
}

static void *use_here(void *thread)
{
    refuse_all(EDBPROF_WRONG_THREAD, (edbprof_thread *)thread);
    return NULL;
}

static void in_another_thread(void *(*body)(void *), void *argument)
{
    pthread_t other;
    CHECK(pthread_create(&other, NULL, body, argument) == 0);
    CHECK(pthread_join(other, NULL) == 0);
}

static void from_another_thread(const char *directory)
{
    edbprof_recording *recording = recording_in(directory);
    edbprof_thread *thread = attach(recording);
    define(recording, KEY, "f");
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread, KEY, 10));
    in_another_thread(use_here, thread);
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_at(thread, KEY, 11));
    edbprof_recording_free(recording);
}

/* A detached handle: everything that takes one, but for edbprof_count_class_call, returns the same
 * status. */
static void refuse_detached(edbprof_thread *thread)
{
    refuse_all(EDBPROF_DETACHED, thread);
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_enter(thread, KEY));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_enter(thread, OTHER));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_resume(thread, KEY));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_leave(thread, KEY));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_leave_raised(thread, KEY));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_leave_suspended(thread, KEY));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_enter_at(thread, KEY, 90));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_resume_at(thread, KEY, 90));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_leave_at(thread, KEY, 90));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_leave_raised_at(thread, KEY, 90));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_leave_suspended_at(thread, KEY, 90));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_leave_unstarted(thread, KEY));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_is_innermost(thread, KEY));
    CHECK_STATUS(EDBPROF_DETACHED,
                 edbprof_step_coroutine(thread, KEY, 1, EDBPROF_COROUTINE_STARTS));
    CHECK_STATUS(EDBPROF_DETACHED,
                 edbprof_step_coroutine_at(thread, KEY, 1, EDBPROF_COROUTINE_SUSPENDS, 90));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_enter_span(thread, &span));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_leave_span(thread, &span));
    edbprof_count_class_call(thread);
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_thread_adopt(thread));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_thread_detach(thread));
}

static void *use_after_detach(void *thread)
{
    refuse_all(EDBPROF_DETACHED, (edbprof_thread *)thread);
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_thread_detach((edbprof_thread *)thread));
    return NULL;
}

static void *attach_here(void *recording) { return attach((edbprof_recording *)recording); }

/* Twice: with an open call, and while calls overflow. */
static void after_detaching(const char *directory)
{
    int overflows;
    for (overflows = 0; overflows < 2; overflows++) {
        edbprof_options options = host_clock(directory, "detached_");
        edbprof_recording *recording = NULL;
        edbprof_thread *thread;
        uint64_t calls;
        int depth;
        options.max_nodes = 64;
        CHECK_STATUS(EDBPROF_OK, edbprof_recording_new(&options, &recording));
        thread = attach(recording);
        define(recording, KEY, "f");
        for (depth = 0; depth < (overflows ? 100 : 1); depth++) {
            CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread, KEY, 10));
        }
        CHECK_STATUS(EDBPROF_OK, edbprof_recording_count_calls(recording, &calls));
        CHECK_STATUS(EDBPROF_OK, edbprof_thread_detach(thread));
        refuse_detached(thread);
        in_another_thread(use_after_detach, thread);
        {
            uint64_t after;
            CHECK_STATUS(EDBPROF_OK, edbprof_recording_count_calls(recording, &after));
            CHECK(after == calls);
        }
        edbprof_recording_free(recording);
    }
}

/* Once there are 256 trees, another thread is given a detached handle: then it is that thread's. */
static void given_to_another_thread(const char *directory)
{
    enum { TREES = 256 };
    edbprof_recording *recording = recording_in(directory);
    edbprof_thread *thread = attach(recording);
    pthread_t other;
    void *given;
    int tree;
    for (tree = 1; tree < TREES; tree++) {
        (void)attach(recording);
    }
    CHECK_STATUS(EDBPROF_OK, edbprof_thread_detach(thread));
    CHECK(pthread_create(&other, NULL, attach_here, recording) == 0);
    CHECK(pthread_join(other, &given) == 0);
    CHECK(given == thread);
    refuse_all(EDBPROF_WRONG_THREAD, thread);
    edbprof_recording_free(recording);
}

/* One tree fills the recording: what finds no room is folded, another thread's calls
 * too, and what has some stays right. */
static void no_room(const char *directory)
{
    enum { DEEP = 100 };
    edbprof_options options = host_clock(directory, "full_");
    edbprof_recording *recording;
    edbprof_thread *thread, *second;
    uint64_t at = 1000;
    int depth;

    options.max_nodes = 64;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_new(&options, &recording));
    thread = attach(recording);
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(recording, TEXT("second"), &second));
    define(recording, KEY, "deep");
    define(recording, OTHER, "other");
    for (depth = 1; depth <= DEEP; depth++, at++) {
        CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread, KEY, at));
    }
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread, OTHER, at));
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_at(thread, OTHER, at));
    for (depth = DEEP; depth >= 1; depth--, at++) {
        CHECK_STATUS(EDBPROF_OK, edbprof_leave_at(thread, KEY, at));
    }
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_leave_at(thread, KEY, at));
    /* Again, and all ended at once from the middle of it. */
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread, KEY, 2000));
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread, OTHER, 2001));
    CHECK_STATUS(EDBPROF_OK, edbprof_resume_at(thread, KEY, 2002));
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_at(thread, KEY, 2005));
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_all(thread));
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(second, KEY, 3000));
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_at(second, KEY, 3007));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_save(recording, 0));
    edbprof_recording_free(recording);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    null_pointers(argv[1]);
    wrong_options(argv[1]);
    wrong_functions_and_keys(argv[1]);
    wrong_numbers(argv[1]);
    wrong_flags_for_saving(argv[1]);
    saving(argv[1]);
    saving_after_calls(argv[1]);
    from_another_thread(argv[1]);
    after_detaching(argv[1]);
    given_to_another_thread(argv[1]);
    no_room(argv[1]);
    return 0;
}
