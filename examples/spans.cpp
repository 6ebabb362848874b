// A program in C++17 that records two of its functions in three threads:
//
//     c++ -std=c++17 -pthread spans.cpp $(pkg-config --cflags --libs edbprof) -o spans
//     ./spans spans.prof && edbprof tree spans.prof

#include <cstdint>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "edbprof.hpp"

EDBPROF_SPAN(solve_span, "solve");
EDBPROF_SPAN(step_span, "step");

static std::uint32_t step(edbprof_thread *thread, std::uint32_t value)
{
    edbprof::scope scope(thread, step_span);
    return value * 1664525u + 1013904223u;
}

static std::uint32_t solve(edbprof_thread *thread, std::uint32_t steps)
{
    edbprof::scope scope(thread, solve_span);
    std::uint32_t value = 1;
    for (std::uint32_t i = 0; i < steps; i++) {
        value = step(thread, value);
    }
    return value;
}

// Each thread has a handle of its own. A handle that is NULL records nothing, and is no error.
static void solve_in_thread(edbprof_recording *recording, const std::string &name)
{
    edbprof_thread *thread = nullptr;
    (void)edbprof_recording_attach(recording, edbprof::text(name), &thread);
    solve(thread, 2);
    (void)edbprof_thread_detach(thread);
}

int main(int argc, char **argv)
{
    if (argc != 2 || !EDBPROF_ABI_IS_COMPATIBLE(edbprof_abi_version())) {
        std::cerr << "usage: spans FILE\n";
        return 2;
    }
    edbprof_options options = {};
    options.struct_size = sizeof options;
    edbprof_recording *recording = nullptr;
    edbprof_thread *thread = nullptr;
    if (edbprof_status status = edbprof_recording_new(&options, &recording); status != EDBPROF_OK) {
        std::cerr << "not recorded: " << edbprof::status_text(status) << '\n';
    }
    (void)edbprof_recording_attach(recording, edbprof::text("main"), &thread);
    std::vector<std::thread> pool;
    for (const char *name : {"pool-1", "pool-2"}) {
        pool.emplace_back(solve_in_thread, recording, std::string(name));
    }
    std::cout << solve(thread, 3) << '\n';
    for (std::thread &each : pool) {
        each.join();
    }
    edbprof_status status =
        edbprof_recording_save_as(recording, edbprof::text(argv[1]), EDBPROF_SAVE_AT_EXIT);
    edbprof_recording_free(recording);
    return status == EDBPROF_OK ? 0 : 1;
}
