/* A program that a run has started, and what it finds without one: it is recorded, and saved at
 * its end without another word.
 *
 * Usage: run DIRECTORY, which is empty */

#define _POSIX_C_SOURCE 200809L

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

EDBPROF_SPAN(outer_span, "outer");
EDBPROF_SPAN_AT(inner_span, "inner", "file.c", 7);

/* Never freed: it is saved when the process ends. */
static edbprof_recording *recording;

/* The child is saved at its end, too. */
static void leave_by_a_forked_child(edbprof_thread *thread)
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK_STATUS(EDBPROF_OK, edbprof_enter_span(thread, &inner_span));
        CHECK_STATUS(EDBPROF_OK, edbprof_leave_span(thread, &inner_span));
        exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv)
{
    static char settings[8192];
    char reason[128], cut[8];
    edbprof_thread *thread = NULL;
    const edbprof_function *first, *second;
    edbprof_options wrong = empty_options();
    CHECK(argc == 2);
    unsetenv("EDBPROF_RUN");
    CHECK_STATUS(EDBPROF_NO_RUN, edbprof_recording_from_environment(TEXT("run.c 1.0"), &recording));
    CHECK(recording == NULL);
    CHECK(edbprof_new_error(reason, sizeof reason) > 0 && strstr(reason, "EDBPROF_RUN") != NULL);
    wrong.clock = 77;
    CHECK_STATUS(EDBPROF_BAD_ARGUMENT, edbprof_recording_new(&wrong, &recording));
    CHECK(edbprof_new_error(reason, sizeof reason) > 0 && strstr(reason, "clock") != NULL);
    CHECK(edbprof_new_error(cut, sizeof cut) == strlen(reason) && strlen(cut) == 7);
    CHECK(edbprof_status_text(EDBPROF_WRONG_THREAD).len > 0);
    CHECK(strncmp(edbprof_status_text(-5).data, "unknown status", 14) == 0);

    (void)snprintf(settings, sizeof settings,
                   "run=1\nthreads=1\nbuiltins=1\nwaiting=1\nchildren=1\nclock=wall\nhook=auto\n"
                   "directory=%s/recordings",
                   argv[1]);
    CHECK(mkdir(strstr(settings, "directory=") + strlen("directory="), 0700) == 0);
    CHECK(setenv("EDBPROF_RUN", settings, 1) == 0);
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_from_environment(TEXT("run.c 1.0"), &recording));
    CHECK(edbprof_new_error(reason, sizeof reason) == 0);
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(recording, TEXT("main"), &thread));
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_span(thread, &outer_span));
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_span(thread, &inner_span));
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_span(thread, &inner_span));
    CHECK_STATUS(EDBPROF_OK, edbprof_begin_span(thread, &inner_span));
    CHECK_STATUS(EDBPROF_OK, edbprof_end_span(thread, &inner_span));
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_end_span(thread, &inner_span));
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_span(thread, &outer_span));
    /* A save in between is not the last one. */
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_save(recording, 0));
    leave_by_a_forked_child(thread);

    CHECK_STATUS(EDBPROF_OK, edbprof_span_intern(TEXT("a"), TEXT("f"), 1, &first));
    CHECK_STATUS(EDBPROF_OK, edbprof_span_intern(TEXT("a"), TEXT("f"), 1, &second));
    CHECK(first == second);
    CHECK_STATUS(EDBPROF_OK, edbprof_span_intern(TEXT("a"), TEXT("f"), 2, &second));
    CHECK(first != second);
    CHECK_STATUS(EDBPROF_NULL_POINTER, edbprof_span_intern(TEXT("a"), TEXT("f"), 2, NULL));

    CHECK_STATUS(EDBPROF_OK, edbprof_thread_detach(thread));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_thread_detach(thread));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_leave_all(thread));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_enter_span(thread, &outer_span));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_leave_span(thread, &outer_span));
    CHECK_STATUS(EDBPROF_DETACHED, edbprof_begin_span(thread, &outer_span));
    return 0;
}
