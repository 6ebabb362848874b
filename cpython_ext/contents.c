/* What a recorder has recorded, in memory. */
#include "edbprof_ext.h"

PyObject *recorder_encode(PyObject *object, PyObject *unused)
{
    (void)unused;
    recorder *self = (recorder *)object;
    if (self->recording == NULL) {
        return recorder_is_closed();
    }
    if (calibrate(self, false) < 0) {
        return NULL;
    }
    edbprof_bytes bytes;
    edbprof_status status = edbprof_recording_encode(self->recording, &bytes);
    if (status != EDBPROF_OK) {
        recorder_raise(self->recording, status);
        return NULL;
    }
    PyObject *copy = PyBytes_FromStringAndSize((const char *)bytes.data, (Py_ssize_t)bytes.len);
    edbprof_bytes_free(&bytes);
    return copy;
}

PyObject *recorder_codes(PyObject *object, PyObject *unused)
{
    (void)unused;
    recorder *self = (recorder *)object;
    PyObject *codes = PyList_New(0);
    /* Making the list may run a finalizer, which may record. */
    for (size_t i = 0; codes != NULL && i < self->code_count; i++) {
        if (PyList_Append(codes, (PyObject *)self->codes[i]) < 0) {
            Py_CLEAR(codes);
        }
    }
    return codes;
}
