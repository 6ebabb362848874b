/* Clocks of the program's own: functions that return the time. */
#include "timer.h"

#include "guard.h"
#include "thread_state.h"
#include "warn.h"

#include <math.h>

/* Nanoseconds of a reading. Integers count from the first one, because a double does not hold
 * nanoseconds since 1970. If the reading is no number, an exception is set and the result means
 * nothing. */
static double timer_ns(recorder *self, PyObject *reading)
{
    if (!PyLong_Check(reading)) {
        return PyFloat_AsDouble(reading) * 1e9;
    }
    long long units = PyLong_AsLongLong(reading);
    EDBPROF_GUARDED;
    if (!self->timer_started) {
        self->timer_started = true;
        self->timer_start = units;
    }
    unsigned long long since = (unsigned long long)units - (unsigned long long)self->timer_start;
    return (double)(long long)since * self->timer_unit_ns;
}

uint64_t timer_read(recorder *self)
{
    static bool warned;
    thread_state *state = thread_state_here();
    state->in_timer = true;
    PyObject *reading = PyObject_CallNoArgs(self->timer);
    double ns = 0;
    if (reading != NULL) {
        /* This is still part of the timer, because Python code may convert its result to a
         * number. */
        ns = timer_ns(self, reading);
        Py_DECREF(reading);
    }
    state->in_timer = false;
    if (PyErr_Occurred()) {
        PyErr_Clear();
        warn_soon(&warned, "a profile's timer has failed; times from then on are wrong");
        return 0;
    }
    /* The library counts from a moment before the first event. */
    return isfinite(ns) && fabs(ns) < 9e18 ? (uint64_t)(int64_t)ns : 0;
}
