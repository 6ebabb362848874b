/* Ranges that libraries of annotations report, as spans. */
#include "ranges.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

const edbprof_python_api *ranges_runtime;

/* ---- names ---------------------------------------------------------------- */

enum { NAME_SLOTS = 1 << 14, MOST_NAMES = 10000 };

static _Atomic(const edbprof_function *) names[NAME_SLOTS];
static atomic_uint name_count;

/* FNV-1a. */
static uint64_t hash_of(uint64_t hash, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)bytes[i]) * 1099511628211u;
    }
    return hash;
}

static bool is_text(edbprof_str text, const char *bytes, size_t len)
{
    return text.len == len && (len == 0 || memcmp(text.data, bytes, len) == 0);
}

static const edbprof_function *intern(const char *name, size_t len, const char *domain)
{
    const edbprof_function *span = NULL;
    edbprof_str text = {name, len}, file = {domain, strlen(domain)};
    (void)ranges_runtime->span_intern(text, file, 0, &span);
    return span;
}

const edbprof_function *ranges_span(const char *name, size_t len, const char *domain)
{
    size_t domain_len = strlen(domain);
    uint64_t hash = hash_of(hash_of(14695981039346656037u, domain, domain_len), name, len);
    if (ranges_runtime == NULL) {
        return NULL;
    }
    for (size_t at = hash % NAME_SLOTS;; at = (at + 1) % NAME_SLOTS) {
        const edbprof_function *span = atomic_load_explicit(&names[at], memory_order_acquire);
        if (span == NULL) {
            if (atomic_fetch_add_explicit(&name_count, 1, memory_order_relaxed) >= MOST_NAMES) {
                atomic_fetch_sub_explicit(&name_count, 1, memory_order_relaxed);
                return intern("<other ranges>", strlen("<other ranges>"), domain);
            }
            const edbprof_function *made = intern(name, len, domain);
            if (made == NULL || atomic_compare_exchange_strong(&names[at], &span, made)) {
                return made;
            }
        }
        if (is_text(span->name, name, len) && is_text(span->file, domain, domain_len)) {
            return span;
        }
    }
}

/* ---- handles -------------------------------------------------------------- */

enum { HANDLE_SLOTS = 1 << 15, MOST_HANDLES = 30000 };

static struct {
    _Atomic(const void *) handle, value;
} handles[HANDLE_SLOTS];
static atomic_uint handle_count;

static size_t slot_of(const void *handle)
{
    return (size_t)(((uint64_t)(uintptr_t)handle * 0x9e3779b97f4a7c15u) >> 49);
}

void ranges_set_handle(const void *handle, const void *value)
{
    for (size_t at = slot_of(handle);; at = (at + 1) % HANDLE_SLOTS) {
        const void *found = atomic_load_explicit(&handles[at].handle, memory_order_acquire);
        if (found == NULL) {
            if (atomic_fetch_add_explicit(&handle_count, 1, memory_order_relaxed) >= MOST_HANDLES) {
                atomic_fetch_sub_explicit(&handle_count, 1, memory_order_relaxed);
                return;
            }
            if (atomic_compare_exchange_strong(&handles[at].handle, &found, handle)) {
                found = handle;
            }
        }
        if (found == handle) {
            atomic_store_explicit(&handles[at].value, value, memory_order_release);
            return;
        }
    }
}

const void *ranges_handle(const void *handle)
{
    for (size_t at = slot_of(handle);; at = (at + 1) % HANDLE_SLOTS) {
        const void *found = atomic_load_explicit(&handles[at].handle, memory_order_acquire);
        if (found == NULL) {
            return NULL;
        }
        if (found == handle) {
            return atomic_load_explicit(&handles[at].value, memory_order_acquire);
        }
    }
}

/* ---- ranges of one thread -------------------------------------------------- */

enum { MOST_OPEN = 128 };

typedef struct {
    const void *group;
    const edbprof_function *span;
} open_range;

/* Ranges that are open in this thread. Those beyond the first MOST_OPEN are only counted. */
static __thread struct {
    open_range at[MOST_OPEN];
    int count;
} open;

static void end_those_that_ended_elsewhere(void);

static void begin(const edbprof_function *span)
{
    end_those_that_ended_elsewhere();
    if (span != NULL && ranges_runtime != NULL) {
        edbprof_python_begin(ranges_runtime, span);
    }
}

static void end(const edbprof_function *span)
{
    if (span != NULL && ranges_runtime != NULL) {
        edbprof_python_end(ranges_runtime, span);
    }
    end_those_that_ended_elsewhere();
}

int ranges_push(const void *group, const edbprof_function *span)
{
    if (open.count < MOST_OPEN) {
        open.at[open.count] = (open_range){group, span};
        begin(span);
    }
    return open.count++;
}

int ranges_pop(const void *group)
{
    if (open.count > MOST_OPEN) {
        return --open.count;
    }
    /* Ranges of other domains may be open within. */
    for (int i = open.count - 1; i >= 0; i--) {
        if (open.at[i].group == group) {
            const edbprof_function *span = open.at[i].span;
            open.count--;
            memmove(&open.at[i], &open.at[i + 1], sizeof open.at[0] * (size_t)(open.count - i));
            end(span);
            return open.count;
        }
    }
    return -1;
}

void ranges_mark(const edbprof_function *span)
{
    end_those_that_ended_elsewhere();
    if (span != NULL && ranges_runtime != NULL) {
        edbprof_python_enter(ranges_runtime, span);
        edbprof_python_leave(ranges_runtime, span);
    }
}

/* ---- ranges that may end in another thread --------------------------------- */

typedef struct started_range {
    range_key key;
    const edbprof_function *span;
    const void *thread; /* address of `open` in the thread in which it began */
    bool has_ended;     /* in another thread */
    struct started_range *next;
} started_range;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t forks_once = PTHREAD_ONCE_INIT;
static started_range *started;
static atomic_uint ended_elsewhere;

static void lock_it(void) { pthread_mutex_lock(&lock); }
static void unlock_it(void) { pthread_mutex_unlock(&lock); }
static void handle_forks(void) { (void)pthread_atfork(lock_it, unlock_it, unlock_it); }

static bool is_same(const range_key *a, const range_key *b)
{
    return a->group == b->group && memcmp(a->id, b->id, sizeof a->id) == 0;
}

static void end_those_that_ended_elsewhere(void)
{
    if (atomic_load_explicit(&ended_elsewhere, memory_order_relaxed) == 0) {
        return;
    }
    for (;;) {
        pthread_mutex_lock(&lock);
        started_range **link = &started, *range;
        while ((range = *link) != NULL && !(range->has_ended && range->thread == &open)) {
            link = &range->next;
        }
        if (range != NULL) {
            *link = range->next;
            atomic_fetch_sub_explicit(&ended_elsewhere, 1, memory_order_relaxed);
        }
        pthread_mutex_unlock(&lock);
        if (range == NULL) {
            return;
        }
        edbprof_python_end(ranges_runtime, range->span);
        free(range);
    }
}

void ranges_start(range_key key, const edbprof_function *span)
{
    started_range *range = span == NULL ? NULL : malloc(sizeof *range);
    if (range == NULL) {
        return;
    }
    pthread_once(&forks_once, handle_forks);
    begin(span);
    pthread_mutex_lock(&lock);
    *range = (started_range){key, span, &open, false, started};
    started = range;
    pthread_mutex_unlock(&lock);
}

void ranges_end(range_key key)
{
    const edbprof_function *span = NULL;
    pthread_mutex_lock(&lock);
    started_range **link = &started, *range;
    while ((range = *link) != NULL && (range->has_ended || !is_same(&range->key, &key))) {
        link = &range->next;
    }
    if (range != NULL && range->thread == &open) {
        *link = range->next;
        span = range->span;
    } else if (range != NULL) {
        range->has_ended = true;
        atomic_fetch_add_explicit(&ended_elsewhere, 1, memory_order_relaxed);
        range = NULL;
    }
    pthread_mutex_unlock(&lock);
    free(range);
    end(span);
}

/* ---- the library that was named before ------------------------------------- */

void *ranges_next(const char *variable, const char *symbol, const void *ours)
{
    const char *path = getenv(variable);
    void *library, *found;
    if (path == NULL || *path == '\0' || (library = dlopen(path, RTLD_LAZY)) == NULL) {
        return NULL;
    }
    found = dlsym(library, symbol);
    return found == ours ? NULL : found;
}
