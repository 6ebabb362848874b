/* A program in C that records two of its functions:
 *
 *     cc spans.c $(pkg-config --cflags --libs edbprof) -o spans && ./spans spans.prof
 *     edbprof tree spans.prof */

#include <stdio.h>
#include <string.h>

#include "edbprof.h"

EDBPROF_SPAN(parse_span, "parse");
EDBPROF_SPAN(evaluate_span, "evaluate");

static unsigned evaluate(edbprof_thread *thread, unsigned value)
{
    edbprof_enter_span(thread, &evaluate_span);
    for (int i = 0; i < 1000; i++) {
        value = value * 1664525u + 1013904223u;
    }
    edbprof_leave_span(thread, &evaluate_span);
    return value;
}

static unsigned parse(edbprof_thread *thread, unsigned value)
{
    edbprof_enter_span(thread, &parse_span);
    for (int i = 0; i < 10; i++) {
        value = evaluate(thread, value);
    }
    edbprof_leave_span(thread, &parse_span);
    return value;
}

int main(int argc, char **argv)
{
    if (argc != 2 || !EDBPROF_ABI_IS_COMPATIBLE(edbprof_abi_version())) {
        fprintf(stderr, "usage: spans FILE\n");
        return 2;
    }
    edbprof_options options = EDBPROF_ZEROS;
    options.struct_size = sizeof options;
    edbprof_recording *recording;
    edbprof_thread *thread;
    if (edbprof_recording_new(&options, &recording) != EDBPROF_OK ||
        edbprof_recording_attach(recording, EDBPROF_TEXT("main"), &thread) != EDBPROF_OK) {
        return 1;
    }
    unsigned value = 1;
    for (int i = 0; i < 3; i++) {
        value = parse(thread, value);
    }
    edbprof_str path = {argv[1], strlen(argv[1])};
    edbprof_status status = edbprof_recording_save_as(recording, path, 0);
    edbprof_recording_free(recording);
    printf("%u\n", value);
    return status == EDBPROF_OK ? 0 : 1;
}
