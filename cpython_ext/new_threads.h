/* Threads that start while a recorder with threads=True records: they are recorded too. */
#ifndef EDBPROF_NEW_THREADS_H
#define EDBPROF_NEW_THREADS_H

/* Readies the types. 0, or -1 with an exception. */
int new_threads_init(void);

/* From now on the threads that `threading` starts are recorded if a recorder with threads=True
 * records their start. 0, or -1 with an exception. */
int new_threads_cover(void);

#endif
