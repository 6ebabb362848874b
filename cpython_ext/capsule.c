/* Capsule by which other extensions reach edbprof: the table of functions that edbprof_python.h
 * describes. */
#include "capsule.h"

#include "give_span.h"
#include "os_threads.h"
#include "thread_state.h"

#include "edbprof_python.h"

/* Attach and detach threads of C code. A Python thread is recorded by its recorders, and needs
 * neither. */
static edbprof_status attach_thread(const char *name)
{
    return thread_state_here() != NULL ? EDBPROF_OK : os_threads_attach(name);
}

static edbprof_status detach_thread(void)
{
    return thread_state_here() != NULL ? EDBPROF_OK : os_threads_leave();
}

static const edbprof_python_api api = {
    .struct_size = sizeof api,
    .abi_version = EDBPROF_ABI_VERSION,
    .threads_recording = &threads_recording,
    .enter_span = span_enter,
    .leave_span = span_leave,
    .recording_new = edbprof_recording_new,
    .recording_free = edbprof_recording_free,
    .recording_attach = edbprof_recording_attach,
    .recording_define = edbprof_recording_define,
    .recording_save = edbprof_recording_save,
    .recording_save_as = edbprof_recording_save_as,
    .enter = edbprof_enter,
    .resume = edbprof_resume,
    .leave = edbprof_leave,
    .leave_all = edbprof_leave_all,
    .thread_detach = edbprof_thread_detach,
    .begin_span = span_begin,
    .end_span = span_end,
    .attach_thread = attach_thread,
    .detach_thread = detach_thread,
    .span_intern = edbprof_span_intern,
    .status_text = edbprof_status_text,
    .new_error = edbprof_new_error,
    .recording_error = edbprof_recording_error,
    .recording_errno = edbprof_recording_errno,
    .recording_path = edbprof_recording_path,
    .recording_check = edbprof_recording_check,
    .recording_call_ended = edbprof_recording_call_ended,
    .recording_count_calls = edbprof_recording_count_calls,
    .recording_encode = edbprof_recording_encode,
    .bytes_free = edbprof_bytes_free,
    .enter_at = edbprof_enter_at,
    .resume_at = edbprof_resume_at,
    .leave_at = edbprof_leave_at,
    .leave_raised = edbprof_leave_raised,
    .leave_suspended = edbprof_leave_suspended,
    .is_innermost = edbprof_is_innermost,
    .thread_enter_span = edbprof_enter_span,
    .thread_leave_span = edbprof_leave_span,
    .thread_begin_span = edbprof_begin_span,
    .thread_end_span = edbprof_end_span,
    .fiber_suspend = edbprof_fiber_suspend,
    .fiber_resume = edbprof_fiber_resume,
    .version = edbprof_version,
    .recording_from_environment = edbprof_recording_from_environment,
    .mark = span_mark,
    .counter = span_counter,
    .begin_async = span_begin_async,
    .end_async = span_end_async,
};

PyObject *capsule_new(void) { return PyCapsule_New((void *)&api, EDBPROF_PYTHON_CAPSULE, NULL); }
