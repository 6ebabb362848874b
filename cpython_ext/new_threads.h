/* Threads that start while a recorder with threads=True records: they are recorded too. */
#ifndef EDBPROF_NEW_THREADS_H
#define EDBPROF_NEW_THREADS_H

/* Readies the types. 0, or -1 with an exception. */
int new_threads_init(void);

/* From now on the threads that `threading` starts are recorded if a recorder with threads=True
 * records their start. Does nothing if the program has not imported `threading`, so it is called
 * again when such a recorder records a function's first call: `threading` starts no thread
 * before it has called one of its own. Raises nothing. */
void new_threads_cover(void);

#endif
