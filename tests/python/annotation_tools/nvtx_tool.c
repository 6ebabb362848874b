/* Another tool for NVTX: it counts what it gets, and says so at the end, in the file TOOL_OUT. */
#include <stdio.h>
#include <stdlib.h>

#include "nvtx.h"

static int pushes, pops, names;
static char domain, strings[100];

static int push(const void *in, const nvtx_attributes *attributes)
{
    (void)attributes;
    pushes += in == &domain;
    return 40 + pushes;
}

static int pop(const void *in)
{
    pops += in == &domain;
    return 40;
}

static const void *create(const char *name)
{
    (void)name;
    return &domain;
}

static const void *register_string(const void *in, const char *name)
{
    (void)name;
    return in == &domain ? &strings[names++] : NULL;
}

int InitializeInjectionNvtx2(nvtx_get_export_table *get);

int InitializeInjectionNvtx2(nvtx_get_export_table *get)
{
    const nvtx_callbacks *callbacks = get(EXPORT_CALLBACKS);
    nvtx_table table = NULL;
    unsigned count = 0;
    if (!callbacks->get_table(MODULE_CORE2, &table, &count)) {
        return 0;
    }
    *table[CORE2_DOMAIN_RANGE_PUSH_EX] = (nvtx_function)push;
    *table[CORE2_DOMAIN_RANGE_POP] = (nvtx_function)pop;
    *table[CORE2_DOMAIN_CREATE_A] = (nvtx_function)create;
    *table[CORE2_DOMAIN_REGISTER_STRING_A] = (nvtx_function)register_string;
    return 1;
}

__attribute__((destructor)) static void say(void)
{
    const char *path = getenv("TOOL_OUT");
    FILE *file = path == NULL ? NULL : fopen(path, "a");
    if (file != NULL) {
        fprintf(file, "%d pushes, %d pops\n", pushes, pops);
        fclose(file);
    }
}
