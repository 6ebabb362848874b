/* Sockets of doors that killed processes have left. */
#ifndef EDBPROF_LEFT_DOORS_H
#define EDBPROF_LEFT_DOORS_H

#include "compat.h"

/* Removes such sockets beside `door`, the path of this process's own, which may not exist yet. Uses
 * descriptors for a moment. */
void remove_left_doors(const char *door);

#endif
