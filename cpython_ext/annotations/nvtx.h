/* The part of NVTX's interface for tools that nvtx.c uses, of version 3 (nvtxTypes.h and
 * nvToolsExt.h of NVIDIA). It is the same in each version 2 and 3 of NVTX. */
#ifndef EDBPROF_NVTX_H
#define EDBPROF_NVTX_H

#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

enum {
    MESSAGE_ASCII = 1,
    MESSAGE_UNICODE = 2,
    MESSAGE_REGISTERED = 3,

    EXPORT_CALLBACKS = 1,
    MODULE_CORE = 1,
    MODULE_CORE2 = 5,

    CORE_MARK_EX = 1,
    CORE_MARK_A = 2,
    CORE_MARK_W = 3,
    CORE_RANGE_START_EX = 4,
    CORE_RANGE_START_A = 5,
    CORE_RANGE_START_W = 6,
    CORE_RANGE_END = 7,
    CORE_RANGE_PUSH_EX = 8,
    CORE_RANGE_PUSH_A = 9,
    CORE_RANGE_PUSH_W = 10,
    CORE_RANGE_POP = 11,

    CORE2_DOMAIN_MARK_EX = 1,
    CORE2_DOMAIN_RANGE_START_EX = 2,
    CORE2_DOMAIN_RANGE_END = 3,
    CORE2_DOMAIN_RANGE_PUSH_EX = 4,
    CORE2_DOMAIN_RANGE_POP = 5,
    CORE2_DOMAIN_REGISTER_STRING_A = 10,
    CORE2_DOMAIN_REGISTER_STRING_W = 11,
    CORE2_DOMAIN_CREATE_A = 12,
    CORE2_DOMAIN_CREATE_W = 13,

    CALLBACKS = 16
};

typedef struct {
    uint16_t version, size;
    uint32_t category;
    int32_t color_type;
    uint32_t color;
    int32_t payload_type, reserved;
    uint64_t payload;
    int32_t message_type;
    union {
        const char *ascii;
        const wchar_t *unicode;
        const void *registered;
    } message;
} nvtx_attributes;

typedef void (*nvtx_function)(void);

/* Places of the pointers through which a program calls a module's functions. */
typedef nvtx_function **nvtx_table;

typedef struct {
    size_t struct_size;
    int (*get_table)(int module, nvtx_table *out, unsigned *out_size);
} nvtx_callbacks;

typedef const void *nvtx_get_export_table(uint32_t id);

#endif
