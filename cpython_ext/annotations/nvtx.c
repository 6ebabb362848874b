/* NVTX: records ranges and marks as spans. A program that calls NVTX loads the library that
 * NVTX_INJECTION64_PATH names, which is this one. The library that was named before gets each call
 * first. */
#define _POSIX_C_SOURCE 200809L /* strdup */

#include "nvtx.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ranges.h"

/* Functions of the library that was named before, by callback. */
static nvtx_function next_core[CALLBACKS], next_core2[CALLBACKS];

/* Calls the function of the other library, if it has one. */
#define NEXT(table, id, type, ...)                                                                 \
    do {                                                                                           \
        if (next_##table[id] != NULL) {                                                            \
            ((type)next_##table[id])(__VA_ARGS__);                                                 \
        }                                                                                          \
    } while (0)

/* ---- names ---------------------------------------------------------------- */

static const char *domain_name(const void *domain)
{
    const char *name = domain == NULL ? NULL : ranges_handle(domain);
    return name == NULL ? "NVTX" : name;
}

static const edbprof_function *span_a(const void *domain, const char *name)
{
    return name == NULL ? ranges_span("<range>", 7, domain_name(domain))
                        : ranges_span(name, strlen(name), domain_name(domain));
}

/* UTF-8, at most `room` bytes with the NUL. */
static void narrow(const wchar_t *wide, char *text, size_t room)
{
    char *end = text + room - 4;
    for (; wide != NULL && *wide != 0 && text < end; wide++) {
        uint32_t c = (uint32_t)*wide;
        if (c < 0x80) {
            *text++ = (char)c;
        } else if (c < 0x800) {
            *text++ = (char)(0xc0 | c >> 6);
            *text++ = (char)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            *text++ = (char)(0xe0 | c >> 12);
            *text++ = (char)(0x80 | (c >> 6 & 0x3f));
            *text++ = (char)(0x80 | (c & 0x3f));
        } else {
            *text++ = (char)(0xf0 | (c >> 18 & 0x07));
            *text++ = (char)(0x80 | (c >> 12 & 0x3f));
            *text++ = (char)(0x80 | (c >> 6 & 0x3f));
            *text++ = (char)(0x80 | (c & 0x3f));
        }
    }
    *text = '\0';
}

static const edbprof_function *span_w(const void *domain, const wchar_t *name)
{
    char text[1024];
    narrow(name, text, sizeof text);
    return span_a(domain, text);
}

static const edbprof_function *span_of(const void *domain, const nvtx_attributes *attributes)
{
    if (!ranges_are_recorded()) {
        return NULL;
    }
    switch (attributes == NULL ? 0 : attributes->message_type) {
    case MESSAGE_ASCII: return span_a(domain, attributes->message.ascii);
    case MESSAGE_UNICODE: return span_w(domain, attributes->message.unicode);
    case MESSAGE_REGISTERED: {
        const edbprof_function *span = ranges_handle(attributes->message.registered);
        return span != NULL ? span : span_a(domain, NULL);
    }
    default: return span_a(domain, NULL);
    }
}

/* ---- marks ----------------------------------------------------------------- */

static void mark_ex(const nvtx_attributes *attributes)
{
    NEXT(core, CORE_MARK_EX, void (*)(const nvtx_attributes *), attributes);
    ranges_mark(span_of(NULL, attributes));
}

static void mark_a(const char *name)
{
    NEXT(core, CORE_MARK_A, void (*)(const char *), name);
    ranges_mark(ranges_are_recorded() ? span_a(NULL, name) : NULL);
}

static void mark_w(const wchar_t *name)
{
    NEXT(core, CORE_MARK_W, void (*)(const wchar_t *), name);
    ranges_mark(ranges_are_recorded() ? span_w(NULL, name) : NULL);
}

static void domain_mark_ex(const void *domain, const nvtx_attributes *attributes)
{
    NEXT(core2, CORE2_DOMAIN_MARK_EX, void (*)(const void *, const nvtx_attributes *), domain,
         attributes);
    ranges_mark(span_of(domain, attributes));
}

/* ---- ranges of one thread -------------------------------------------------- */

/* Begins a range. Returns the other library's number, if there is such a library, else our own. */
static int push(const void *domain, const edbprof_function *span, const int *number)
{
    int own = ranges_push(domain, span);
    return number != NULL ? *number : own;
}

static int range_push_ex(const nvtx_attributes *attributes)
{
    nvtx_function next = next_core[CORE_RANGE_PUSH_EX];
    int number = next == NULL ? 0 : ((int (*)(const nvtx_attributes *))next)(attributes);
    return push(NULL, span_of(NULL, attributes), next == NULL ? NULL : &number);
}

static int range_push_a(const char *name)
{
    nvtx_function next = next_core[CORE_RANGE_PUSH_A];
    int number = next == NULL ? 0 : ((int (*)(const char *))next)(name);
    return push(NULL, ranges_are_recorded() ? span_a(NULL, name) : NULL,
                next == NULL ? NULL : &number);
}

static int range_push_w(const wchar_t *name)
{
    nvtx_function next = next_core[CORE_RANGE_PUSH_W];
    int number = next == NULL ? 0 : ((int (*)(const wchar_t *))next)(name);
    return push(NULL, ranges_are_recorded() ? span_w(NULL, name) : NULL,
                next == NULL ? NULL : &number);
}

static int domain_range_push_ex(const void *domain, const nvtx_attributes *attributes)
{
    nvtx_function next = next_core2[CORE2_DOMAIN_RANGE_PUSH_EX];
    int (*function)(const void *, const nvtx_attributes *) =
        (int (*)(const void *, const nvtx_attributes *))next;
    int number = next == NULL ? 0 : function(domain, attributes);
    return push(domain, span_of(domain, attributes), next == NULL ? NULL : &number);
}

static int range_pop(void)
{
    nvtx_function next = next_core[CORE_RANGE_POP];
    int own = ranges_pop(NULL);
    return next == NULL ? own : ((int (*)(void))next)();
}

static int domain_range_pop(const void *domain)
{
    nvtx_function next = next_core2[CORE2_DOMAIN_RANGE_POP];
    int own = ranges_pop(domain);
    return next == NULL ? own : ((int (*)(const void *))next)(domain);
}

/* ---- ranges that may end in another thread --------------------------------- */

static atomic_uint_least64_t last_id;

static uint64_t start(const edbprof_function *span, const uint64_t *number)
{
    uint64_t id = number != NULL ? *number : atomic_fetch_add(&last_id, 1) + 1;
    ranges_start((range_key){next_core, {id, 0, 0}}, span);
    return id;
}

static uint64_t range_start_ex(const nvtx_attributes *attributes)
{
    nvtx_function next = next_core[CORE_RANGE_START_EX];
    uint64_t number = next == NULL ? 0 : ((uint64_t (*)(const nvtx_attributes *))next)(attributes);
    return start(span_of(NULL, attributes), next == NULL ? NULL : &number);
}

static uint64_t range_start_a(const char *name)
{
    nvtx_function next = next_core[CORE_RANGE_START_A];
    uint64_t number = next == NULL ? 0 : ((uint64_t (*)(const char *))next)(name);
    return start(ranges_are_recorded() ? span_a(NULL, name) : NULL, next == NULL ? NULL : &number);
}

static uint64_t range_start_w(const wchar_t *name)
{
    nvtx_function next = next_core[CORE_RANGE_START_W];
    uint64_t number = next == NULL ? 0 : ((uint64_t (*)(const wchar_t *))next)(name);
    return start(ranges_are_recorded() ? span_w(NULL, name) : NULL, next == NULL ? NULL : &number);
}

static uint64_t domain_range_start_ex(const void *domain, const nvtx_attributes *attributes)
{
    nvtx_function next = next_core2[CORE2_DOMAIN_RANGE_START_EX];
    uint64_t (*function)(const void *, const nvtx_attributes *) =
        (uint64_t (*)(const void *, const nvtx_attributes *))next;
    uint64_t number = next == NULL ? 0 : function(domain, attributes);
    return start(span_of(domain, attributes), next == NULL ? NULL : &number);
}

static void range_end(uint64_t id)
{
    ranges_end((range_key){next_core, {id, 0, 0}});
    NEXT(core, CORE_RANGE_END, void (*)(uint64_t), id);
}

static void domain_range_end(const void *domain, uint64_t id)
{
    ranges_end((range_key){next_core, {id, 0, 0}});
    NEXT(core2, CORE2_DOMAIN_RANGE_END, void (*)(const void *, uint64_t), domain, id);
}

/* ---- domains and strings: the handles are the other library's, if it makes any -- */

static const void *domain_named(const char *name, const void *handle)
{
    char *copy = name == NULL ? NULL : strdup(name);
    if (handle == NULL) {
        handle = copy;
    }
    if (copy != NULL && handle != NULL) {
        ranges_set_handle(handle, copy); /* Never freed, because programs have few domains. */
    }
    return handle;
}

static const void *domain_create_a(const char *name)
{
    nvtx_function next = next_core2[CORE2_DOMAIN_CREATE_A];
    return domain_named(name, next == NULL ? NULL : ((const void *(*)(const char *))next)(name));
}

static const void *domain_create_w(const wchar_t *name)
{
    nvtx_function next = next_core2[CORE2_DOMAIN_CREATE_W];
    char text[1024];
    narrow(name, text, sizeof text);
    return domain_named(text, next == NULL ? NULL : ((const void *(*)(const wchar_t *))next)(name));
}

static const void *string_named(const edbprof_function *span, const void *handle)
{
    if (handle == NULL) {
        handle = span;
    }
    if (span != NULL && handle != NULL) {
        ranges_set_handle(handle, span);
    }
    return handle;
}

static const void *domain_register_string_a(const void *domain, const char *name)
{
    nvtx_function next = next_core2[CORE2_DOMAIN_REGISTER_STRING_A];
    const void *(*function)(const void *, const char *) =
        (const void *(*)(const void *, const char *))next;
    return string_named(span_a(domain, name), next == NULL ? NULL : function(domain, name));
}

static const void *domain_register_string_w(const void *domain, const wchar_t *name)
{
    nvtx_function next = next_core2[CORE2_DOMAIN_REGISTER_STRING_W];
    const void *(*function)(const void *, const wchar_t *) =
        (const void *(*)(const void *, const wchar_t *))next;
    return string_named(span_w(domain, name), next == NULL ? NULL : function(domain, name));
}

/* ---- the entry point -------------------------------------------------------- */

static const nvtx_function core[CALLBACKS] = {
    [CORE_MARK_EX] = (nvtx_function)mark_ex,
    [CORE_MARK_A] = (nvtx_function)mark_a,
    [CORE_MARK_W] = (nvtx_function)mark_w,
    [CORE_RANGE_START_EX] = (nvtx_function)range_start_ex,
    [CORE_RANGE_START_A] = (nvtx_function)range_start_a,
    [CORE_RANGE_START_W] = (nvtx_function)range_start_w,
    [CORE_RANGE_END] = (nvtx_function)range_end,
    [CORE_RANGE_PUSH_EX] = (nvtx_function)range_push_ex,
    [CORE_RANGE_PUSH_A] = (nvtx_function)range_push_a,
    [CORE_RANGE_PUSH_W] = (nvtx_function)range_push_w,
    [CORE_RANGE_POP] = (nvtx_function)range_pop,
};

static const nvtx_function core2[CALLBACKS] = {
    [CORE2_DOMAIN_MARK_EX] = (nvtx_function)domain_mark_ex,
    [CORE2_DOMAIN_RANGE_START_EX] = (nvtx_function)domain_range_start_ex,
    [CORE2_DOMAIN_RANGE_END] = (nvtx_function)domain_range_end,
    [CORE2_DOMAIN_RANGE_PUSH_EX] = (nvtx_function)domain_range_push_ex,
    [CORE2_DOMAIN_RANGE_POP] = (nvtx_function)domain_range_pop,
    [CORE2_DOMAIN_REGISTER_STRING_A] = (nvtx_function)domain_register_string_a,
    [CORE2_DOMAIN_REGISTER_STRING_W] = (nvtx_function)domain_register_string_w,
    [CORE2_DOMAIN_CREATE_A] = (nvtx_function)domain_create_a,
    [CORE2_DOMAIN_CREATE_W] = (nvtx_function)domain_create_w,
};

/* A module's pointers, by callback; NULL where there is none. */
typedef struct {
    nvtx_table at;
    unsigned count;
} module_table;

static module_table table_of(const nvtx_callbacks *callbacks, int module)
{
    module_table table = {NULL, 0};
    if (!callbacks->get_table(module, &table.at, &table.count)) {
        table.count = 0;
    }
    return table;
}

/* The initial pointers, which are no functions of a library. */
static void read_pointers(module_table table, nvtx_function *out)
{
    for (unsigned id = 1; id < CALLBACKS && id < table.count; id++) {
        out[id] = table.at[id] == NULL ? NULL : *table.at[id];
    }
}

/* Takes the place of the functions, and keeps those of the other library, which differ from the
 * initial ones. */
static void take_places(module_table table, const nvtx_function *initial, const nvtx_function *own,
                        nvtx_function *next)
{
    for (unsigned id = 1; id < CALLBACKS && id < table.count; id++) {
        if (own[id] == NULL || table.at[id] == NULL) {
            continue;
        }
        if (*table.at[id] != initial[id] && *table.at[id] != own[id]) {
            next[id] = *table.at[id];
        }
        *table.at[id] = own[id];
    }
}

/* Called once for each copy of NVTX in the process. */
__attribute__((visibility("default"))) int InitializeInjectionNvtx2(nvtx_get_export_table *get);

int InitializeInjectionNvtx2(nvtx_get_export_table *get)
{
    int (*next)(nvtx_get_export_table *) = (int (*)(nvtx_get_export_table *))ranges_next(
        "EDBPROF_NEXT_NVTX", "InitializeInjectionNvtx2", (const void *)InitializeInjectionNvtx2);
    const nvtx_callbacks *callbacks = get(EXPORT_CALLBACKS);
    nvtx_function initial[CALLBACKS] = {NULL}, initial2[CALLBACKS] = {NULL};
    module_table table, table2;
    if (callbacks == NULL) {
        return next == NULL ? 0 : next(get);
    }
    table = table_of(callbacks, MODULE_CORE);
    table2 = table_of(callbacks, MODULE_CORE2);
    read_pointers(table, initial);
    read_pointers(table2, initial2);
    int has_next = next != NULL && next(get);
    if (ranges_runtime == NULL) {
        return has_next;
    }
    take_places(table, initial, core, next_core);
    take_places(table2, initial2, core2, next_core2);
    return 1;
}
