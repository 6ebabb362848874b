/* Warnings on stderr. */
#include "warn.h"

#include "guard.h"

#include <stdarg.h>

enum { LONGEST = 900 };

static void print(const char *text)
{
    PyObject *exception = compat_take_exception();
    PySys_WriteStderr("edbprof: %s\n", text);
    compat_restore_exception(exception);
}

void warn_once(bool *warned, const char *format, ...)
{
    if (shared_exchange(warned, true)) {
        return;
    }
    char text[LONGEST];
    va_list values;
    va_start(values, format);
    PyOS_vsnprintf(text, sizeof text, format, values);
    va_end(values);
    print(text);
}

/* Prints and frees a text. */
static int print_pending(void *text)
{
    print(text);
    PyMem_RawFree(text);
    return 0;
}

void warn_soon(bool *warned, const char *format, ...)
{
    if (shared_exchange(warned, true)) {
        return;
    }
    char *text = PyMem_RawMalloc(LONGEST);
    if (text == NULL) {
        return;
    }
    va_list values;
    va_start(values, format);
    PyOS_vsnprintf(text, LONGEST, format, values);
    va_end(values);
    if (Py_AddPendingCall(print_pending, text) < 0) {
        (void)print_pending(text);
    }
}
