/* A thread's list of the recorders that record in it, and the fast way of its events. */
#ifndef EDBPROF_ACTIVE_H
#define EDBPROF_ACTIVE_H

#include "recorder.h"

/* A recorder that records in a thread. */
typedef struct {
    recorder *owner; /* a strong reference */
    edbprof_thread *handle;
    unsigned depth; /* times that it was enabled, less times that it was disabled */
    bool of_call;   /* it records one decorated call, not the whole thread */
    bool inherited; /* one of `depth` belongs to a call in another greenlet */
    bool is_guest;  /* it ends with the recorder's last member: see arrivals.h */
    bool uncounted; /* neither counted nor referenced: see thread_calls_begin */
    uint64_t call;  /* the call for which it was enabled, or a number for the time */
} active_recorder;

typedef struct {
    active_recorder *items;
    size_t count, room;
    /* Handle of the only recorder, if it has no timer; else NULL. */
    edbprof_thread *fast_handle;
    /* Its handle for events of functions written in C, if the recorder records them; else NULL. */
    edbprof_thread *fast_builtins;
    /* These two handles for ends of calls that PyEval_SetProfile reports. NULL if the recorder has
     * a timeline, because only the slow way records how a call ends. */
    edbprof_thread *end_handle, *end_builtins;
    bool records_types;  /* a recorder needs events of classes */
    bool skips_builtins; /* no recorder needs events of functions written in C */
    /* Choice of all recorders, if they share one and PyEval_SetProfile reports to them; else NULL.
     * If there is such a choice, the handles above are NULL. */
    const choice *filter;
    /* Handle of the only recorder for what passes the filter, if it has no timer; else NULL. */
    edbprof_thread *filtered_handle;
} active_recorders;

/* Makes each event of a list take the slow way. */
static inline void active_go_slowly(active_recorders *list)
{
    shared_store(&list->fast_handle, NULL);
    shared_store(&list->fast_builtins, NULL);
    shared_store(&list->end_handle, NULL);
    shared_store(&list->end_builtins, NULL);
    shared_store(&list->skips_builtins, false);
    shared_store(&list->records_types, true); /* the slow way asks each recorder */
    shared_store(&list->filter, NULL);
    shared_store(&list->filtered_handle, NULL);
}

/* Copies an active recorder. Returns false behind the last one. Loops copy because any event can
 * run Python code, a finalizer's for example, which changes the list. */
static inline bool active_at(const active_recorders *list, size_t at, active_recorder *copy)
{
    if (at >= list->count) {
        return false;
    }
    *copy = list->items[at];
    return true;
}

/* Returns true if a recorder of the list is counted in its thread. */
static inline bool active_is_counted(const active_recorders *list)
{
    bool counted = !EDBPROF_FREE_THREADED && list->count > 0;
    for (size_t i = 0; EDBPROF_FREE_THREADED && i < list->count; i++) {
        counted = counted || !list->items[i].uncounted;
    }
    return counted;
}

/* Returns a recorder's entry in a list, or NULL. It is valid until a recorder is switched on or off
 * in that thread. */
static inline active_recorder *active_find(const active_recorders *list, const recorder *owner)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].owner == owner) {
            return &list->items[i];
        }
    }
    return NULL;
}

/* Returns true if another thread has ended the recording of this one. */
static inline bool active_must_stop(const active_recorder *active)
{
    return active->owner->abandoned || (active->is_guest && active->owner->members == 0);
}

/* Ends the open calls of an entry, and takes it out of its list. */
void active_remove(active_recorders *list, active_recorder *known);

/* Chooses what the fast way of a list's events uses. */
void active_choose_fast_way(active_recorders *list);

#endif
