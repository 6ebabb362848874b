// A module of nanobind with two spans, threads that have them, too, and marks on the timeline:
//
//     python setup.py build_ext --inplace && edbprof run --timeline ../use_solver.py

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <edbprof_python.h>

#include <edbprof.hpp>

EDBPROF_SPAN(solve_span, "solve");
EDBPROF_SPAN(step_span, "step");
EDBPROF_SPAN(begun_mark, "begun");
EDBPROF_SPAN(value_counter, "value");
EDBPROF_SPAN(request_span, "request");

static const edbprof_python_api *api;

static std::uint32_t step(std::uint32_t value)
{
    edbprof::python_scope scope(api, step_span);
    return value * 1664525u + 1013904223u;
}

static std::uint32_t solve(std::uint32_t steps)
{
    edbprof::python_scope scope(api, solve_span);
    std::uint32_t value = 1;
    for (std::uint32_t i = 0; i < steps; i++) {
        value = step(value);
    }
    return value;
}

// Each thread has a call tree of its own, wherever threads are recorded.
static void solve_in_threads(std::uint32_t steps, unsigned count)
{
    std::vector<std::thread> pool;
    for (unsigned i = 0; i < count; i++) {
        pool.emplace_back([steps, i] {
            edbprof_python_attach_thread(api, ("solver-" + std::to_string(i)).c_str());
            solve(steps);
        });
    }
    for (std::thread &thread : pool) {
        thread.join();
    }
}

// Marks are on the timeline only. Another thread may end an asynchronous span.
static std::uint32_t solve_marked(std::uint32_t steps)
{
    const std::uint64_t request = 1;
    edbprof::mark(api, begun_mark);
    edbprof::begin_async(api, request_span, request);
    std::uint32_t value = solve(steps);
    edbprof::counter(api, value_counter, value);
    edbprof::end_async(api, request_span, request);
    return value;
}

NB_MODULE(solver, module)
{
    using release = nanobind::call_guard<nanobind::gil_scoped_release>;
    api = edbprof_python_import();
    module.def("solve", solve, release());
    module.def("solve_in_threads", solve_in_threads, release());
    module.def("solve_marked", solve_marked, release());
}
