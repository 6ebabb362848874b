/* Arrays that grow by doubling. */
#ifndef EDBPROF_ARRAYS_H
#define EDBPROF_ARRAYS_H

#include "compat.h"

/* Makes room for one element more than `count` in an array with room for *room. Returns the array,
 * moved if necessary, or NULL when out of memory; the old array then stays valid. Call it after any
 * Python code has run, because that code may use the room or move the array. */
static inline void *grow_array(void *array, size_t count, size_t *room, size_t element_size)
{
    if (count < *room) {
        return array;
    }
    size_t more = *room > 0 ? *room * 2 : 4;
    void *larger = PyMem_Realloc(array, more * element_size);
    if (larger != NULL) {
        *room = more;
    }
    return larger;
}

#endif
