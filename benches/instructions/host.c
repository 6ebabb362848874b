/* What callgrind counts the instructions of: events in contexts of every kind.
 *
 * Usage: host DIRECTORY, where the live file goes.
 *
 * Each scenario is played once to make its contexts (the last has new ones each time),
 * and once more by a function of its name, which callgrind is told of. Prints a line a
 * scenario: that function and how many events it has. */

#include "check.h"

enum { FUNCTIONS = 200, DEPTH = 100, ROUNDS = 100, CHILDREN = 20 };

static edbprof_thread *thread;
static long events;

static void enter(uint64_t key)
{
    CHECK_STATUS(EDBPROF_OK, edbprof_enter(thread, key));
    events++;
}

static void leave(uint64_t key)
{
    CHECK_STATUS(EDBPROF_OK, edbprof_leave(thread, key));
    events++;
}

/* A loop that calls one function, which calls two others. */
static void loop(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        enter(1);
        enter(2);
        leave(2);
        enter(3);
        leave(3);
        leave(1);
    }
}

static void recursion(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        for (int depth = 0; depth < DEPTH; depth++) {
            enter(1);
        }
        for (int depth = 0; depth < DEPTH; depth++) {
            leave(1);
        }
    }
}

/* One caller of many: more than a node remembers. */
static void many_callees(void)
{
    enter(1);
    for (int i = 0; i < ROUNDS; i++) {
        for (uint64_t key = 1; key <= CHILDREN; key++) {
            enter(key);
            leave(key);
        }
    }
    leave(1);
}

/* A walk through three levels of calls, the same each time. */
static void random_walk(void)
{
    uint64_t open[3];
    int depth = 0;
    uint32_t state = 1;
    for (int i = 0; i < 100 * ROUNDS; i++) {
        state = state * 1664525u + 1013904223u;
        uint32_t random = state >> 8;
        if (depth < 3 && (depth == 0 || random % 2 == 0)) {
            open[depth] = 1 + random / 2 % CHILDREN;
            enter(open[depth++]);
        } else {
            leave(open[--depth]);
        }
    }
    while (depth > 0) {
        leave(open[--depth]);
    }
}

static uint64_t outermost = FUNCTIONS;

/* The tables' growth is in it. */
static void new_contexts(void)
{
    enter(outermost--);
    for (uint64_t caller = 1; caller <= ROUNDS; caller++) {
        enter(caller);
        for (uint64_t key = 1; key <= ROUNDS; key++) {
            enter(key);
            leave(key);
        }
        leave(caller);
    }
    leave(outermost + 1);
}

static void play(const char *name, void (*scenario)(void))
{
    scenario();
    events = 0;
    scenario();
    printf("%s %ld\n", name, events);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    edbprof_options options = empty_options();
    options.directory = text_of(argv[1]);
    /* The same instructions with and without, but for long gaps between events. Under callgrind
     * many are long. */
    options.flags = EDBPROF_NO_WAITING;
    edbprof_recording *recording;
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_new(&options, &recording));
    CHECK_STATUS(EDBPROF_OK, edbprof_recording_attach(recording, TEXT("main"), &thread));
    for (uint64_t key = 1; key <= FUNCTIONS; key++) {
        edbprof_function is = function(EDBPROF_NATIVE, TEXT("host.c"), (int64_t)key, TEXT("f"));
        CHECK_STATUS(EDBPROF_OK, edbprof_recording_define(recording, key, &is));
    }
    play("loop", loop);
    play("recursion", recursion);
    play("many_callees", many_callees);
    play("random_walk", random_walk);
    play("new_contexts", new_contexts);
    edbprof_recording_free(recording);
    return 0;
}
