/* OS threads of C code, which have no Python thread, or one for each callback only. This file keeps
 * their handles, and gives them their spans. */
#include "os_threads.h"

#include <pthread.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

typedef struct {
    recorder *owner; /* borrowed: see os_threads_forget */
    edbprof_thread *handle;
    bool records; /* spans while there is no Python thread */
    bool is_lent; /* to a Python thread */
} os_handle;

typedef struct os_thread {
    pthread_mutex_t lock; /* of what follows; taken behind `list_lock` */
    os_handle *handles;
    size_t count, room;
    uint64_t generation; /* `sources_generation` when it has looked */
    char name[64];       /* by os_threads_attach; else empty */
    struct os_thread *next, **link;
} os_thread;

/* Protects the lists of threads and of sources. */
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static os_thread *list;
static pthread_key_t key;
static bool is_ready;

/* Recorders that record the spans of OS threads. */
static recorder **sources;
static size_t source_count, source_room;
static uint64_t sources_generation = 1;

static uint64_t lost_spans;

static EDBPROF_THREAD_LOCAL os_thread *here;

/* ---- under the locks ------------------------------------------------------ */

static void remove_at(os_thread *thread, size_t at)
{
    thread->handles[at] = thread->handles[--thread->count];
}

static os_handle *find(os_thread *thread, const recorder *owner)
{
    for (size_t i = 0; i < thread->count; i++) {
        if (thread->handles[i].owner == owner) {
            return &thread->handles[i];
        }
    }
    return NULL;
}

static os_handle *add(os_thread *thread, recorder *owner, edbprof_thread *handle)
{
    if (thread->count == thread->room) {
        size_t room = thread->room == 0 ? 4 : 2 * thread->room;
        os_handle *handles = realloc(thread->handles, room * sizeof *handles);
        if (handles == NULL) {
            return NULL;
        }
        thread->handles = handles;
        thread->room = room;
    }
    os_handle *new = &thread->handles[thread->count++];
    *new = (os_handle){.owner = owner, .handle = handle};
    return new;
}

static bool is_source(const recorder *owner)
{
    for (size_t i = 0; i < source_count; i++) {
        if (sources[i] == owner) {
            return true;
        }
    }
    return false;
}

static edbprof_str name_of(const os_thread *thread, char *buffer, size_t size)
{
    const char *name = thread->name;
    if (name[0] == '\0') {
        memset(buffer, 0, size);
#ifdef __linux__
        (void)prctl(PR_GET_NAME, buffer);
#else
        (void)pthread_getname_np(pthread_self(), buffer, size);
#endif
        name = buffer[0] != '\0' ? buffer : "thread of C code";
    }
    return (edbprof_str){name, strlen(name)};
}

/* Attaches the calling thread to the sources that it does not know. */
static edbprof_status attach_to_sources(os_thread *thread)
{
    edbprof_status result = EDBPROF_OK;
    char buffer[64];
    for (size_t i = 0; i < source_count; i++) {
        recorder *owner = sources[i];
        os_handle *known = find(thread, owner);
        edbprof_thread *handle = NULL;
        edbprof_status status = EDBPROF_OK;
        if (known == NULL && owner->recording != NULL) {
            status = edbprof_recording_attach(owner->recording,
                                              name_of(thread, buffer, sizeof buffer), &handle);
            known = handle == NULL ? NULL : add(thread, owner, handle);
            if (handle != NULL && known == NULL) {
                (void)edbprof_thread_detach(handle);
                status = EDBPROF_OUT_OF_MEMORY;
            }
        }
        if (known != NULL) {
            known->records = true;
        }
        result = status == EDBPROF_OK ? result : status;
    }
    thread->generation = __atomic_load_n(&sources_generation, __ATOMIC_RELAXED);
    return result;
}

/* ---- threads ---------------------------------------------------------------- */

/* Called when the calling OS thread ends. */
static void thread_ends(void *ending)
{
    os_thread *thread = ending;
    pthread_mutex_lock(&list_lock);
    pthread_mutex_lock(&thread->lock);
    for (size_t i = 0; i < thread->count; i++) {
        if (!thread->handles[i].is_lent) {
            (void)edbprof_thread_detach(thread->handles[i].handle);
        }
    }
    *thread->link = thread->next;
    if (thread->next != NULL) {
        thread->next->link = thread->link;
    }
    pthread_mutex_unlock(&thread->lock);
    pthread_mutex_unlock(&list_lock);
    here = NULL;
    free(thread->handles);
    free(thread);
}

static void lock_before_fork(void) { pthread_mutex_lock(&list_lock); }

static void unlock_after_fork(void) { pthread_mutex_unlock(&list_lock); }

/* The child has no other thread. Entries of the parent's other threads are left as they are. */
static void start_over_in_child(void)
{
    list = here;
    if (here != NULL) {
        here->next = NULL;
        here->link = &list;
    }
    pthread_mutex_unlock(&list_lock);
}

/* Registers handlers after the library's own, which a recording has set, so that forks take the
 * locks in the same order as events. Under `list_lock`. */
static void get_ready(void)
{
    if (!is_ready) {
        is_ready = pthread_key_create(&key, thread_ends) == 0 &&
                   pthread_atfork(lock_before_fork, unlock_after_fork, start_over_in_child) == 0;
    }
}

/* Returns the calling OS thread, or NULL if there is no memory. */
static os_thread *get_here(void)
{
    if (here != NULL) {
        return here;
    }
    os_thread *thread = calloc(1, sizeof *thread);
    if (thread == NULL) {
        return NULL;
    }
    pthread_mutex_init(&thread->lock, NULL);
    pthread_mutex_lock(&list_lock);
    get_ready();
    if (!is_ready || pthread_setspecific(key, thread) != 0) {
        pthread_mutex_unlock(&list_lock);
        free(thread);
        return NULL;
    }
    thread->next = list;
    thread->link = &list;
    if (list != NULL) {
        list->link = &thread->next;
    }
    list = thread;
    pthread_mutex_unlock(&list_lock);
    here = thread;
    return thread;
}

/* Locks the calling thread once it is attached to all sources. NULL if there is no memory. */
static os_thread *lock_here(edbprof_status *status)
{
    os_thread *thread = get_here();
    if (thread == NULL) {
        *status = EDBPROF_OUT_OF_MEMORY;
        return NULL;
    }
    pthread_mutex_lock(&thread->lock);
    if (thread->generation != __atomic_load_n(&sources_generation, __ATOMIC_RELAXED)) {
        pthread_mutex_unlock(&thread->lock);
        pthread_mutex_lock(&list_lock);
        pthread_mutex_lock(&thread->lock);
        *status = attach_to_sources(thread);
        pthread_mutex_unlock(&list_lock);
    }
    return thread;
}

void os_threads_give(const edbprof_function *span, give_span *give, bool begins)
{
    bool is_recorded = false;
    edbprof_status status = EDBPROF_OK;
    os_thread *thread =
        __atomic_load_n(&source_count, __ATOMIC_RELAXED) == 0 ? NULL : lock_here(&status);
    if (thread != NULL) {
        for (size_t i = 0; i < thread->count; i++) {
            if (thread->handles[i].records) {
                (void)give(thread->handles[i].handle, span);
                is_recorded = true;
            }
        }
        pthread_mutex_unlock(&thread->lock);
    }
    if (begins && !is_recorded) {
        __atomic_fetch_add(&lost_spans, 1, __ATOMIC_RELAXED);
    }
}

edbprof_status os_threads_attach(const char *name)
{
    os_thread *thread = get_here();
    if (thread == NULL) {
        return EDBPROF_OUT_OF_MEMORY;
    }
    if (name != NULL) {
        pthread_mutex_lock(&thread->lock);
        (void)snprintf(thread->name, sizeof thread->name, "%s", name);
        pthread_mutex_unlock(&thread->lock);
    }
    edbprof_status status = EDBPROF_OK;
    thread = lock_here(&status);
    pthread_mutex_unlock(&thread->lock);
    return status;
}

edbprof_status os_threads_leave(void)
{
    os_thread *thread = here;
    if (thread == NULL) {
        return EDBPROF_DETACHED;
    }
    (void)pthread_setspecific(key, NULL);
    thread_ends(thread);
    return EDBPROF_OK;
}

/* ---- recorders -------------------------------------------------------------- */

void os_threads_begin(recorder *owner)
{
    if (!owner->interpreter->is_main) {
        return; /* Threads of C code belong to no interpreter, and each span is recorded once. */
    }
    pthread_mutex_lock(&list_lock);
    get_ready();
    if (source_count == source_room) {
        size_t room = source_room == 0 ? 4 : 2 * source_room;
        recorder **more = realloc(sources, room * sizeof *more);
        if (more != NULL) {
            sources = more;
            source_room = room;
        }
    }
    if (!is_source(owner) && source_count < source_room) {
        sources[source_count] = owner;
        __atomic_store_n(&source_count, source_count + 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&sources_generation, 1, __ATOMIC_RELAXED);
        owner->lost_since = __atomic_load_n(&lost_spans, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&list_lock);
}

/* Under `list_lock`. */
static void remove_source(const recorder *owner)
{
    for (size_t i = 0; i < source_count; i++) {
        if (sources[i] == owner) {
            sources[i] = sources[source_count - 1];
            __atomic_store_n(&source_count, source_count - 1, __ATOMIC_RELAXED);
            break;
        }
    }
}

void os_threads_end(recorder *owner)
{
    pthread_mutex_lock(&list_lock);
    remove_source(owner);
    for (os_thread *thread = list; thread != NULL; thread = thread->next) {
        pthread_mutex_lock(&thread->lock);
        os_handle *known = find(thread, owner);
        if (known != NULL && known->records && !known->is_lent) {
            (void)edbprof_thread_detach(known->handle);
            remove_at(thread, (size_t)(known - thread->handles));
        } else if (known != NULL) {
            known->records = false;
        }
        pthread_mutex_unlock(&thread->lock);
    }
    pthread_mutex_unlock(&list_lock);
}

void os_threads_forget(const recorder *owner)
{
    pthread_mutex_lock(&list_lock);
    remove_source(owner);
    for (os_thread *thread = list; thread != NULL; thread = thread->next) {
        pthread_mutex_lock(&thread->lock);
        os_handle *known = find(thread, owner);
        if (known != NULL) {
            remove_at(thread, (size_t)(known - thread->handles));
        }
        pthread_mutex_unlock(&thread->lock);
    }
    pthread_mutex_unlock(&list_lock);
}

void os_threads_report(recorder *owner)
{
    uint64_t lost = __atomic_load_n(&lost_spans, __ATOMIC_RELAXED) - owner->lost_since;
    if (owner->recording != NULL && lost > 0) {
        (void)edbprof_recording_set_lost_spans(owner->recording,
                                               lost < UINT32_MAX ? (uint32_t)lost : UINT32_MAX);
    }
}

/* ---- Python threads of an OS thread ----------------------------------------- */

edbprof_thread *os_threads_lend(const recorder *owner)
{
    os_thread *thread = here;
    edbprof_thread *handle = NULL;
    if (thread == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&thread->lock);
    os_handle *known = find(thread, owner);
    if (known != NULL && !known->is_lent) {
        known->is_lent = true;
        handle = known->handle;
    }
    pthread_mutex_unlock(&thread->lock);
    return handle;
}

void os_threads_keep(recorder *owner, edbprof_thread *handle)
{
    os_thread *thread = get_here();
    if (thread == NULL) {
        (void)edbprof_thread_detach(handle);
        return;
    }
    pthread_mutex_lock(&thread->lock);
    os_handle *known = find(thread, owner);
    /* Spans around the callback stay open. */
    if (known == NULL || known->handle != handle || !known->records) {
        (void)edbprof_leave_all(handle);
    }
    if (known != NULL && known->handle == handle) {
        known->is_lent = false;
    } else if (known != NULL || add(thread, owner, handle) == NULL) {
        (void)edbprof_thread_detach(handle);
    } else {
        thread->generation = 0; /* The next span attaches the thread to the sources again. */
    }
    pthread_mutex_unlock(&thread->lock);
}

void os_threads_detach_handle(edbprof_thread *handle)
{
    pthread_mutex_lock(&list_lock);
    for (os_thread *thread = list; thread != NULL; thread = thread->next) {
        pthread_mutex_lock(&thread->lock);
        for (size_t i = 0; i < thread->count; i++) {
            if (thread->handles[i].handle == handle) {
                remove_at(thread, i);
                break;
            }
        }
        pthread_mutex_unlock(&thread->lock);
    }
    (void)edbprof_thread_detach(handle);
    pthread_mutex_unlock(&list_lock);
}
