// A C++ program that builds the trees that host.c builds, with objects instead of
// pairs of calls and with std::thread. tests/c_hosts expects the same of both.
//
// Usage: host DIRECTORY

#include <string>
#include <thread>

#include "check.h"

namespace
{

enum Key : uint64_t { MAIN = 1, WORK = 2, RECURSE = 3, GENERATE = 0x7fffffff };

EDBPROF_SPAN(native, "native \"span\"");

class Recording
{
  public:
    explicit Recording(const std::string &directory) : directory_(directory)
    {
        edbprof_options options = host_clock(directory_.c_str(), "own_");
        CHECK_STATUS(EDBPROF_OK, edbprof_recording_new(&options, &handle_));
    }
    ~Recording() { edbprof_recording_free(handle_); }
    Recording(const Recording &) = delete;
    Recording &operator=(const Recording &) = delete;

    void define(uint64_t key, const edbprof_function &function)
    {
        CHECK_STATUS(EDBPROF_OK, edbprof_recording_define(handle_, key, &function));
    }
    void save(uint32_t flags) { CHECK_STATUS(EDBPROF_OK, edbprof_recording_save(handle_, flags)); }
    void save_as(const char *name, uint32_t flags)
    {
        CHECK_STATUS(EDBPROF_OK,
                     edbprof_recording_save_as(handle_, path_in(directory_.c_str(), name), flags));
    }
    void write_encoded(const char *name) const
    {
        ::write_encoded(handle_, directory_.c_str(), name);
    }
    std::string path() const
    {
        std::string path(edbprof_recording_path(handle_, nullptr, 0) + 1, '\0');
        CHECK(edbprof_recording_path(handle_, &path[0], path.size()) == path.size() - 1);
        path.pop_back();
        return path;
    }
    edbprof_thread *attach(edbprof_str name)
    {
        edbprof_thread *thread = nullptr;
        CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(handle_, name, &thread));
        return thread;
    }

  private:
    edbprof_recording *handle_ = nullptr;
    std::string directory_;
};

// The thread's time, told by hand.
struct Thread {
    edbprof_thread *handle;
    uint64_t now;
};

// A call that lasts as long as the object; `thread.now` says from when to when.
class Call
{
  public:
    Call(Thread &thread, uint64_t key) : thread_(thread), key_(key)
    {
        CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread_.handle, key_, thread_.now));
    }
    ~Call() { CHECK_STATUS(EDBPROF_OK, edbprof_leave_at(thread_.handle, key_, thread_.now)); }
    Call(const Call &) = delete;
    Call &operator=(const Call &) = delete;

  private:
    Thread &thread_;
    uint64_t key_;
};

class Span
{
  public:
    Span(Thread &thread, const edbprof_function &span) : thread_(thread), span_(span)
    {
        CHECK_STATUS(EDBPROF_OK, edbprof_enter_span(thread_.handle, &span_));
    }
    ~Span() { CHECK_STATUS(EDBPROF_OK, edbprof_leave_span(thread_.handle, &span_)); }
    Span(const Span &) = delete;
    Span &operator=(const Span &) = delete;

  private:
    Thread &thread_;
    const edbprof_function &span_;
};

void resume(Thread &thread, uint64_t from, uint64_t to)
{
    CHECK_STATUS(EDBPROF_OK, edbprof_resume_at(thread.handle, GENERATE, from));
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_at(thread.handle, GENERATE, to));
    thread.now = to;
}

void recurse(Thread &thread)
{
    Call first(thread, RECURSE);
    thread.now = 150;
    {
        Call second(thread, RECURSE);
        thread.now = 155;
        {
            Call third(thread, RECURSE);
            thread.now = 160;
        }
        thread.now = 170;
    }
    thread.now = 185;
}

void define_all_but_work(Recording &recording)
{
    recording.define(MAIN, function(EDBPROF_NATIVE, TEXT("host"), 10, TEXT("main")));
    recording.define(RECURSE,
                     function(EDBPROF_BUILTIN, TEXT("~"), 0, TEXT("<built-in method m.recurse>")));
    edbprof_function generate = function(EDBPROF_PYTHON, TEXT("gen.py"), 7, TEXT("generate"));
    generate.flags = EDBPROF_GENERIC_WRAPPER;
    generate.generic_name = TEXT("generic");
    generate.generic_file = TEXT("generic.py");
    generate.generic_line = 99;
    recording.define(GENERATE, generate);
}

void in_main_thread(Recording &recording, Thread thread)
{
    thread.now = 100;
    {
        Call main(thread, MAIN);
        thread.now = 110;
        CHECK_STATUS(EDBPROF_UNKNOWN_FUNCTION, edbprof_enter_at(thread.handle, WORK, thread.now));
        edbprof_function work =
            function(EDBPROF_PYTHON, TEXT("a\0b\n.py"), -3, TEXT("say \"\xc3\xa4'\"\xff\xfe"));
        work.qualified_name = TEXT("Class.say");
        work.module = TEXT("pack\\age");
        recording.define(WORK, work);
        {
            Call call(thread, WORK);
            thread.now = 130;
        }
        thread.now = 140;
        {
            Call call(thread, WORK);
            thread.now = 145;
            recurse(thread);
            thread.now = 190;
        }
        thread.now = 200;
        {
            Call call(thread, GENERATE);
            thread.now = 205;
        }
        CHECK_STATUS(EDBPROF_OK, edbprof_resume_at(thread.handle, GENERATE, 210));
        recording.save_as("open.prof", 0);
        CHECK_STATUS(EDBPROF_OK, edbprof_leave_at(thread.handle, GENERATE, 216));
        resume(thread, 220, 221);
        thread.now = 300;
    }
    thread.now = 400;
    {
        Call main(thread, MAIN);
        CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread.handle, WORK, 410));
        thread.now = 450;
    }
    CHECK_STATUS(EDBPROF_NOT_OPEN, edbprof_leave_at(thread.handle, WORK, 460));
}

void in_worker_thread(Recording &recording)
{
    Thread thread = {recording.attach(TEXT("worker\xfe")), 1000};
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread.handle, MAIN, 1000));
    {
        Span span(thread, native);
        thread.now = 1010;
        Call call(thread, RECURSE);
        thread.now = 1030;
    }
    {
        Span span(thread, native);
    }
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread.handle, GENERATE, 900));
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_unstarted(thread.handle, GENERATE));
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread.handle, RECURSE, 1035));
    CHECK_STATUS(EDBPROF_OK, edbprof_enter_at(thread.handle, GENERATE, 1040));
    CHECK_STATUS(EDBPROF_OK, edbprof_leave_all(thread.handle));
}

} // namespace

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    CHECK(EDBPROF_ABI_IS_COMPATIBLE(edbprof_abi_version()));
    Recording recording(argv[1]);
    define_all_but_work(recording);
    in_main_thread(recording, Thread{recording.attach(TEXT("main thread")), 0});
    std::thread worker([&recording] { in_worker_thread(recording); });
    worker.join();
    recording.save(0);
    recording.write_encoded("encoded.prof");
    const std::string path = recording.path();
    recording.save(EDBPROF_SAVE_AT_EXIT | EDBPROF_SAVE_SIDECAR);
    CHECK(recording.path() == path);
    recording.save_as("named.prof", EDBPROF_SAVE_AT_EXIT);
    return 0;
}
