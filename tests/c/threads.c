/* A host whose threads begin and end while another one saves all the time. tests/c_hosts
 * adds up the calls.
 *
 * Usage: threads DIRECTORY, which is empty */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "check.h"

enum { WORK = 1, THREADS = 3, LIVES = 100, CALLS = 50, TURNS = 100 };

static edbprof_recording *recording;

static void start(const char *directory, const char *prefix)
{
    edbprof_options options = host_clock(directory, prefix);
    edbprof_function work = function(EDBPROF_NATIVE, TEXT("threads"), 1, TEXT("work"));
    options.live_dir = TEXT("");
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_new(&options, &recording));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_define(recording, WORK, &work));
}

static void finish(void)
{
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_save(recording, EDBPROF_SAVE_AT_EXIT));
    edbprof_recording_free(recording);
}

static edbprof_thread *attach(void)
{
    edbprof_thread *thread;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(recording, TEXT("worker"), &thread));
    return thread;
}

static void call(edbprof_thread *thread)
{
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread, WORK, 10));
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_at(thread, WORK, 15));
}

static atomic_int threads_left = THREADS;

static void *live_often(void *unused)
{
    int life, i;
    (void)unused;
    for (life = 0; life < LIVES; life++) {
        edbprof_thread *thread = attach();
        for (i = 0; i < CALLS; i++)
            call(thread);
        CHECK_STATUS(EDBPROF_OK, edbprof_thread_detach(thread));
    }
    atomic_fetch_sub(&threads_left, 1);
    return NULL;
}

static void all_at_once(void)
{
    pthread_t threads[THREADS];
    int i;
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, live_often, NULL) == 0);
    }
    while (atomic_load(&threads_left) > 0) {
        edbprof_status status = edbprof_recording_save(recording, 0);
        CHECK(status == EDBPROF_OK || status == EDBPROF_NOTHING_RECORDED);
    }
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

/* Turns are relaxed, and nobody waits for a lock. So nothing but the library's uncontended
 * locks orders the threads, and ThreadSanitizer reports all that these leave unordered. */
static atomic_int turn;

static void wait_for(int number)
{
    while (atomic_load_explicit(&turn, memory_order_relaxed) != number) {
        sched_yield();
    }
}

static void pass(void) { atomic_fetch_add_explicit(&turn, 1, memory_order_relaxed); }

static void *live_by_turns(void *unused)
{
    int i;
    (void)unused;
    for (i = 0; i < TURNS; i++) {
        edbprof_thread *thread;
        wait_for(3 * i);
        thread = attach();
        call(thread);
        pass();
        wait_for(3 * i + 2);
        CHECK_STATUS(EDBPROF_OK, edbprof_thread_detach(thread));
        pass();
    }
    return NULL;
}

static void by_turns(void)
{
    pthread_t other;
    int i;
    CHECK(pthread_create(&other, NULL, live_by_turns, NULL) == 0);
    for (i = 0; i < TURNS; i++) {
        wait_for(3 * i + 1);
        CHECK_STATUS(EDBPROF_OK, edbprof_recording_save(recording, 0));
        pass();
    }
    CHECK(pthread_join(other, NULL) == 0);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    start(argv[1], "turns_");
    by_turns();
    finish();
    start(argv[1], "at_once_");
    all_at_once();
    finish();
    return 0;
}
