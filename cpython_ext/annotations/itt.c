/* ITT: records tasks, regions, frames, events and markers as spans. A program that calls ITT loads
 * the library that INTEL_LIBITTNOTIFY64 names, which is this one. The library that was named before
 * gets each call first. */
#define _GNU_SOURCE /* dladdr */

#include "itt.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ranges.h"

/* The functions that are spans, in the order of `own`. */
enum {
    TASK_BEGIN,
    TASK_BEGIN_FN,
    TASK_END,
    TASK_BEGIN_OVERLAPPED,
    TASK_END_OVERLAPPED,
    REGION_BEGIN,
    REGION_END,
    FRAME_BEGIN,
    FRAME_END,
    MARKER,
    EVENT_CREATE,
    EVENT_START,
    EVENT_END,
    DOMAIN_CREATE,
    STRING_CREATE,
    API_VERSION,
    FUNCTIONS
};

/* Functions of the library that was named before. */
static void *next[FUNCTIONS];

#define NEXT(at, type, ...)                                                                        \
    do {                                                                                           \
        if (next[at] != NULL) {                                                                    \
            ((type)next[at])(__VA_ARGS__);                                                         \
        }                                                                                          \
    } while (0)

static const char *domain_name(const itt_domain *domain)
{
    return domain == NULL || domain->name == NULL ? "ITT" : domain->name;
}

static const edbprof_function *span_named(const itt_domain *domain, const char *name)
{
    return ranges_are_recorded() ? ranges_span(name, strlen(name), domain_name(domain)) : NULL;
}

static const edbprof_function *span_of(const itt_domain *domain, const itt_string *name)
{
    return span_named(domain, name == NULL || name->text == NULL ? "<task>" : name->text);
}

static range_key key_of(const itt_domain *domain, itt_id id)
{
    return (range_key){domain, {id.d1, id.d2, id.d3}};
}

/* ---- tasks ----------------------------------------------------------------- */

typedef void begin_function(const itt_domain *, itt_id, itt_id, const itt_string *);

static void task_begin(const itt_domain *domain, itt_id id, itt_id parent, const itt_string *name)
{
    NEXT(TASK_BEGIN, begin_function *, domain, id, parent, name);
    (void)ranges_push(domain, span_of(domain, name));
}

static void task_begin_fn(const itt_domain *domain, itt_id id, itt_id parent, void *function)
{
    const edbprof_function *span = NULL;
    Dl_info found;
    NEXT(TASK_BEGIN_FN, void (*)(const itt_domain *, itt_id, itt_id, void *), domain, id, parent,
         function);
    if (ranges_are_recorded()) {
        bool is_named = dladdr(function, &found) != 0 && found.dli_sname != NULL;
        span = span_named(domain, is_named ? found.dli_sname : "<task>");
    }
    (void)ranges_push(domain, span);
}

static void task_end(const itt_domain *domain)
{
    (void)ranges_pop(domain);
    NEXT(TASK_END, void (*)(const itt_domain *), domain);
}

static void task_begin_overlapped(const itt_domain *domain, itt_id id, itt_id parent,
                                  const itt_string *name)
{
    NEXT(TASK_BEGIN_OVERLAPPED, begin_function *, domain, id, parent, name);
    ranges_start(key_of(domain, id), span_of(domain, name));
}

static void task_end_overlapped(const itt_domain *domain, itt_id id)
{
    ranges_end(key_of(domain, id));
    NEXT(TASK_END_OVERLAPPED, void (*)(const itt_domain *, itt_id), domain, id);
}

/* ---- regions, frames, markers ---------------------------------------------- */

static void region_begin(const itt_domain *domain, itt_id id, itt_id parent, const itt_string *name)
{
    NEXT(REGION_BEGIN, begin_function *, domain, id, parent, name);
    ranges_start(key_of(domain, id), span_of(domain, name));
}

static void region_end(const itt_domain *domain, itt_id id)
{
    ranges_end(key_of(domain, id));
    NEXT(REGION_END, void (*)(const itt_domain *, itt_id), domain, id);
}

/* Frames have no names. */
static void frame_begin(const itt_domain *domain, const itt_id *id)
{
    NEXT(FRAME_BEGIN, void (*)(const itt_domain *, const itt_id *), domain, id);
    ranges_start(key_of(domain, id == NULL ? (itt_id){0, 0, 0} : *id),
                 span_named(domain, "<frame>"));
}

static void frame_end(const itt_domain *domain, const itt_id *id)
{
    ranges_end(key_of(domain, id == NULL ? (itt_id){0, 0, 0} : *id));
    NEXT(FRAME_END, void (*)(const itt_domain *, const itt_id *), domain, id);
}

static void marker(const itt_domain *domain, itt_id id, const itt_string *name, int scope)
{
    NEXT(MARKER, void (*)(const itt_domain *, itt_id, const itt_string *, int), domain, id, name,
         scope);
    ranges_mark(span_of(domain, name));
}

/* ---- events ---------------------------------------------------------------- */

enum { MOST_EVENTS = 4096 };

static _Atomic(const edbprof_function *) events[MOST_EVENTS];
static atomic_int last_event;

/* Returns the other library's number, if there is such a library, else one of our own. */
static int event_create(const char *name, int len)
{
    int number = next[EVENT_CREATE] != NULL
                     ? ((int (*)(const char *, int))next[EVENT_CREATE])(name, len)
                     : atomic_fetch_add(&last_event, 1) + 1;
    if (number >= 0 && number < MOST_EVENTS && name != NULL && len >= 0) {
        atomic_store(&events[number], ranges_span(name, (size_t)len, "ITT"));
    }
    return number;
}

static int event_start(int number)
{
    int result = next[EVENT_START] == NULL ? 0 : ((int (*)(int))next[EVENT_START])(number);
    if (number >= 0 && number < MOST_EVENTS) {
        (void)ranges_push(&events[number], atomic_load(&events[number]));
    }
    return result;
}

static int event_end(int number)
{
    if (number >= 0 && number < MOST_EVENTS) {
        (void)ranges_pop(&events[number]);
    }
    return next[EVENT_END] == NULL ? 0 : ((int (*)(int))next[EVENT_END])(number);
}

/* ---- domains and strings, which a collector makes; they live as long as the process ---- */

typedef struct kept_domain {
    itt_domain domain;
    struct kept_domain *next;
} kept_domain;

typedef struct kept_string {
    itt_string string;
    struct kept_string *next;
} kept_string;

enum { BUCKETS = 1024 };

/* Both lists only grow, at their beginnings, so that readers need no lock. */
static _Atomic(kept_domain *) domains;
static _Atomic(kept_string *) strings[BUCKETS];

static itt_domain *domain_create(const char *name)
{
    if (next[DOMAIN_CREATE] != NULL) {
        return ((itt_domain * (*)(const char *)) next[DOMAIN_CREATE])(name);
    }
    kept_domain *first = atomic_load(&domains), *made = NULL;
    for (;;) {
        for (kept_domain *each = first; name != NULL && each != NULL; each = each->next) {
            if (strcmp(each->domain.name, name) == 0) {
                return &each->domain; /* `made` is lost if another thread was first. */
            }
        }
        if (made == NULL && (name == NULL || (made = calloc(1, sizeof *made)) == NULL ||
                             (made->domain.name = strdup(name)) == NULL)) {
            return NULL;
        }
        made->domain.flags = 1;
        made->next = first;
        if (atomic_compare_exchange_strong(&domains, &first, made)) {
            return &made->domain;
        }
    }
}

static itt_string *string_create(const char *text)
{
    if (next[STRING_CREATE] != NULL) {
        return ((itt_string * (*)(const char *)) next[STRING_CREATE])(text);
    }
    uint32_t hash = 2166136261u;
    for (const char *byte = text; byte != NULL && *byte != '\0'; byte++) {
        hash = (hash ^ (unsigned char)*byte) * 16777619u;
    }
    _Atomic(kept_string *) *bucket = &strings[hash % BUCKETS];
    kept_string *first = atomic_load(bucket), *made = NULL;
    for (;;) {
        for (kept_string *each = first; text != NULL && each != NULL; each = each->next) {
            if (strcmp(each->string.text, text) == 0) {
                return &each->string;
            }
        }
        if (made == NULL && (text == NULL || (made = calloc(1, sizeof *made)) == NULL ||
                             (made->string.text = strdup(text)) == NULL)) {
            return NULL;
        }
        made->next = first;
        if (atomic_compare_exchange_strong(bucket, &first, made)) {
            return &made->string;
        }
    }
}

/* Programs such as OpenCV ask for the version to learn if there is a collector, and annotate
 * nothing without one. */
static const char *api_version(void)
{
    const char *version =
        next[API_VERSION] == NULL ? NULL : ((const char *(*)(void))next[API_VERSION])();
    return version == NULL ? "edbprof" : version;
}

/* ---- the entry point -------------------------------------------------------- */

static const struct {
    const char *name;
    void *function;
} own[FUNCTIONS] = {
    [TASK_BEGIN] = {"__itt_task_begin", (void *)task_begin},
    [TASK_BEGIN_FN] = {"__itt_task_begin_fn", (void *)task_begin_fn},
    [TASK_END] = {"__itt_task_end", (void *)task_end},
    [TASK_BEGIN_OVERLAPPED] = {"__itt_task_begin_overlapped", (void *)task_begin_overlapped},
    [TASK_END_OVERLAPPED] = {"__itt_task_end_overlapped", (void *)task_end_overlapped},
    [REGION_BEGIN] = {"__itt_region_begin", (void *)region_begin},
    [REGION_END] = {"__itt_region_end", (void *)region_end},
    [FRAME_BEGIN] = {"__itt_frame_begin_v3", (void *)frame_begin},
    [FRAME_END] = {"__itt_frame_end_v3", (void *)frame_end},
    [MARKER] = {"__itt_marker", (void *)marker},
    [EVENT_CREATE] = {"__itt_event_create", (void *)event_create},
    [EVENT_START] = {"__itt_event_start", (void *)event_start},
    [EVENT_END] = {"__itt_event_end", (void *)event_end},
    [DOMAIN_CREATE] = {"__itt_domain_create", (void *)domain_create},
    [STRING_CREATE] = {"__itt_string_handle_create", (void *)string_create},
    [API_VERSION] = {"__itt_api_version", (void *)api_version},
};

/* Replaces a function of the interface by the one that is a span, if there is one. */
static void take_over(const itt_function *function)
{
    void *found = *function->pointer;
    bool has_next = found != function->initial && found != function->absent;
    for (int at = 0; at < FUNCTIONS; at++) {
        if (strcmp(function->name, own[at].name) == 0) {
            if (has_next && found != own[at].function) {
                next[at] = found;
            }
            *function->pointer = own[at].function;
            return;
        }
    }
    if (!has_next) {
        *function->pointer = function->absent;
    }
}

typedef void api_init(itt_global *, int groups);

/* Lets the library that was named before take its places first, as ITT itself would. */
static bool init_next(itt_global *global, int groups, const void *ours)
{
    static const char variable[] = "EDBPROF_NEXT_ITT";
    api_init *init = (api_init *)ranges_next(variable, "__itt_api_init", ours);
    bool has_any = false;
    if (init != NULL) {
        init(global, groups);
        return true;
    }
    for (itt_function *each = global->functions; each->name != NULL; each++) {
        void *found = ranges_next(variable, each->name, NULL);
        if (found != NULL) {
            *each->pointer = found;
            has_any = true;
        }
    }
    return has_any;
}

/* Called once for each copy of ITT in the process. */
__attribute__((visibility("default"))) void __itt_api_init(itt_global *global, int groups);

void __itt_api_init(itt_global *global, int groups)
{
    bool has_next = init_next(global, groups, (const void *)__itt_api_init);
    for (itt_function *each = global->functions; each->name != NULL; each++) {
        if (ranges_runtime != NULL) {
            take_over(each);
        } else if (!has_next) {
            *each->pointer = each->absent;
        }
    }
}
