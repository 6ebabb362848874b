/* Warnings on stderr. */
#include "warn.h"

#include <stdarg.h>

void warn_once(bool *warned, const char *format, ...)
{
    if (*warned) {
        return;
    }
    *warned = true;
    char text[900];
    va_list values;
    va_start(values, format);
    PyOS_vsnprintf(text, sizeof text, format, values);
    va_end(values);
    PyObject *exception = compat_take_exception();
    PySys_WriteStderr("edbprof: %s\n", text);
    compat_restore_exception(exception);
}
