/* Cost of recording in this process, measured in it. */
#ifndef EDBPROF_CALIBRATE_H
#define EDBPROF_CALIBRATE_H

#include "recorder.h"

/* Measures the cost of recording, if that is due and would disturb no other tool, and sets it in
 * the recording. `at_end`: the process ends. Returns 0, or -1 with an exception of the program,
 * which a signal handler or another thread has raised meanwhile. */
int calibrate(recorder *self, bool at_end);

/* Sets the costs that are known so far in the recording. */
void calibrate_set(recorder *self);

/* Implements the module's set_calibration_loops(). */
PyObject *calibrate_set_loops(PyObject *module, PyObject *make);

#endif
