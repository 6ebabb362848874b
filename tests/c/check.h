/* What the hosts have in common: checks that end the program, and text with
 * explicit lengths. Included by C and by C++. */

#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edbprof.h"
/* Hosts include a header as often as it comes: it must bear it. */
#include "edbprof.h"

#define CHECK(condition) ((condition) ? (void)0 : failed(__FILE__, __LINE__, #condition))

#define CHECK_STATUS(expected, call)                                                               \
    check_status(__FILE__, __LINE__, #call, (int)(expected), (int)(call))

/* A string literal, whatever bytes are in it. */
#define TEXT(literal) text(literal, sizeof(literal) - 1)

static inline void failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    exit(1);
}

static inline void check_status(const char *file, int line, const char *call, int expected, int got)
{
    if (expected != got) {
        fprintf(stderr, "%s:%d: status %d, not %d: %s\n", file, line, got, expected, call);
        exit(1);
    }
}

static inline edbprof_str text(const char *data, size_t len)
{
    edbprof_str text;
    text.data = data;
    text.len = len;
    return text;
}

static inline edbprof_str no_text(void) { return text(NULL, 0); }

static inline edbprof_str text_of(const char *string) { return text(string, strlen(string)); }

static inline edbprof_options empty_options(void)
{
    edbprof_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    return options;
}

/* Options of a recording to which the host tells the time, in nanoseconds. */
static inline edbprof_options host_clock(const char *directory, const char *prefix)
{
    edbprof_options options = empty_options();
    options.clock = EDBPROF_CLOCK_HOST;
    options.directory = text_of(directory);
    options.prefix = text_of(prefix);
    options.suffix = TEXT(".prof");
    options.host = TEXT("a host");
    options.hook = TEXT("by hand");
    return options;
}

static inline edbprof_function function(uint32_t kind, edbprof_str file, int64_t line,
                                        edbprof_str name)
{
    edbprof_function function;
    memset(&function, 0, sizeof function);
    function.struct_size = sizeof function;
    function.kind = kind;
    function.file = file;
    function.line = line;
    function.name = name;
    return function;
}

/* `directory`/`name`; kept until the next call. */
static inline edbprof_str path_in(const char *directory, const char *name)
{
    static char path[4096];
    int len = snprintf(path, sizeof path, "%s/%s", directory, name);
    CHECK(len > 0 && (size_t)len < sizeof path);
    return text(path, (size_t)len);
}

/* Writes what is encoded in memory to `directory`/`name`. */
static inline void write_encoded(const edbprof_recording *recording, const char *directory,
                                 const char *name)
{
    edbprof_bytes bytes;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_encode(recording, &bytes));
    FILE *file = fopen(path_in(directory, name).data, "wb");
    CHECK(file != NULL);
    CHECK(fwrite(bytes.data, 1, bytes.len, file) == bytes.len);
    CHECK(fclose(file) == 0);
    edbprof_bytes_free(&bytes);
    CHECK(bytes.data == NULL && bytes.len == 0);
    edbprof_bytes_free(&bytes);
}

#endif /* CHECK_H */
