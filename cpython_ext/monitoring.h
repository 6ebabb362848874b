/* The hook of Python 3.12 and later: sys.monitoring (PEP 669). */
#ifndef EDBPROF_MONITORING_H
#define EDBPROF_MONITORING_H

/* Registers the hook. */
void monitoring_init(void);

#endif
