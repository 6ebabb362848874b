/* A program without Python that loads a library for NVTX, as NVTX itself does. */
#include <dlfcn.h>
#include <stdio.h>

#include "nvtx.h"

static nvtx_function pointers[CALLBACKS], *places[CALLBACKS];

static int get_table(int module, nvtx_table *out, unsigned *count)
{
    (void)module;
    for (int id = 0; id < CALLBACKS; id++) {
        places[id] = &pointers[id];
    }
    *out = places;
    *count = CALLBACKS;
    return 1;
}

static const nvtx_callbacks callbacks = {sizeof callbacks, get_table};

static const void *export_table(uint32_t id) { return id == EXPORT_CALLBACKS ? &callbacks : NULL; }

int main(int argc, char **argv)
{
    void *library = argc == 2 ? dlopen(argv[1], RTLD_LAZY) : NULL;
    int (*init)(nvtx_get_export_table *);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    init = (int (*)(nvtx_get_export_table *))dlsym(library, "InitializeInjectionNvtx2");
    int result = init(export_table);
    printf("%d %d\n", result, pointers[CORE2_DOMAIN_RANGE_POP] != NULL);
    return 0;
}
