/* Warnings on stderr. */
#include "warn.h"

#include "guard.h"

#include <stdarg.h>

void warn_once(bool *warned, const char *format, ...)
{
    if (shared_exchange(warned, true)) {
        return;
    }
    char text[900];
    va_list values;
    va_start(values, format);
    PyOS_vsnprintf(text, sizeof text, format, values);
    va_end(values);
    PyObject *exception = compat_take_exception();
    PySys_WriteStderr("edbprof: %s\n", text);
    compat_restore_exception(exception);
}
