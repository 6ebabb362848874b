/* A C program that builds known call trees through the ABI alone and saves them:
 * tests/c_hosts reads the files back. host.cpp builds the same ones.
 *
 * Usage: host DIRECTORY */

#include <pthread.h>

#include "check.h"

enum { MAIN = 1, WORK = 2, RECURSE = 3, GENERATE = 0x7fffffff };

EDBPROF_SPAN(native, "native \"span\"");

struct host {
    edbprof_recording *recording;
    const char *directory;
};

static void define_all_but_work(edbprof_recording *recording)
{
    edbprof_function is;
    is = function(EDBPROF_NATIVE, TEXT("host"), 10, TEXT("main"));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_define(recording, MAIN, &is));
    is = function(EDBPROF_BUILTIN, TEXT("~"), 0, TEXT("<built-in method m.recurse>"));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_define(recording, RECURSE, &is));
    is = function(EDBPROF_PYTHON, TEXT("gen.py"), 7, TEXT("generate"));
    is.flags = EDBPROF_GENERIC_WRAPPER;
    is.generic_name = TEXT("generic");
    is.generic_file = TEXT("generic.py");
    is.generic_line = 99;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_define(recording, GENERATE, &is));
}

/* Seen for the first time in the middle of a call, as an interpreter's hook sees
 * every function. */
static void enter_unknown(struct host *host, edbprof_thread *thread, uint64_t at)
{
    edbprof_function is =
        function(EDBPROF_PYTHON, TEXT("a\0b\n.py"), -3, TEXT("say \"\xc3\xa4'\"\xff\xfe"));
    is.qualified_name = TEXT("Class.say");
    is.module = TEXT("pack\\age");
    CHECK_STATUS(EDBPROF_UNKNOWN_FUNCTION, edbprof_enter_at(thread, WORK, at));
    CHECK_STATUS(EDBPROF_UNKNOWN_FUNCTION, edbprof_resume_at(thread, WORK, at));
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_leave_at(thread, WORK, at));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_define(host->recording, WORK, &is));
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread, WORK, at));
}

static void enter(edbprof_thread *thread, uint64_t key, uint64_t at)
{
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread, key, at));
}

static void resume(edbprof_thread *thread, uint64_t key, uint64_t at)
{
    CHECK_STATUS(EDBPROF_OK, edbprof_resume_at(thread, key, at));
}

static void leave(edbprof_thread *thread, uint64_t key, uint64_t at)
{
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_at(thread, key, at));
}

static void in_main_thread(struct host *host, edbprof_thread *thread)
{
    enter(thread, MAIN, 100);
    enter_unknown(host, thread, 110);
    leave(thread, WORK, 130);
    enter(thread, WORK, 140);
    enter(thread, RECURSE, 145);
    enter(thread, RECURSE, 150);
    enter(thread, RECURSE, 155);
    leave(thread, RECURSE, 160);
    leave(thread, RECURSE, 170);
    leave(thread, RECURSE, 185);
    leave(thread, WORK, 190);
    enter(thread, GENERATE, 200);
    leave(thread, GENERATE, 205);
    resume(thread, GENERATE, 210);
    /* Open calls are saved with their time so far. */
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_save_as(host->recording,
                                                       path_in(host->directory, "open.prof"), 0));
    leave(thread, GENERATE, 216);
    resume(thread, GENERATE, 220);
    leave(thread, GENERATE, 221);
    leave(thread, MAIN, 300);

    enter(thread, MAIN, 400);
    enter(thread, WORK, 410);
    leave(thread, MAIN, 450); /* ends WORK too */
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_leave_at(thread, WORK, 460));
}

/* And back. Nothing is called there. */
static void turn_to_another_fiber(edbprof_thread *thread)
{
    edbprof_fiber fiber, other = {0};
    CHECK_STATUS(EDBPROF_OK, edbprof_fiber_suspend(thread, &fiber));
    CHECK_STATUS(EDBPROF_OK, edbprof_fiber_resume(thread, &other));
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_leave(thread, GENERATE));
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_fiber_suspend(thread, &other));
    /* Not of this tree. */
    other.tree = ~(uint64_t)0;
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_fiber_resume(thread, &other));
    CHECK_STATUS(EDBPROF_OK, edbprof_fiber_resume(thread, &fiber));
}

static void *in_worker_thread(void *argument)
{
    struct host *host = (struct host *)argument;
    edbprof_thread *thread;
    CHECK_STATUS(EDBPROF_OK,
                 edbprof_recording_attach(host->recording, TEXT("worker\xfe"), &thread));
    enter(thread, MAIN, 1000);
    /* Without a time of its own: that of the thread's latest event. */
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_span(thread, &native));
    enter(thread, RECURSE, 1010);
    leave(thread, RECURSE, 1030);
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_span(thread, &native));
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_span(thread, &native));
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_span(thread, &native));
    enter(thread, GENERATE, 900); /* time does not go back */
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_unstarted(thread, GENERATE));
    enter(thread, RECURSE, 1035);
    enter(thread, GENERATE, 1040);
    CHECK_STATUS(EDBPROF_OK, edbprof_is_innermost(thread, GENERATE));
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_is_innermost(thread, RECURSE));
    turn_to_another_fiber(thread);
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_all(thread));
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_leave_at(thread, MAIN, 2000));
    CHECK_STATUS(EDBPROF_OK, edbprof_thread_detach(thread));
    return NULL;
}

int main(int argc, char **argv)
{
    struct host host;
    edbprof_options options;
    edbprof_thread *thread;
    pthread_t worker;
    char path[4096], again[4096];
    size_t len;

    CHECK(argc == 2);
    CHECK(EDBPROF_ABI_IS_COMPATIBLE(edbprof_abi_version()));
    CHECK(edbprof_version().len > 0);
    host.directory = argv[1];
    options = host_clock(host.directory, "own_");
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_new(&options, &host.recording));
    CHECK_STATUS(EDBPROF_OK,
                 edbprof_recording_attach(host.recording, TEXT("main thread"), &thread));
    define_all_but_work(host.recording);

    in_main_thread(&host, thread);
    CHECK(pthread_create(&worker, NULL, in_worker_thread, &host) == 0);
    CHECK(pthread_join(worker, NULL) == 0);

    CHECK_STATUS(EDBPROF_OK, edbprof_recording_save(host.recording, 0));
    len = edbprof_recording_path(host.recording, path, sizeof path);
    CHECK(len == strlen(path));
    CHECK(strncmp(path, host.directory, strlen(host.directory)) == 0);
    write_encoded(host.recording, host.directory, "encoded.prof");
    /* Saving again replaces the file. */
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_save(host.recording,
                                                    EDBPROF_SAVE_AT_EXIT | EDBPROF_SAVE_SIDECAR));
    CHECK(edbprof_recording_path(host.recording, again, sizeof again) == len);
    CHECK(strcmp(path, again) == 0);
    CHECK_STATUS(EDBPROF_OK,
                 edbprof_recording_save_as(host.recording, path_in(host.directory, "named.prof"),
                                           EDBPROF_SAVE_AT_EXIT));
    CHECK(edbprof_recording_error(host.recording, path, sizeof path) == 0);
    edbprof_recording_free(host.recording);
    return 0;
}
