/* A host of Lua that records every function of a script, of Lua and of C:
 *
 * cc lua_host.c $(pkg-config --cflags --libs edbprof lua5.4) -o lua_host ./lua_host script.lua
 * lua.prof && edbprof tree lua.prof
 *
 * The host reports events of an interpreter. Keys identify functions, which it defines when they
 * are new. Coroutines are fibers: each keeps its open calls while others run. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "edbprof.h"

/* The calls of a coroutine: those that are open, and its position while others run. */
struct coroutine {
    edbprof_fiber position;
    size_t depth, room;
    uint64_t open[];
};

static edbprof_recording *recording;
static edbprof_thread *thread;
/* The coroutine that runs, and its calls. */
static lua_State *running;
static struct coroutine *current;

static edbprof_str text(const char *string)
{
    edbprof_str text = {string, strlen(string)};
    return text;
}

/* Returns a number that identifies the called function: for one in C, its address; for one in Lua,
 * the address of its source's name and its first line. */
static uint64_t key_of(lua_State *lua, lua_Debug *call)
{
    uint64_t key;
    lua_getinfo(lua, "Sf", call);
    if (*call->what == 'C') {
        key = (uint64_t)(uintptr_t)lua_tocfunction(lua, -1);
    } else {
        key = ((uint64_t)(uintptr_t)call->source << 20) + (uint64_t)call->linedefined;
    }
    lua_pop(lua, 1);
    return key;
}

static void define(lua_State *lua, lua_Debug *call, uint64_t key)
{
    edbprof_function function = {0};
    lua_getinfo(lua, "n", call);
    function.struct_size = sizeof function;
    function.kind = *call->what == 'C' ? EDBPROF_BUILTIN : EDBPROF_NATIVE;
    function.file = text(call->short_src);
    function.line = call->linedefined;
    /* Lua names calls, not functions: the first one gives the name, if it has any. */
    function.name = text(call->name != NULL   ? call->name
                         : *call->what == 'm' ? "main"
                                              : "function");
    (void)edbprof_recording_define(recording, key, &function);
}

/* Returns the calls of `lua`, with room for one more, from a table that forgets coroutines when Lua
 * does. */
static struct coroutine *calls_of(lua_State *lua)
{
    struct coroutine *calls, *larger;
    size_t room;
    lua_getfield(lua, LUA_REGISTRYINDEX, "edbprof");
    lua_pushthread(lua);
    lua_rawget(lua, -2);
    calls = lua_touserdata(lua, -1);
    if (calls == NULL || calls->depth == calls->room) {
        room = calls == NULL ? 64 : 2 * calls->room;
        lua_pushthread(lua);
        larger = lua_newuserdatauv(lua, sizeof *larger + room * sizeof larger->open[0], 0);
        memset(larger, 0, sizeof *larger);
        if (calls != NULL) {
            memcpy(larger, calls, sizeof *calls + calls->depth * sizeof calls->open[0]);
        }
        larger->room = room;
        lua_rawset(lua, -4);
        calls = larger;
    }
    lua_pop(lua, 2);
    return calls;
}

static void begin(lua_State *lua, lua_Debug *call, uint64_t key)
{
    if (current->depth == current->room) {
        current = calls_of(lua);
    }
    current->open[current->depth++] = key;
    if (edbprof_enter(thread, key) == EDBPROF_UNKNOWN_FUNCTION) {
        define(lua, call, key);
        (void)edbprof_enter(thread, key);
    }
}

/* Ends the call, and calls within it, which an error may have ended without an event. */
static void end(uint64_t key)
{
    size_t depth = current->depth;
    while (depth > 0 && current->open[depth - 1] != key) {
        depth--;
    }
    if (depth > 0) {
        current->depth = depth - 1;
        (void)edbprof_leave(thread, key);
    }
}

static void hook(lua_State *lua, lua_Debug *call)
{
    uint64_t key = key_of(lua, call);
    if (lua != running) {
        (void)edbprof_fiber_suspend(thread, &current->position);
        running = lua;
        current = calls_of(lua);
        (void)edbprof_fiber_resume(thread, &current->position);
    }
    if (call->event == LUA_HOOKRET) {
        end(key);
        return;
    }
    if (call->event == LUA_HOOKTAILCALL && current->depth > 0) {
        /* The callee takes the place of its caller, whose end no event will report. */
        end(current->open[current->depth - 1]);
    }
    begin(lua, call, key);
}

static void start(lua_State *lua)
{
    lua_newtable(lua);
    lua_newtable(lua);
    lua_pushliteral(lua, "k");
    lua_setfield(lua, -2, "__mode");
    lua_setmetatable(lua, -2);
    lua_setfield(lua, LUA_REGISTRYINDEX, "edbprof");
    running = lua;
    current = calls_of(lua);
    lua_sethook(lua, hook, LUA_MASKCALL | LUA_MASKRET, 0);
}

int main(int argc, char **argv)
{
    edbprof_options options = {0};
    edbprof_status status;
    lua_State *lua = luaL_newstate();
    if (argc != 3 || lua == NULL || !EDBPROF_ABI_IS_COMPATIBLE(edbprof_abi_version())) {
        fprintf(stderr, "usage: lua_host SCRIPT FILE\n");
        return 2;
    }
    options.struct_size = sizeof options;
    options.host = text("lua_host");
    if (edbprof_recording_new(&options, &recording) != EDBPROF_OK ||
        edbprof_recording_attach(recording, text("main"), &thread) != EDBPROF_OK) {
        return 1;
    }
    luaL_openlibs(lua);
    start(lua);
    if (luaL_dofile(lua, argv[1]) != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(lua, -1));
    }
    lua_sethook(lua, NULL, 0, 0);
    (void)edbprof_leave_all(thread);
    status = edbprof_recording_save_as(recording, text(argv[2]), EDBPROF_SAVE_AT_EXIT);
    edbprof_recording_free(recording);
    lua_close(lua);
    return status == EDBPROF_OK ? 0 : 1;
}
