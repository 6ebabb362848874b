/* A host that forks in the middle of things. tests/c_hosts looks at the files.
 *
 * Usage: fork DIRECTORY, which is empty */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

enum { OUTER = 1, INNER = 2 };

EDBPROF_SPAN(span, "span");

static const char *directory;

static edbprof_recording *start(edbprof_options options, edbprof_thread **thread)
{
    edbprof_recording *recording;
    edbprof_function is = function(EDBPROF_NATIVE, TEXT("fork"), 1, TEXT("outer"));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_new(&options, &recording));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(recording, TEXT("main"), thread));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_define(recording, OUTER, &is));
    is.name = TEXT("inner");
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_define(recording, INNER, &is));
    return recording;
}

static void enter(edbprof_thread *thread, uint64_t key, uint64_t at)
{
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread, key, at));
}

static void leave(edbprof_thread *thread, uint64_t key, uint64_t at)
{
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_at(thread, key, at));
}

static void save(edbprof_recording *recording)
{
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_save(recording, EDBPROF_SAVE_AT_EXIT));
}

/* Whether this is the child. The parent goes on when the child has ended well. */
static int in_child(void)
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        return 1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 0;
}

/* Ends a child without what the parent left for the end of the program. */
static void child_ends(edbprof_recording *recording)
{
    edbprof_recording_free(recording);
    _exit(0);
}

static void in_the_middle_of_calls(void)
{
    edbprof_thread *thread;
    edbprof_recording *recording = start(host_clock(directory, "middle_"), &thread);
    char path[4096], childs[4096];
    struct stat before, after;

    enter(thread, OUTER, 100);
    enter(thread, INNER, 105);
    leave(thread, INNER, 108);
    enter(thread, INNER, 110);
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_save(recording, 0));
    CHECK(edbprof_recording_path(recording, path, sizeof path) > 0);
    CHECK(stat(path, &before) == 0);
    if (in_child()) {
        /* Nothing is counted yet, so there is no file to be. */
        CHECK(edbprof_recording_path(recording, childs, sizeof childs) == 0);
        CHECK_STATUS(EDBPROF_NOTHING_RECORDED, edbprof_recording_save(recording, 0));
        leave(thread, INNER, 150);
        /* A call in a context that is there since the fork. */
        enter(thread, INNER, 160);
        leave(thread, INNER, 170);
        leave(thread, OUTER, 200);
        CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_leave_at(thread, OUTER, 210));
        save(recording);
        CHECK(edbprof_recording_path(recording, childs, sizeof childs) > 0);
        CHECK(strcmp(path, childs) != 0);
        child_ends(recording);
    }
    CHECK(stat(path, &after) == 0);
    CHECK(before.st_ino == after.st_ino && before.st_size == after.st_size);
    CHECK(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
          before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    leave(thread, INNER, 130);
    leave(thread, OUTER, 300);
    save(recording);
    edbprof_recording_free(recording);
}

/* A grandchild is to its parent what that one is to the first process. */
static void twice(void)
{
    edbprof_thread *thread;
    edbprof_recording *recording = start(host_clock(directory, "twice_"), &thread);
    enter(thread, OUTER, 100);
    if (in_child()) {
        enter(thread, INNER, 110);
        if (in_child()) {
            enter(thread, INNER, 120);
            leave(thread, INNER, 121);
            leave(thread, INNER, 130);
            leave(thread, OUTER, 140);
            save(recording);
            child_ends(recording);
        }
        leave(thread, INNER, 150);
        leave(thread, OUTER, 160);
        save(recording);
        child_ends(recording);
    }
    leave(thread, OUTER, 1000);
    save(recording);
    edbprof_recording_free(recording);
}

/* The child's calls end in the order in which they began, and those that found no room
 * in the parent have some here. */
static void among_overflow_calls(void)
{
    enum { DEEP = 70 };
    edbprof_options options = host_clock(directory, "overflow_");
    edbprof_recording *recording;
    edbprof_thread *thread;
    int depth;
    options.max_nodes = 64;
    recording = start(options, &thread);
    for (depth = 1; depth <= DEEP; depth++) {
        enter(thread, OUTER, (uint64_t)depth);
    }
    if (in_child()) {
        for (depth = DEEP; depth >= 1; depth--) {
            leave(thread, OUTER, 1000);
        }
        CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_leave_at(thread, OUTER, 1000));
        enter(thread, OUTER, 2000);
        leave(thread, OUTER, 2003);
        save(recording);
        child_ends(recording);
    }
    edbprof_recording_free(recording);
}

struct forker {
    edbprof_recording *recording;
    edbprof_thread *main_thread;
};

static void *fork_in_thread(void *argument)
{
    struct forker *forker = (struct forker *)argument;
    edbprof_thread *thread, *late;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(forker->recording, TEXT("forker"), &thread));
    enter(thread, INNER, 50);
    if (in_child()) {
        /* The thread that forked is the child's only one; the other's calls are gone. */
        enter(thread, OUTER, 60);
        leave(thread, OUTER, 65);
        leave(thread, INNER, 70);
        CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(forker->recording, TEXT("late"), &late));
        enter(late, OUTER, 80);
        leave(late, OUTER, 81);
        save(forker->recording);
        child_ends(forker->recording);
    }
    leave(thread, INNER, 90);
    return NULL;
}

static void from_a_second_thread(void)
{
    struct forker forker;
    pthread_t other;
    forker.recording = start(host_clock(directory, "thread_"), &forker.main_thread);
    enter(forker.main_thread, OUTER, 1);
    CHECK(pthread_create(&other, NULL, fork_in_thread, &forker) == 0);
    CHECK(pthread_join(other, NULL) == 0);
    leave(forker.main_thread, OUTER, 2);
    edbprof_recording_free(forker.recording);
}

/* A thread that has a span open while another one forks. */
struct raw_thread {
    edbprof_recording *recording;
    edbprof_thread *handle;
    pthread_barrier_t barrier;
};

static void *keep_a_span_open(void *argument)
{
    struct raw_thread *raw = (struct raw_thread *)argument;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(raw->recording, TEXT("raw"), &raw->handle));
    CHECK_STATUS(EDBPROF_OK, edbprof_begin_span(raw->handle, &span));
    pthread_barrier_wait(&raw->barrier);
    /* The process forks. */
    pthread_barrier_wait(&raw->barrier);
    CHECK_STATUS(EDBPROF_OK, edbprof_end_span(raw->handle, &span));
    CHECK_STATUS(EDBPROF_OK, edbprof_thread_detach(raw->handle));
    return NULL;
}

/* The other thread's handle in the child, which does not have the thread: it is given to the next
 * thread that attaches. */
static void use_handle_of_missing_thread(struct raw_thread *raw)
{
    edbprof_thread *late;
    CHECK_STATUS(EDBPROF_WRONG_THREAD, edbprof_end_span(raw->handle, &span));
    CHECK_STATUS(EDBPROF_OK, edbprof_thread_detach(raw->handle));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_thread_detach(raw->handle));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_begin_span(raw->handle, &span));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_enter_at(raw->handle, OUTER, 155));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(raw->recording, TEXT("late"), &late));
    CHECK(late == raw->handle);
    enter(late, OUTER, 160);
    leave(late, OUTER, 161);
}

/* A span outlives the call in which it began in the child, too. */
static void with_open_spans(void)
{
    edbprof_thread *thread;
    struct raw_thread raw;
    pthread_t other;
    raw.recording = start(host_clock(directory, "spans_"), &thread);
    CHECK(pthread_barrier_init(&raw.barrier, NULL, 2) == 0);
    enter(thread, OUTER, 100);
    CHECK_STATUS(EDBPROF_OK, edbprof_begin_span(thread, &span));
    enter(thread, INNER, 105);
    CHECK(pthread_create(&other, NULL, keep_a_span_open, &raw) == 0);
    pthread_barrier_wait(&raw.barrier);
    if (in_child()) {
        leave(thread, INNER, 110);
        enter(thread, INNER, 120);
        leave(thread, INNER, 125);
        leave(thread, OUTER, 130);
        enter(thread, INNER, 140);
        leave(thread, INNER, 150);
        CHECK_STATUS(EDBPROF_OK, edbprof_end_span(thread, &span));
        CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_end_span(thread, &span));
        use_handle_of_missing_thread(&raw);
        save(raw.recording);
        child_ends(raw.recording);
    }
    leave(thread, INNER, 200);
    leave(thread, OUTER, 300);
    enter(thread, INNER, 310);
    leave(thread, INNER, 320);
    CHECK_STATUS(EDBPROF_OK, edbprof_end_span(thread, &span));
    pthread_barrier_wait(&raw.barrier);
    CHECK(pthread_join(other, NULL) == 0);
    save(raw.recording);
    edbprof_recording_free(raw.recording);
    CHECK(pthread_barrier_destroy(&raw.barrier) == 0);
}

/* A handle that was detached before the fork, and one that the child detaches at once. */
static void with_detached_handles(void)
{
    edbprof_thread *thread, *before, *after;
    edbprof_recording *recording = start(host_clock(directory, "detached_"), &thread);
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(recording, TEXT("before"), &before));
    enter(before, OUTER, 10);
    CHECK_STATUS(EDBPROF_OK, edbprof_thread_detach(before));
    enter(thread, OUTER, 100);
    if (in_child()) {
        CHECK_STATUS(EDBPROF_DETACHED, edbprof_enter_at(before, OUTER, 110));
        CHECK_STATUS(EDBPROF_DETACHED, edbprof_leave_at(before, OUTER, 110));
        CHECK_STATUS(EDBPROF_OK, edbprof_thread_detach(thread));
        CHECK_STATUS(EDBPROF_DETACHED, edbprof_enter_at(thread, INNER, 120));
        CHECK_STATUS(EDBPROF_DETACHED, edbprof_leave_at(thread, OUTER, 120));
        CHECK_STATUS(EDBPROF_NOTHING_RECORDED, edbprof_recording_save(recording, 0));
        CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(recording, TEXT("after"), &after));
        enter(after, INNER, 130);
        leave(after, INNER, 140);
        save(recording);
        child_ends(recording);
    }
    edbprof_recording_free(recording);
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void spend(uint64_t ns)
{
    uint64_t end = cpu_ns() + ns;
    while (cpu_ns() < end) {
    }
}

/* A child's CPU time begins anew: what the parent has spent before is not waited
 * for. The call lasts at least as long as is spent in it. */
static void with_the_cpu_clock(void)
{
    edbprof_options options = host_clock(directory, "cpu_");
    edbprof_recording *recording;
    edbprof_thread *thread;
    options.clock = EDBPROF_CLOCK_CPU;
    recording = start(options, &thread);
    spend(300000000);
    CHECK_STATUS(EDBPROF_OK, edbprof_enter(thread, OUTER));
    if (in_child()) {
        CHECK_STATUS(EDBPROF_OK, edbprof_enter(thread, INNER));
        spend(10000000);
        CHECK_STATUS(EDBPROF_OK, edbprof_leave(thread, INNER));
        CHECK_STATUS(EDBPROF_OK, edbprof_leave(thread, OUTER));
        save(recording);
        child_ends(recording);
    }
    edbprof_recording_free(recording);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    directory = argv[1];
    in_the_middle_of_calls();
    twice();
    among_overflow_calls();
    from_a_second_thread();
    with_open_spans();
    with_detached_handles();
    with_the_cpu_clock();
    return 0;
}
