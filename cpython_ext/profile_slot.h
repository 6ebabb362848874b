/* The one place that a thread has for a profile function, as the program sees it. */
#ifndef EDBPROF_PROFILE_SLOT_H
#define EDBPROF_PROFILE_SLOT_H

#include "guard.h"

typedef struct {
    /* Called before the program sets or removes a profile function in the calling thread. */
    void (*changes)(void);
    /* Called after the program has set or removed a profile function in the calling thread, or
     * another profiler has in any thread. Also called if they failed to. */
    void (*changed)(void);
    /* Returns the profile function that the program has set, if ours is in its place: a new
     * reference, None for none. Otherwise returns NULL. */
    PyObject *(*behind_ours)(void);
} profile_slot_ops;

/* Lock for threads that set a profile function, their own or another's. Up to 3.13 the interpreter
 * first counts profile functions, then switches events. So without the GIL, one thread could switch
 * off events that another needs. */
extern shared_lock profile_slot_setting;

/* Watches the functions of `sys`, once. */
void profile_slot_watch(const profile_slot_ops *ops);

/* Watches cProfile, yappi and VizTracer too, once the program has imported them. */
void profile_slot_look(void);

#endif
