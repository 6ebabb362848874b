/* edbprof for C++17: spans that end with their scope.
 *
 *     EDBPROF_SPAN(solve_span, "solve");
 *
 *     void solve(edbprof_thread *thread) {
 *         edbprof::scope scope(thread, solve_span);
 *         ...
 *     }
 *
 * In an extension for CPython, after edbprof_python.h:
 *
 *     edbprof::python_scope scope(api, solve_span); */
#ifndef EDBPROF_HPP
#define EDBPROF_HPP

#include <cstdint>
#include <string_view>

#include "edbprof.h"

namespace edbprof
{

inline edbprof_str text(std::string_view view) noexcept
{
    return edbprof_str{view.data(), view.size()};
}

/* Meaning of a status. */
inline std::string_view status_text(edbprof_status status) noexcept
{
    edbprof_str text = edbprof_status_text(static_cast<int32_t>(status));
    return {text.data, text.len};
}

/* The span of a name that is known at run time only; NULL without memory. */
inline const edbprof_function *intern(std::string_view name, std::string_view file = {},
                                      int64_t line = 0) noexcept
{
    const edbprof_function *span = nullptr;
    (void)edbprof_span_intern(text(name), text(file), line, &span);
    return span;
}

/* A span, from here to the end of the scope, also by an exception. `thread` may be NULL: then
 * nothing is recorded. Only the thread that made the handle. */
class [[nodiscard]] scope
{
  public:
    scope(edbprof_thread *thread, const edbprof_function &span) noexcept
        : thread_(thread), span_(&span)
    {
        (void)edbprof_enter_span(thread_, span_);
    }
    ~scope() { (void)edbprof_leave_span(thread_, span_); }
    scope(const scope &) = delete;
    scope &operator=(const scope &) = delete;

  private:
    edbprof_thread *thread_;
    const edbprof_function *span_;
};

/* Sets a mark on the timeline; like all that follows, nothing for a `thread` of NULL. */
inline void mark(edbprof_thread *thread, const edbprof_function &name) noexcept
{
    (void)edbprof_mark(thread, &name);
}

/* Gives a counter on the timeline a new value. */
inline void counter(edbprof_thread *thread, const edbprof_function &name, double value) noexcept
{
    (void)edbprof_counter(thread, &name, value);
}

/* An asynchronous span begins, on the timeline only. `end_async` ends it, in whichever thread; the
 * number tells it from other open ones of its name. */
inline void begin_async(edbprof_thread *thread, const edbprof_function &name,
                        std::uint64_t id) noexcept
{
    (void)edbprof_begin_async(thread, &name, id);
}

inline void end_async(edbprof_thread *thread, const edbprof_function &name,
                      std::uint64_t id) noexcept
{
    (void)edbprof_end_async(thread, &name, id);
}

#ifdef EDBPROF_PYTHON_H

/* The same in every recording of the calling thread's, in an extension for CPython. */
class [[nodiscard]] python_scope
{
  public:
    python_scope(const edbprof_python_api *api, const edbprof_function &span) noexcept
        : api_(api), span_(&span)
    {
        edbprof_python_enter(api_, span_);
    }
    ~python_scope() { edbprof_python_leave(api_, span_); }
    python_scope(const python_scope &) = delete;
    python_scope &operator=(const python_scope &) = delete;

  private:
    const edbprof_python_api *api_;
    const edbprof_function *span_;
};

inline void mark(const edbprof_python_api *api, const edbprof_function &name) noexcept
{
    edbprof_python_mark(api, &name);
}

inline void counter(const edbprof_python_api *api, const edbprof_function &name,
                    double value) noexcept
{
    edbprof_python_counter(api, &name, value);
}

inline void begin_async(const edbprof_python_api *api, const edbprof_function &name,
                        std::uint64_t id) noexcept
{
    edbprof_python_begin_async(api, &name, id);
}

inline void end_async(const edbprof_python_api *api, const edbprof_function &name,
                      std::uint64_t id) noexcept
{
    edbprof_python_end_async(api, &name, id);
}

#endif

} // namespace edbprof

#endif
