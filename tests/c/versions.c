/* A host that was compiled with the header of another version than the library's: its
 * structs are shorter or longer. tests/c_hosts looks at the file that comes out.
 *
 * Usage: versions DIRECTORY */

#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

enum { OLD = 1, NEW = 2, PAGE_MAX = 1 << 16 };

/* Structs of a later version: there are fields that the library does not know. */
struct later_options {
    edbprof_options known;
    uint64_t more[PAGE_MAX / 8];
};
struct later_function {
    edbprof_function known;
    uint64_t more[3];
};
struct later_calibration {
    edbprof_calibration known;
    uint64_t more[3];
};

#define MINOR(number) ((uint32_t)EDBPROF_ABI_MAJOR << 16 | (number))

static void compatible_versions(void)
{
    CHECK(EDBPROF_ABI_VERSION == MINOR(EDBPROF_ABI_MINOR));
    CHECK(edbprof_abi_version() == EDBPROF_ABI_VERSION);
    CHECK(EDBPROF_ABI_IS_COMPATIBLE(edbprof_abi_version()));
    CHECK(EDBPROF_ABI_IS_COMPATIBLE(MINOR(EDBPROF_ABI_MINOR + 1)));
    CHECK(EDBPROF_ABI_IS_COMPATIBLE(MINOR(0xffff)));
    /* Another major version, or an earlier minor one. */
    CHECK(!EDBPROF_ABI_IS_COMPATIBLE(EDBPROF_ABI_VERSION - 1));
    CHECK(!EDBPROF_ABI_IS_COMPATIBLE(EDBPROF_ABI_VERSION + 0x10000));
    CHECK(!EDBPROF_ABI_IS_COMPATIBLE(EDBPROF_ABI_VERSION - 0x10000));
    CHECK(!EDBPROF_ABI_IS_COMPATIBLE(0));
    CHECK(!EDBPROF_ABI_IS_COMPATIBLE(UINT32_MAX));
    /* What the library returned before there were minor versions. */
    CHECK(!EDBPROF_ABI_IS_COMPATIBLE(2));
}

/* A copy of `size` bytes behind which nothing can be read. */
static void *at_the_end(const void *bytes, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages =
        (char *)mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED && size <= page);
    CHECK(mprotect(pages + page, page, PROT_NONE) == 0);
    return memcpy(pages + page - size, bytes, size);
}

/* The smallest struct is read to its end, and one that is smaller not beyond its size. */
static void shortest_structs(const char *directory)
{
    const size_t only_a_size = sizeof only_a_size;
    const void *too_short = at_the_end(&only_a_size, sizeof only_a_size);
    edbprof_options options = host_clock(directory, "shortest_");
    edbprof_function is = function(EDBPROF_NATIVE, TEXT("f"), 1, TEXT("f"));
    edbprof_calibration calibration;
    edbprof_recording *recording;
    edbprof_thread *thread;

    CHECK_STATUS(EDBPROF_BAD_STRUCT_SIZE,
                 edbprof_recording_new((const edbprof_options *)too_short, &recording));
    CHECK(recording == NULL);
    CHECK_STATUS(
        EDBPROF_OK,
        edbprof_recording_new((edbprof_options *)at_the_end(&options, sizeof options), &recording));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(recording, TEXT("main"), &thread));

    CHECK_STATUS(EDBPROF_BAD_STRUCT_SIZE,
                 edbprof_recording_define(recording, OLD, (const edbprof_function *)too_short));
    CHECK_STATUS(EDBPROF_BAD_STRUCT_SIZE,
                 edbprof_enter_span(thread, (const edbprof_function *)too_short));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_define(
                                 recording, OLD, (edbprof_function *)at_the_end(&is, sizeof is)));

    memset(&calibration, 0, sizeof calibration);
    calibration.struct_size = sizeof calibration;
    CHECK_STATUS(EDBPROF_BAD_STRUCT_SIZE, edbprof_recording_set_calibration(
                                              recording, (const edbprof_calibration *)too_short));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_set_calibration(
                                 recording, (edbprof_calibration *)at_the_end(&calibration,
                                                                              sizeof calibration)));
    edbprof_recording_free(recording);
}

static void longer_structs(const char *directory)
{
    static struct later_options options;
    static struct later_function is, span;
    struct later_calibration calibration;
    edbprof_recording *recording;
    edbprof_thread *thread;

    memset(&options, 0xff, sizeof options);
    options.known = host_clock(directory, "longer_");
    options.known.struct_size = sizeof options;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_new(&options.known, &recording));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(recording, TEXT("main"), &thread));

    memset(&is, 0xff, sizeof is);
    is.known = function(EDBPROF_NATIVE, TEXT("later.c"), 1, TEXT("defined"));
    is.known.struct_size = sizeof is;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_define(recording, NEW, &is.known));
    memset(&span, 0xff, sizeof span);
    span.known = function(EDBPROF_NATIVE, TEXT("later.c"), 2, TEXT("span"));
    span.known.struct_size = sizeof span;

    memset(&calibration, 0xff, sizeof calibration);
    memset(&calibration.known, 0, sizeof calibration.known);
    calibration.known.struct_size = sizeof calibration;
    calibration.known.slowed_ppm = 5;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_set_calibration(recording, &calibration.known));

    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread, NEW, 10));
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_span(thread, &span.known));
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_at(thread, NEW, 15));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_save(recording, 0));
    edbprof_recording_free(recording);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    compatible_versions();
    shortest_structs(argv[1]);
    longer_structs(argv[1]);
    return 0;
}
