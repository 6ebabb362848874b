/* Greenlets: stacks of Python calls between which a thread switches. */
#ifndef EDBPROF_GREENLETS_H
#define EDBPROF_GREENLETS_H

/* Registers the observer of their switches. */
void greenlets_init(void);

#endif
