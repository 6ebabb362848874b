/* Slowness of code objects: how much a profile function slows their instructions down, estimated
 * from the instructions in them. */
#include "slowness.h"

#include "edbprof.h"

#if EDBPROF_PROFILING_DESPECIALIZES

/* Tenths of nanoseconds that an instruction takes, and that a profile function adds. Only their
 * ratio matters. They were measured with loops of one statement each; ORDINARY was then fitted to
 * whole programs: see docs/design/0070. */
typedef struct {
    unsigned taken, added;
} cost;

static const cost ORDINARY = {50, 50};
/* Instructions that look for other objects, and are specialized otherwise. */
static const cost LOOKUP = {75, 240};
static const cost ARITHMETIC = {100, 100};
/* Instructions for variables of modules and classes, which are in a dict. */
static const cost NAME = {200, 60};
/* Instructions that make objects, or work in C otherwise. */
static const cost WORK = {300, 50};

enum { DEEPEST = 3, SHIFT_OF_LOOP = 3 }; /* A loop counts as 8 rounds. */

static cost cost_of(int opcode)
{
    switch (opcode) {
    case LOAD_ATTR:
    case LOAD_METHOD:
    case STORE_ATTR:
    case LOAD_GLOBAL:
    case UNPACK_SEQUENCE:
    case BINARY_SUBSCR:
    case STORE_SUBSCR: return LOOKUP;
    case BINARY_OP:
    case COMPARE_OP: return ARITHMETIC;
    case LOAD_NAME:
    case STORE_NAME: return NAME;
    case BUILD_CONST_KEY_MAP:
    case BUILD_LIST:
    case BUILD_MAP:
    case BUILD_SET:
    case BUILD_SLICE:
    case BUILD_STRING:
    case BUILD_TUPLE:
    case CALL_FUNCTION_EX:
    case CONTAINS_OP:
    case DELETE_SUBSCR:
    case DICT_UPDATE:
    case FORMAT_VALUE:
    case GET_ITER:
    case IMPORT_FROM:
    case IMPORT_NAME:
    case LIST_EXTEND:
    case LOAD_BUILD_CLASS:
    case MAKE_FUNCTION:
    case RETURN_GENERATOR:
    case SET_UPDATE: return WORK;
    default: return ORDINARY;
    }
}

static bool jumps_backward(int opcode)
{
    switch (opcode) {
    case JUMP_BACKWARD:
    case JUMP_BACKWARD_NO_INTERRUPT:
    case POP_JUMP_BACKWARD_IF_FALSE:
    case POP_JUMP_BACKWARD_IF_TRUE:
    case POP_JUMP_BACKWARD_IF_NONE:
    case POP_JUMP_BACKWARD_IF_NOT_NONE: return true;
    default: return false;
    }
}

/* Writes the last jump to each instruction from behind it, 0 for none. */
static void find_loops(const unsigned char *bytes, Py_ssize_t count, uint32_t *last_jumps)
{
    Py_ssize_t argument = 0;
    for (Py_ssize_t at = 0; at < count; at++) {
        int opcode = bytes[2 * at];
        argument = argument << 8 | bytes[2 * at + 1];
        if (opcode == EXTENDED_ARG) {
            continue;
        }
        /* Jumps have no caches. */
        if (jumps_backward(opcode) && argument <= at) {
            last_jumps[at + 1 - argument] = (uint32_t)at;
        }
        argument = 0;
    }
}

/* Adds up the instructions. Those in loops count as often as they are assumed to run. */
static double mean_slowness(const unsigned char *bytes, Py_ssize_t count,
                            const uint32_t *last_jumps)
{
    uint32_t ends[DEEPEST];
    int depth = 0;
    double taken = 0, added = 0;
    for (Py_ssize_t at = 0; at < count; at++) {
        while (depth > 0 && ends[depth - 1] < at) {
            depth--;
        }
        if (last_jumps[at] > 0 && depth < DEEPEST) {
            ends[depth++] = last_jumps[at];
        }
        int opcode = bytes[2 * at];
        if (opcode != CACHE) {
            cost one = cost_of(opcode);
            taken += (double)one.taken * (1 << SHIFT_OF_LOOP * depth);
            added += (double)one.added * (1 << SHIFT_OF_LOOP * depth);
        }
    }
    return taken > 0 ? added / taken : 0;
}

double slowness_of(PyCodeObject *code)
{
    PyObject *bytes = PyCode_GetCode(code);
    Py_ssize_t count = bytes == NULL ? 0 : PyBytes_GET_SIZE(bytes) / 2;
    uint32_t *last_jumps = PyMem_Calloc((size_t)count + 1, sizeof *last_jumps);
    double slowness = 0;
    if (bytes != NULL && last_jumps != NULL) {
        const unsigned char *at = (unsigned char *)PyBytes_AS_STRING(bytes);
        find_loops(at, count, last_jumps);
        slowness = mean_slowness(at, count, last_jumps);
    }
    PyMem_Free(last_jumps);
    Py_XDECREF(bytes);
    PyErr_Clear();
    return slowness;
}

#else

double slowness_of(PyCodeObject *code)
{
    (void)code;
    return 0;
}

#endif

uint32_t slowness_flags(PyCodeObject *code)
{
    double slowness = slowness_of(code) * EDBPROF_SLOWNESS_ONE;
    uint32_t most = EDBPROF_SLOWNESS / EDBPROF_SLOWNESS_STEP;
    return (slowness < most ? (uint32_t)slowness : most) * EDBPROF_SLOWNESS_STEP;
}
