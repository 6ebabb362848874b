// Spans of C++ that end with their scope, by an exception too.
//
// Usage: scopes DIRECTORY, which is empty

#include <stdexcept>

#include "check.h"

#include "edbprof.hpp"

EDBPROF_SPAN(outer, "outer");

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    edbprof_options options = empty_options();
    edbprof_recording *recording = nullptr;
    edbprof_thread *thread = nullptr;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_new(&options, &recording));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(recording, TEXT("main"), &thread));
    const edbprof_function *dynamic = edbprof::intern("dynamic");
    CHECK(dynamic != nullptr && dynamic == edbprof::intern(std::string_view("dynamic+", 7)));
    for (int i = 0; i < 3; i++) {
        try {
            edbprof::scope scope(thread, outer);
            edbprof::scope inner(thread, *dynamic);
            throw std::runtime_error("on purpose");
        } catch (const std::runtime_error &) {
        }
    }
    edbprof::scope nowhere(nullptr, outer);
    for (edbprof_thread *either : {thread, static_cast<edbprof_thread *>(nullptr)}) {
        edbprof::mark(either, outer);
        edbprof::counter(either, outer, 1.5);
        edbprof::begin_async(either, outer, 1);
        edbprof::end_async(either, outer, 1);
    }
    CHECK(edbprof::status_text(EDBPROF_OK) == "done");
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_save_as(recording, path_in(argv[1], "scopes.prof"),
                                                       EDBPROF_SAVE_AT_EXIT));
    edbprof_recording_free(recording);
    return 0;
}
