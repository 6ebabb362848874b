/* Every difference between Python versions, and nothing else.
 *
 * Covers CPython 3.9 to 3.15. Source files that comments name are those of the version's branch. */
#ifndef EDBPROF_COMPAT_H
#define EDBPROF_COMPAT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <frameobject.h>
#include <opcode.h>
#include <stdbool.h>
#include <structmember.h>

#if PY_VERSION_HEX < 0x03090000
#error "edbprof needs CPython 3.9 or later"
#endif
#ifdef PYPY_VERSION
#error "edbprof works with CPython only"
#endif
/* Threads run at the same time: there is no GIL. */
#ifdef Py_GIL_DISABLED
#define EDBPROF_FREE_THREADED 1
#else
#define EDBPROF_FREE_THREADED 0
#endif

/* Storage class of thread-local variables. With glibc the fastest model, initial-exec: the
 * module is loaded early, and its few bytes fit into the space that glibc keeps in reserve. */
#if defined(__GLIBC__)
#define EDBPROF_THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))
#else
#define EDBPROF_THREAD_LOCAL __thread
#endif

#if PY_VERSION_HEX < 0x030C0000
#define EDBPROF_HAVE_VECTORCALL _Py_TPFLAGS_HAVE_VECTORCALL
#else
#define EDBPROF_HAVE_VECTORCALL Py_TPFLAGS_HAVE_VECTORCALL
#endif
/* Flags of the extension's own types, of types that Python code can't instantiate, and of types
 * whose objects are callable. */
#if PY_VERSION_HEX < 0x030A0000
#define EDBPROF_TYPE_FLAGS Py_TPFLAGS_DEFAULT
#define EDBPROF_NEVER_CALLED 0
#else
#define EDBPROF_TYPE_FLAGS (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE)
#define EDBPROF_NEVER_CALLED Py_TPFLAGS_DISALLOW_INSTANTIATION
#endif
#define EDBPROF_CALLABLE_FLAGS (EDBPROF_TYPE_FLAGS | EDBPROF_HAVE_VECTORCALL)
/* Members of types whose structs have a member `vectorcall` or `weak_references`. */
#define EDBPROF_VECTORCALL_MEMBER(type)                                                            \
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(type, vectorcall), READONLY, NULL}
#define EDBPROF_WEAK_MEMBER(type)                                                                  \
    {"__weaklistoffset__", T_PYSSIZET, offsetof(type, weak_references), READONLY, NULL}

/* Python threads that have run code in another interpreter leave its list without its GIL. */
#define EDBPROF_THREADS_LEAVE_WITHOUT_GIL (PY_VERSION_HEX >= 0x030C0000)

/* PyIter_Send and tp_as_async->am_send exist. */
#define EDBPROF_HAVE_SEND (PY_VERSION_HEX >= 0x030A0000)
/* sys.monitoring exists. */
#define EDBPROF_HAVE_MONITORING (PY_VERSION_HEX >= 0x030C0000)
/* PY_UNWIND can be an event of single code objects. */
#define EDBPROF_HAVE_LOCAL_UNWIND (PY_VERSION_HEX >= 0x030F0000)
/* sys.monitoring counts changes of events in 24 bits, and refuses all changes once the count is
 * used up. */
#define EDBPROF_MONITORING_WEARS_OUT (PY_VERSION_HEX >= 0x030D0000)

/* Signal handlers and asynchronous exceptions come before a function's start event, with the same
 * instruction (RESUME). If they raise, they end a call that has not started. In 3.11 they come
 * after it, too; in 3.12, only after it. */
#define EDBPROF_RAISES_BEFORE_START                                                                \
    ((PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000) || PY_VERSION_HEX >= 0x030D0000)
/* Trace and profile functions get a start event before other tools of sys.monitoring. If they
 * raise, they prevent the start, and other tools get its end event alone. */
#define EDBPROF_PREVENTED_STARTS_END (PY_VERSION_HEX >= 0x030C0000 && PY_VERSION_HEX < 0x030D0000)
/* A call that did not start, because a trace or profile function raised, has an end event all the
 * same. In earlier versions it has none. */
#define EDBPROF_FAILED_STARTS_END (PY_VERSION_HEX >= 0x030B0000)

/* A profile function slows down every instruction (Python/ceval.c: use_tracing). */
#define EDBPROF_PROFILING_SLOWS_CODE (PY_VERSION_HEX >= 0x030A0000 && PY_VERSION_HEX < 0x030C0000)
/* Instructions are not specialized then, so some are slowed more than others. */
#define EDBPROF_PROFILING_DESPECIALIZES                                                            \
    (PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000)

#if PY_VERSION_HEX < 0x030B0000
#define Py_NO_INLINE _Py_NO_INLINE
#endif

/* Slots of a module that interpreters with a GIL of their own may import, and that needs no GIL at
 * all. Without these slots, importing it would switch the GIL on for good, and warn. */
#if EDBPROF_FREE_THREADED
#define EDBPROF_MODULE_SLOTS                                                                       \
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},                          \
        {Py_mod_gil, Py_MOD_GIL_NOT_USED},                                                         \
    {                                                                                              \
        0, NULL                                                                                    \
    }
#elif PY_VERSION_HEX >= 0x030C0000
#define EDBPROF_MODULE_SLOTS                                                                       \
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, { 0, NULL }
#else
#define EDBPROF_MODULE_SLOTS {0, NULL}
#endif

/* Makes one of the extension's own types, which keeps its module unless that is NULL: a new
 * reference, or NULL with an exception. */
static inline PyTypeObject *compat_make_type(PyObject *module, PyType_Spec *spec)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
#if PY_VERSION_HEX < 0x030A0000
    bool is_called = false;
    for (const PyType_Slot *slot = spec->slots; slot->slot != 0; slot++) {
        is_called = is_called || slot->slot == Py_tp_new;
    }
    if (type != NULL && !is_called) {
        type->tp_new = NULL;
    }
#endif
    return type;
}

/* Frees an object of one of these types. */
static inline void compat_free(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

/* Returns true while the interpreter ends: only the thread that ends it runs Python code. */
static inline bool compat_is_finalizing(void)
{
#if PY_VERSION_HEX < 0x030D0000
    return _Py_IsFinalizing();
#else
    return Py_IsFinalizing();
#endif
}

/* Gives back a reference to an object that another reference keeps. The object is never freed here,
 * so the caller saves no registers for that. */
static inline void compat_decref_again(void *object)
{
#if defined(Py_REF_DEBUG) || EDBPROF_FREE_THREADED
    Py_DECREF((PyObject *)object);
#else
    Py_SET_REFCNT((PyObject *)object, Py_REFCNT((PyObject *)object) - 1);
#endif
}

/* Lets threads take references to a new object without a counter that all of them change. The
 * interpreter does the same for functions that are not nested (PyFunction_New). In 3.13, the object
 * is then never freed, like such functions (_Py_SetImmortal). */
static inline void compat_share(PyObject *object)
{
#if EDBPROF_FREE_THREADED && PY_VERSION_HEX >= 0x030E0000
    (void)PyUnstable_Object_EnableDeferredRefcount(object);
#elif EDBPROF_FREE_THREADED
    PyObject_GC_UnTrack(object);
    object->ob_tid = 0;
    object->ob_ref_local = _Py_IMMORTAL_REFCNT_LOCAL;
    object->ob_ref_shared = 0;
#else
    (void)object;
#endif
}

/* Returns a new reference to what a dict has, or NULL with nothing raised. */
static inline PyObject *compat_dict_get(PyObject *dict, const char *name)
{
#if PY_VERSION_HEX < 0x030D0000
    PyObject *found = PyDict_GetItemString(dict, name);
    Py_XINCREF(found);
    return found;
#else
    PyObject *found;
    if (PyDict_GetItemStringRef(dict, name, &found) < 0) {
        PyErr_Clear();
    }
    return found;
#endif
}

/* Returns a new reference to what a dict has under any key, or NULL with or without an
 * exception. */
static inline PyObject *compat_dict_get_key(PyObject *dict, PyObject *key)
{
#if PY_VERSION_HEX < 0x030D0000
    PyObject *found = PyDict_GetItemWithError(dict, key);
    Py_XINCREF(found);
    return found;
#else
    PyObject *found;
    (void)PyDict_GetItemRef(dict, key, &found);
    return found;
#endif
}

/* Returns a new reference to an attribute of `sys`, or NULL with nothing raised. */
static inline PyObject *compat_sys_get(const char *name)
{
#if EDBPROF_FREE_THREADED
    /* PySys_GetObject borrows: its result may be freed before it gets a reference. */
    PyObject *key = PyUnicode_FromString("sys");
    PyObject *sys = key == NULL ? NULL : PyImport_GetModule(key);
    bool is_module = sys != NULL && PyModule_Check(sys);
    PyObject *found = is_module ? compat_dict_get(PyModule_GetDict(sys), name) : NULL;
    PyErr_Clear();
    Py_XDECREF(sys);
    Py_XDECREF(key);
    return found;
#else
    PyObject *found = PySys_GetObject(name);
    Py_XINCREF(found);
    return found;
#endif
}

/* Returns a new reference to what a type or one of its bases has, or NULL with nothing raised. */
static inline PyObject *compat_type_get(PyTypeObject *type, PyObject *name)
{
#if PY_VERSION_HEX < 0x030D0000
    PyObject *found = _PyType_Lookup(type, name);
    Py_XINCREF(found);
    return found;
#else
    return _PyType_LookupRef(type, name);
#endif
}

/* Returns a type's dict, borrowed. */
static inline PyObject *compat_type_dict(PyTypeObject *type)
{
#if PY_VERSION_HEX < 0x030C0000
    return type->tp_dict;
#else
    PyObject *dict = PyType_GetDict(type);
    if (dict != NULL) {
        compat_decref_again(dict);
    }
    return dict;
#endif
}

/* Returns the C function that a function of ctypes calls: CDataObject in Modules/_ctypes/ctypes.h
 * begins the same in all versions. */
static inline const void *compat_ctypes_pointer(PyObject *function)
{
    typedef struct {
        PyObject_HEAD const void *const *pointer;
    } data_object;
    const data_object *data = (data_object *)function;
    return data->pointer == NULL ? NULL : *data->pointer;
}

/* Returns the frame's code object, borrowed: frames keep theirs. */
static inline PyCodeObject *compat_frame_code(PyFrameObject *frame)
{
#if PY_VERSION_HEX < 0x030B0000
    return frame->f_code;
#else
    PyCodeObject *code = PyFrame_GetCode(frame);
    compat_decref_again(code);
    return code;
#endif
}

/* Returns the frame's globals: a new reference. */
static inline PyObject *compat_frame_globals(PyFrameObject *frame)
{
#if PY_VERSION_HEX < 0x030B0000
    Py_INCREF(frame->f_globals);
    return frame->f_globals;
#else
    return PyFrame_GetGlobals(frame);
#endif
}

/* Returns the frame's current opcode, as it was before the interpreter specialized it; 0 if it has
 * none. */
static inline int compat_frame_opcode(PyFrameObject *frame)
{
#if PY_VERSION_HEX < 0x030A0000
    int at = frame->f_lasti;
#elif PY_VERSION_HEX < 0x030B0000
    int at = frame->f_lasti * (int)sizeof(_Py_CODEUNIT);
#else
    int at = PyFrame_GetLasti(frame);
#endif
    PyCodeObject *code = compat_frame_code(frame);
#if PY_VERSION_HEX < 0x030B0000
    PyObject *bytes = code->co_code;
    Py_INCREF(bytes);
#else
    PyObject *bytes = PyCode_GetCode(code);
#endif
    if (bytes == NULL) {
        PyErr_Clear();
        return 0;
    }
    int opcode = 0; /* of the caches that follow an instruction, too */
    for (; opcode == 0 && at >= 0 && at < PyBytes_GET_SIZE(bytes); at -= 2) {
        opcode = (unsigned char)PyBytes_AS_STRING(bytes)[at];
    }
    Py_DECREF(bytes);
    return opcode;
}

/* Returns the number by which the system knows the thread; 0 up to 3.10, which does not note it. */
static inline unsigned long compat_os_thread(const PyThreadState *tstate)
{
#if PY_VERSION_HEX < 0x030B0000
    (void)tstate;
    return 0;
#else
    return tstate->native_thread_id;
#endif
}

typedef enum { COMPAT_NO_START, COMPAT_START, COMPAT_RESUME } compat_start;

/* Returns compat_start_at for the instruction itself, without its cache. */
static inline compat_start compat_start_right_at(PyCodeObject *code, Py_ssize_t offset)
{
#if PY_VERSION_HEX < 0x030B0000
    (void)code, (void)offset;
    return COMPAT_NO_START;
#else
    if (offset < 0 || offset % 2 != 0 || offset >= 2 * Py_SIZE(code)) {
        return COMPAT_NO_START;
    }
    const char *instruction = &code->co_code_adaptive[offset];
#if EDBPROF_FREE_THREADED
    /* Other threads specialize it. */
    int opcode = (unsigned char)__atomic_load_n(&instruction[0], __ATOMIC_RELAXED);
    int argument = (unsigned char)__atomic_load_n(&instruction[1], __ATOMIC_RELAXED);
#else
    int opcode = (unsigned char)instruction[0];
    int argument = (unsigned char)instruction[1];
#endif
    bool starts = opcode == RESUME;
#if PY_VERSION_HEX < 0x030C0000
    starts = starts || opcode == RESUME_QUICK;
#else
    starts = starts || opcode == INSTRUMENTED_RESUME;
#ifdef RESUME_CHECK
    starts = starts || opcode == RESUME_CHECK;
#endif
#ifdef RESUME_CHECK_JIT
    starts = starts || opcode == RESUME_CHECK_JIT;
#endif
    if (opcode == INSTRUMENTED_LINE || opcode == INSTRUMENTED_INSTRUCTION) {
        PyObject *bytes = PyCode_GetCode(code);
        starts = bytes != NULL && (unsigned char)PyBytes_AS_STRING(bytes)[offset] == RESUME;
        Py_XDECREF(bytes);
        PyErr_Clear();
    }
#endif
    if (!starts) {
        return COMPAT_NO_START;
    }
    /* The lowest two bits say what has come before: 0 for nothing. */
    return (argument & 3) == 0 ? COMPAT_START : COMPAT_RESUME;
#endif
}

/* Returns the kind of start event that belongs to the instruction at this offset in bytes. Cython
 * gives the numbers of lines as offsets, so no instruction may be there. Reads the code in place,
 * because it is called at each exception. Returns no start up to 3.10, where no start event is
 * lost. */
static inline compat_start compat_start_at(PyCodeObject *code, Py_ssize_t offset)
{
    compat_start start = compat_start_right_at(code, offset);
#if PY_VERSION_HEX >= 0x030F0000
    /* The instruction has a cache, and raises there. Only in the copy of PyCode_GetCode are caches
     * zeros. */
    compat_start before = offset < 2 ? COMPAT_NO_START : compat_start_right_at(code, offset - 2);
    if (before != COMPAT_NO_START) {
        PyObject *bytes = PyCode_GetCode(code);
        const char *text = bytes == NULL ? NULL : PyBytes_AS_STRING(bytes);
        bool is_cache =
            text != NULL && text[offset] == CACHE && (unsigned char)text[offset - 2] == RESUME;
        start = is_cache ? before : start;
        Py_XDECREF(bytes);
        PyErr_Clear();
    }
#endif
    return start;
}

/* Returns compat_start_at for a place that raises an exception. It may be in the cache of any
 * instruction, whose counters look like instructions. */
static inline compat_start compat_start_raising_at(PyCodeObject *code, Py_ssize_t offset)
{
    compat_start start = compat_start_at(code, offset);
#if PY_VERSION_HEX >= 0x030B0000
    if (start == COMPAT_NO_START) {
        return start; /* nearly always */
    }
    PyObject *bytes = PyCode_GetCode(code);
    if (bytes == NULL) {
        PyErr_Clear();
        return COMPAT_NO_START;
    }
    /* Caches are zeros in the copy of PyCode_GetCode. From 3.15 on RESUME has a cache, and raises
     * there. */
    const char *instruction = &PyBytes_AS_STRING(bytes)[offset];
    if (PY_VERSION_HEX >= 0x030F0000 && instruction[0] == CACHE && offset >= 2) {
        instruction -= 2;
    }
    start = (unsigned char)instruction[0] != RESUME ? COMPAT_NO_START
            : (instruction[1] & 3) == 0             ? COMPAT_START
                                                    : COMPAT_RESUME;
    Py_DECREF(bytes);
#endif
    return start;
}

/* Returns true if the instruction at this offset calls with `*arguments`. Such an instruction
 * reports the call of a bound method, but not its end. */
static inline bool compat_calls_with_star(PyCodeObject *code, Py_ssize_t offset)
{
#if PY_VERSION_HEX < 0x030C0000
    (void)code, (void)offset;
    return false;
#else
    PyObject *bytes = PyCode_GetCode(code);
    bool has_star = bytes != NULL && offset >= 0 && offset < PyBytes_GET_SIZE(bytes) &&
                    (unsigned char)PyBytes_AS_STRING(bytes)[offset] == CALL_FUNCTION_EX;
    Py_XDECREF(bytes);
    PyErr_Clear();
    return has_star;
#endif
}

/* Returns true if a frame that ends is at its start. */
static inline bool compat_ends_at_start(PyFrameObject *frame, PyCodeObject *code)
{
#if PY_VERSION_HEX < 0x030B0000
    (void)frame, (void)code;
    return false;
#else
    return compat_start_raising_at(code, PyFrame_GetLasti(frame)) != COMPAT_NO_START;
#endif
}

/* Returns true if the frame of a generator that is entered continues. False may mean either. */
static inline bool compat_generator_continues(PyFrameObject *frame, PyCodeObject *code)
{
#if PY_VERSION_HEX < 0x030B0000
    (void)code;
    return frame->f_lasti >= 0;
#else
    return compat_start_at(code, PyFrame_GetLasti(frame)) == COMPAT_RESUME;
#endif
}

/* Returns a new reference to the qualified name, or NULL without an exception. */
static inline PyObject *compat_code_qualified_name(PyCodeObject *code)
{
#if PY_VERSION_HEX < 0x030B0000
    (void)code;
    return NULL;
#else
    Py_INCREF(code->co_qualname);
    return code->co_qualname;
#endif
}

#if PY_VERSION_HEX < 0x030C0000
#define compat_request_code_extra _PyEval_RequestCodeExtraIndex
#define compat_get_code_extra _PyCode_GetExtra
#define compat_set_code_extra _PyCode_SetExtra
#else
#define compat_request_code_extra PyUnstable_Eval_RequestCodeExtraIndex
#define compat_get_code_extra PyUnstable_Code_GetExtra
#define compat_set_code_extra PyUnstable_Code_SetExtra
#endif

/* Returns true for a coroutine, an async generator, or a generator that `await` takes, but not for
 * one that is only iterated. */
static inline bool compat_is_coroutine(PyCodeObject *code)
{
    return code->co_flags & (CO_COROUTINE | CO_ITERABLE_COROUTINE | CO_ASYNC_GENERATOR);
}

/* Returns true if an async generator yields an item to the code that iterates over it, and does not
 * wait. CPython exports the type of such values in some versions only. */
static inline bool compat_is_item(PyCodeObject *code, PyObject *yielded)
{
    return (code->co_flags & CO_ASYNC_GENERATOR) &&
           strcmp(Py_TYPE(yielded)->tp_name, "async_generator_wrapped_value") == 0;
}

/* Returns true if a generator's frame that gives `value` at its return event is suspended. */
static inline bool compat_is_suspended(PyFrameObject *frame, PyCodeObject *code, PyObject *value)
{
    if (value == NULL) {
        return false;
    }
#if PY_VERSION_HEX < 0x030A0000
    (void)code;
    return frame->f_stacktop != NULL;
#elif PY_VERSION_HEX < 0x030B0000
    (void)code;
    return frame->f_state == FRAME_SUSPENDED;
#elif PY_VERSION_HEX < 0x030C0000
    int at = PyFrame_GetLasti(frame);
    return at >= 0 && (unsigned char)code->co_code_adaptive[at] == YIELD_VALUE;
#else
    /* From 3.13 on the frame is at the instruction that comes next: RESUME. */
    int opcode = compat_frame_opcode(frame);
    (void)code;
    return opcode == YIELD_VALUE || opcode == RESUME;
#endif
}

/* Returns the frame that the calling thread runs, which is the given one up to 3.11. Its address
 * identifies a coroutine among all others. */
static inline uint64_t compat_running_frame(PyFrameObject *frame)
{
#if PY_VERSION_HEX < 0x030C0000
    return (uint64_t)(uintptr_t)frame;
#elif PY_VERSION_HEX < 0x030D0000
    (void)frame;
    return (uint64_t)(uintptr_t)PyThreadState_Get()->cframe->current_frame;
#else
    (void)frame;
    return (uint64_t)(uintptr_t)PyThreadState_Get()->current_frame;
#endif
}

/* Position of a generator's frame.
 *
 * Up to 3.10, f_lasti is -1 until the first instruction has run. From 3.11 on a generator starts at
 * the RESUME instruction behind RETURN_GENERATOR, whose offset is found once and kept with the code
 * object. An exception thrown into a generator that was not started has another offset, and is
 * never a start.
 *
 * Cython makes a frame and an empty code object for its events. A start and a resumption look the
 * same there, so each step counts as a call, as with cProfile. */
#if PY_VERSION_HEX < 0x030B0000

static inline int compat_generators_init(Py_ssize_t *slot)
{
    *slot = 0;
    return 0;
}

static inline bool compat_generator_starts(PyFrameObject *frame, PyCodeObject *code,
                                           Py_ssize_t slot)
{
    (void)code, (void)slot;
    return frame->f_lasti == -1;
}

/* Returns true if a frame that is left has never run, so that its start event began no call. */
static inline bool compat_generator_never_ran(PyFrameObject *frame) { return frame->f_lasti == -1; }

#else

/* Requests PEP 523's extra slot of code objects, which each interpreter numbers for itself. Returns
 * 0, or -1 with an exception. */
static inline int compat_generators_init(Py_ssize_t *slot)
{
    *slot = compat_request_code_extra(NULL);
    if (*slot < 0) {
        PyErr_SetString(PyExc_RuntimeError, "edbprof: other tools have taken all of this Python's "
                                            "code object slots");
        return -1;
    }
    return 0;
}

/* Returns the offset of the first RESUME behind RETURN_GENERATOR in bytes, or -1 without an
 * exception. */
static inline int compat_first_resume(PyCodeObject *code)
{
    int offset = -1;
    PyObject *bytes = PyCode_GetCode(code);
    if (bytes == NULL) {
        PyErr_Clear();
        return offset;
    }
    const unsigned char *codes = (const unsigned char *)PyBytes_AS_STRING(bytes);
    bool made = false; /* the generator: 3.15 runs a little of an expression before */
    for (Py_ssize_t i = 0; i < PyBytes_GET_SIZE(bytes); i += 2) {
        made = made || codes[i] == RETURN_GENERATOR;
        if (made && codes[i] == RESUME) {
            offset = (int)i;
            break;
        }
    }
    Py_DECREF(bytes);
    return offset;
}

static inline bool compat_is_at_first_resume(PyFrameObject *frame, PyCodeObject *code,
                                             Py_ssize_t slot)
{
    /* The slot holds the offset plus two; empty slots are NULL. */
    void *extra = NULL;
    if (compat_get_code_extra((PyObject *)code, slot, &extra) < 0) {
        PyErr_Clear();
    }
    if (extra == NULL) {
        extra = (void *)(Py_ssize_t)(compat_first_resume(code) + 2);
        if (compat_set_code_extra((PyObject *)code, slot, extra) < 0) {
            PyErr_Clear();
        }
    }
    int first = (int)((Py_ssize_t)extra - 2);
    return first < 0 || PyFrame_GetLasti(frame) == first;
}

static inline bool compat_generator_starts(PyFrameObject *frame, PyCodeObject *code,
                                           Py_ssize_t slot)
{
    /* Usually the generator resumes, and the instruction shows that. */
    return compat_start_at(code, PyFrame_GetLasti(frame)) != COMPAT_RESUME &&
           compat_is_at_first_resume(frame, code, slot);
}

static inline bool compat_generator_never_ran(PyFrameObject *frame)
{
    (void)frame;
    return false;
}

#endif

/* Returns true if the calling Python thread, which ends, was made for one call into Python: by
 * PyGILState_Ensure, or by C code that does the same. */
static inline bool compat_ends_callback(const PyThreadState *tstate)
{
#if PY_VERSION_HEX < 0x030D0000
    return tstate->gilstate_counter == 0;
#else
    enum { UNKNOWN = 0, GILSTATE = 4 }; /* _PyThreadState_WHENCE_... in cpython/pystate.h */
    return tstate->_whence == UNKNOWN || tstate->_whence == GILSTATE;
#endif
}

#if PY_VERSION_HEX >= 0x030C0000
/* Python/legacy_tracing.c; later public headers do not declare it. */
__attribute__((weak)) int _PyEval_SetProfile(PyThreadState *, Py_tracefunc, PyObject *);
#endif

/* Sets the profile function of another Python thread. Runs no Python code up to 3.11, if there is
 * another reference to the argument that it replaces. */
static inline void compat_set_profile_in(PyThreadState *tstate, Py_tracefunc function,
                                         PyObject *argument)
{
#if PY_VERSION_HEX < 0x030C0000
    bool traces = function != NULL || tstate->c_tracefunc != NULL;
    Py_XINCREF(argument);
    Py_XSETREF(tstate->c_profileobj, argument);
    tstate->c_profilefunc = function;
#if PY_VERSION_HEX < 0x030A0000
    tstate->use_tracing = traces;
#elif PY_VERSION_HEX < 0x030B0000
    tstate->cframe->use_tracing = traces;
#else
    tstate->cframe->use_tracing = traces && tstate->tracing == 0 ? 255 : 0;
#endif
#else
    if (_PyEval_SetProfile != NULL && _PyEval_SetProfile(tstate, function, argument) < 0) {
        PyErr_Clear();
    }
#endif
}

/* Sets the profile function of the calling thread. PyEval_SetProfile would print the exception of
 * an audit hook that forbids it. Up to 3.11 it is set all the same. */
static inline void compat_set_profile(PyThreadState *tstate, Py_tracefunc function,
                                      PyObject *argument)
{
#if PY_VERSION_HEX < 0x030C0000
    if (_PyEval_SetProfile(tstate, function, argument) < 0) {
        PyErr_Clear();
        compat_set_profile_in(tstate, function, argument);
    }
#else
    if (_PyEval_SetProfile == NULL) {
        PyEval_SetProfile(function, argument);
    } else {
        compat_set_profile_in(tstate, function, argument);
    }
#endif
}

/* Takes the pending exception, if any; NULL for none. Give it back to
 * compat_restore_exception, which may be given NULL. */
static inline PyObject *compat_take_exception(void)
{
#if PY_VERSION_HEX < 0x030C0000
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (type == NULL) {
        return NULL;
    }
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(value, traceback);
    }
    Py_DECREF(type);
    Py_XDECREF(traceback);
    return value;
#else
    return PyErr_GetRaisedException();
#endif
}

static inline void compat_restore_exception(PyObject *exception)
{
    if (exception == NULL) {
        return;
    }
#if PY_VERSION_HEX < 0x030C0000
    Py_INCREF(Py_TYPE(exception));
    PyErr_Restore((PyObject *)Py_TYPE(exception), exception, PyException_GetTraceback(exception));
#else
    PyErr_SetRaisedException(exception);
#endif
}

/* Outcome of a step of a generator or an awaitable. */
typedef enum { COMPAT_YIELDED, COMPAT_RETURNED, COMPAT_RAISED } compat_step;

/* Calls `next` (for None) or `send` of an iterator or generator. *result is a new reference,
 * or NULL if that raised. */
static inline compat_step compat_send(PyObject *iterator, PyObject *value, PyObject **result)
{
#if EDBPROF_HAVE_SEND
    switch (PyIter_Send(iterator, value, result)) {
    case PYGEN_NEXT: return COMPAT_YIELDED;
    case PYGEN_RETURN: return COMPAT_RETURNED;
    default: return COMPAT_RAISED;
    }
#else
    if (value == Py_None && PyIter_Check(iterator)) {
        *result = Py_TYPE(iterator)->tp_iternext(iterator);
    } else {
        *result = PyObject_CallMethod(iterator, "send", "O", value);
    }
    if (*result != NULL) {
        return COMPAT_YIELDED;
    }
    if (_PyGen_FetchStopIterationValue(result) == 0) {
        return COMPAT_RETURNED;
    }
    return COMPAT_RAISED;
#endif
}

#endif
