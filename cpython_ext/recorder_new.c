/* Recorder: how one is made from the arguments of Recorder(). */
#include "recorder_new.h"

#include "calibrate.h"
#include "choice.h"
#include "chosen.h"
#include "guard.h"
#include "interpreter.h"
#include "monitoring_gate.h"
#include "names.h"
#include "recorder.h"
#include "warn.h"

/* Finds a hook for this choice alone. Returns false if there is none. Then the callbacks for all
 * functions apply the choice. */
static bool find_hook_of_choice(const choice *of, hook_kind *hook)
{
    static bool warned;
    if (of == NULL || !EDBPROF_HAVE_MONITORING) {
        return false;
    }
    if (chosen_find_hook(of, hook) == 0) {
        return true;
    }
    PyErr_Clear();
    if (interpreter_here()->is_main) {
        warn_once(&warned,
                  "functions that are not recorded cost time, too, because no tool id of "
                  "sys.monitoring is free for this choice (%s)",
                  of->text);
    }
    return false;
}

/* Returns 0, or -1 with an exception. */
static int choose_hook(const char *name, const choice *of, hook_kind *hook)
{
    EDBPROF_GUARDED;
    bool any = strcmp(name, "auto") == 0;
    if (any || strcmp(name, "monitoring") == 0) {
        if (find_hook_of_choice(of, hook)) {
            return 0;
        }
        *hook = HOOK_MONITORING;
        if (gate_take_tool(HOOK_MONITORING) == 0) {
            interpreter_here()->recorders_made++;
            return 0;
        }
        if (!any || !PyErr_ExceptionMatches(PyExc_ValueError)) {
            return -1;
        }
        PyErr_Clear();
    } else if (strcmp(name, "setprofile") != 0) {
        PyErr_Format(PyExc_ValueError,
                     "hook must be 'auto', 'setprofile' or 'monitoring', not '%s'", name);
        return -1;
    }
    *hook = HOOK_SETPROFILE;
    return 0;
}

/* Names the call below which files have the calls of another interpreter than the main one, because
 * they are read together with others of the process. Returns 0, or -1 with an exception. */
static int name_frame(recorder *self)
{
    char name[48];
    int length = PyOS_snprintf(name, sizeof name, "<interpreter %lld>", self->interpreter->id);
    edbprof_status status = edbprof_span_intern((edbprof_str){name, (size_t)length},
                                                (edbprof_str){NULL, 0}, 0, &self->frame);
    if (status != EDBPROF_OK) {
        PyErr_NoMemory();
    }
    return status == EDBPROF_OK ? 0 : -1;
}

PyObject *recorder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"directory",
                            "prefix",
                            "suffix",
                            "clock",
                            "timer",
                            "timeunit",
                            "builtins",
                            "save_every",
                            "hook",
                            "threads",
                            "live_dir",
                            "max_nodes",
                            "quiet_without_directory",
                            "waiting",
                            "timeline_bytes",
                            "timeline_first",
                            "timeline_disk_floor",
                            "timeline_memory_floor",
                            "record",
                            "no_record",
                            "libraries",
                            "timeline_kept",
                            "record_types",
                            NULL};
    static const edbprof_str setprofile = EDBPROF_STR("setprofile");
    static const edbprof_str monitoring = EDBPROF_STR("monitoring");
    PyObject *directory = NULL, *prefix = NULL, *suffix = NULL, *live_dir = NULL;
    PyObject *timer = Py_None, *record = NULL, *no_record = NULL, *libraries = NULL;
    interpreter_state *here = interpreter_here();
    const choice *chosen;
    const char *clock = "wall", *hook_name = "auto";
    hook_kind hook;
    double timeunit = 0;
    int builtins = 1, threads = 0, quiet = 0, waiting = 1, first = 0, kept = 0;
    int record_types = 0;
    unsigned long long save_every = 0, timeline_bytes = 0, disk_floor = 0, memory_floor = 0;
    Py_ssize_t max_nodes = 0;
    recorder *self = NULL;
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "|$O&O&O&sOdpKspO&nppKpKKOOOpp:Recorder", names, PyUnicode_FSConverter,
            &directory, PyUnicode_FSConverter, &prefix, PyUnicode_FSConverter, &suffix, &clock,
            &timer, &timeunit, &builtins, &save_every, &hook_name, &threads, PyUnicode_FSConverter,
            &live_dir, &max_nodes, &quiet, &waiting, &timeline_bytes, &first, &disk_floor,
            &memory_floor, &record, &no_record, &libraries, &kept, &record_types) ||
        choice_find(record, no_record, libraries, &chosen) < 0 ||
        choose_hook(hook_name, chosen, &hook) < 0) {
        goto done;
    }
    if (record_types && strcmp(hook_name, "setprofile") == 0) {
        PyErr_SetString(PyExc_ValueError, "record_types needs the hook 'monitoring'");
        goto done;
    }
    edbprof_options options = {.struct_size = sizeof options};
    if (strcmp(clock, "cpu") == 0) {
        options.clock = EDBPROF_CLOCK_CPU;
    } else if (strcmp(clock, "wall") != 0) {
        PyErr_Format(PyExc_ValueError, "clock must be 'wall' or 'cpu', not '%s'", clock);
        goto done;
    }
    if (timer != Py_None) {
        options.clock = EDBPROF_CLOCK_HOST;
    }
    if (max_nodes != 0 && (max_nodes < EDBPROF_LEAST_NODES || max_nodes > EDBPROF_MOST_NODES)) {
        PyErr_Format(PyExc_ValueError, "max_nodes must be between %d and %d, not %zd",
                     EDBPROF_LEAST_NODES, EDBPROF_MOST_NODES, max_nodes);
        goto done;
    }
    options.max_nodes = (uint32_t)max_nodes;
    options.flags = (waiting ? 0 : EDBPROF_NO_WAITING) | (first ? EDBPROF_TIMELINE_FIRST : 0) |
                    (kept ? EDBPROF_TIMELINE_KEPT : 0);
    options.timeline_bytes = timeline_bytes;
    options.timeline_disk_floor = disk_floor;
    options.timeline_memory_floor = memory_floor;
    char host[32];
    int length = PyOS_snprintf(host, sizeof host, "CPython %d.%d.%d", PY_MAJOR_VERSION,
                               PY_MINOR_VERSION, PY_MICRO_VERSION);
    options.host = (edbprof_str){host, (size_t)length};
    options.hook = hook == HOOK_SETPROFILE ? setprofile : monitoring;
    if (chosen != NULL) {
        options.chosen = (edbprof_str){chosen->text, strlen(chosen->text)};
    }
    options.directory = name_bytes(directory);
    options.prefix = name_bytes(prefix);
    options.suffix = name_bytes(suffix);
    options.live_dir = name_bytes(live_dir);
    self = here == NULL ? NULL : (recorder *)type->tp_alloc(type, 0);
    if (self == NULL) {
        goto done;
    }
    self->interpreter = here;
    interpreter_keep(here);
    self->hook = hook;
    self->choice = chosen;
    self->builtins = builtins;
    self->record_types = record_types && hook != HOOK_SETPROFILE;
    self->wall_clock = options.clock == EDBPROF_CLOCK_WALL;
    self->timeline = timeline_bytes != 0;
    self->threads = self->counted = threads;
    self->save_every = save_every;
    if (quiet) {
        Py_XINCREF(directory);
        self->directory = directory;
    }
    if (timer != Py_None) {
        Py_INCREF(timer);
        self->timer = timer;
        self->timer_unit_ns = (timeunit > 0 ? timeunit : 1.0) * 1e9;
    }
    edbprof_status status = edbprof_recording_new(&options, &self->recording);
    if (status != EDBPROF_OK) {
        recorder_raise(NULL, status);
        Py_CLEAR(self);
        goto done;
    }
    if (directory != NULL && !here->is_main && name_frame(self) < 0) {
        Py_CLEAR(self);
        goto done;
    }
    calibrate_set(self);
done:
    Py_XDECREF(directory);
    Py_XDECREF(prefix);
    Py_XDECREF(suffix);
    Py_XDECREF(live_dir);
    return (PyObject *)self;
}
