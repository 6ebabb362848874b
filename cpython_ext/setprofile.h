/* The hook that every Python version has: PyEval_SetProfile. */
#ifndef EDBPROF_SETPROFILE_H
#define EDBPROF_SETPROFILE_H

/* Registers the hook. 0, or -1 with an exception. */
int setprofile_init(void);

#endif
