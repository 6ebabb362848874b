/* Door: a socket by which `edbprof attach` asks this process to record. */
#ifndef EDBPROF_DOOR_H
#define EDBPROF_DOOR_H

#include "compat.h"

/* open_door(path, handler, once): opens the door, for one connection or for many. `handler` is
 * called with each request, bytes, in a thread that the program does not know, and returns the
 * answer, bytes; and with None when the connection ends. Does nothing if a door is open. Raises
 * OSError. */
PyObject *door_open(PyObject *module, PyObject *args);

/* close_door(): closes the door, and removes the socket. */
PyObject *door_close(PyObject *module, PyObject *unused);

/* pause_door(): ends the door's thread, so that a fork copies a process without it. */
PyObject *door_pause(PyObject *module, PyObject *unused);

/* resume_door(): undoes pause_door() as soon as the interpreter is between two instructions. */
PyObject *door_resume(PyObject *module, PyObject *unused);

#endif
