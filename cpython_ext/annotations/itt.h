/* The part of ITT's interface for collectors that itt.c uses (ittnotify_config.h of Intel). */
#ifndef EDBPROF_ITT_H
#define EDBPROF_ITT_H

#include <pthread.h>
#include <stdint.h>

typedef struct {
    volatile int flags;
    const char *name;
    void *wide_name;
    int extra1;
    void *extra2;
    void *next;
} itt_domain;

typedef struct {
    const char *text;
    void *wide_text;
    int extra1;
    void *extra2;
    void *next;
} itt_string;

typedef struct {
    unsigned long long d1, d2, d3;
} itt_id;

/* A function of the interface: the pointer through which a program calls it, the function that
 * loads the collector, and the one without a collector. */
typedef struct {
    const char *name;
    void **pointer;
    void *initial;
    void *absent;
    int group;
} itt_function;

/* The beginning of what a copy of ITT keeps. */
typedef struct {
    unsigned char magic[8];
    unsigned long version[3];
    volatile long api_initialized, mutex_initialized, atomic_counter;
    pthread_mutex_t mutex;
    void *library;
    void *error_handler;
    const char **library_path;
    itt_function *functions;
} itt_global;

#endif
