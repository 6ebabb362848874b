/* Choice: the Python functions that a recorder records. */
#include "choice.h"

#include "guard.h"
#include "interpreter.h"

/* All choices of this process, by number. */
static choice **all_choices; /* under process_lock */
static size_t choice_count;

/* ---- facts of a code object ------------------------------------------------ */

/* The slot of a code object has three bits for each of the first choices: code was matched, is
 * chosen, has local events. Later choices match the code each time. So do choices of other
 * interpreters, because each interpreter numbers the slots for itself. */
enum { KNOWN = 1, CHOSEN = 2, LOCAL = 4, BITS = 3, MOST_NOTED = 8 * sizeof(uintptr_t) / BITS };
enum { UNNOTED = INT_MAX };

static Py_ssize_t code_slot = -1;

static uintptr_t notes_of(PyCodeObject *code)
{
    void *extra = NULL;
    if (code_slot >= 0 && compat_get_code_extra((PyObject *)code, code_slot, &extra) < 0) {
        PyErr_Clear();
    }
    return (uintptr_t)extra;
}

static unsigned note_of(const choice *self, PyCodeObject *code)
{
    return self->number >= MOST_NOTED
               ? 0
               : notes_of(code) >> (BITS * self->number) & (KNOWN | CHOSEN | LOCAL);
}

static void note(const choice *self, PyCodeObject *code, unsigned bits)
{
    if (code_slot < 0 || self->number >= MOST_NOTED) {
        return;
    }
    EDBPROF_GUARDED;
    uintptr_t notes = notes_of(code) | (uintptr_t)bits << (BITS * self->number);
    if (compat_set_code_extra((PyObject *)code, code_slot, (void *)notes) < 0) {
        PyErr_Clear();
    }
}

/* ---- matching -------------------------------------------------------------- */

static bool matches(const choice *self, PyCodeObject *code)
{
    named function;
    name_code(&function, code);
    bool chosen = false;
    if ((function.function.flags & EDBPROF_HIDDEN) == 0) {
        PyObject *origin = name_origin(code);
        PyObject *owner = NULL;
        edbprof_str text = name_text(origin, &owner);
        chosen = edbprof_choice_matches(self->patterns, &function.function, text) != 0;
        Py_XDECREF(owner);
        Py_XDECREF(origin);
    }
    named_clear(&function);
    return chosen;
}

/* Matching may make Python objects, which must not meet a pending exception. */
static Py_NO_INLINE bool match_and_note(const choice *self, PyCodeObject *code)
{
    PyObject *exception = compat_take_exception();
    bool chosen = matches(self, code);
    PyErr_Clear();
    note(self, code, chosen ? KNOWN | CHOSEN : KNOWN);
    compat_restore_exception(exception);
    return chosen;
}

bool choice_has(const choice *self, PyCodeObject *code)
{
    unsigned bits = note_of(self, code);
    return bits & KNOWN ? (bits & CHOSEN) != 0 : match_and_note(self, code);
}

bool choice_is_noted(const choice *self) { return code_slot >= 0 && self->number < MOST_NOTED; }

void choice_note_local(const choice *self, PyCodeObject *code) { note(self, code, LOCAL); }

bool choice_is_local(const choice *self, PyCodeObject *code)
{
    return (note_of(self, code) & LOCAL) != 0;
}

bool choice_is_known_to_have(const choice *self, PyCodeObject *code)
{
    return choice_is_noted(self) ? (note_of(self, code) & CHOSEN) != 0 : match_and_note(self, code);
}

/* ---- making ---------------------------------------------------------------- */

/* Strings of a sequence, valid as long as `owners`. */
typedef struct {
    PyObject *fast, *owners;
    edbprof_str *items;
    size_t count;
} strings;

static void strings_clear(strings *self)
{
    PyMem_Free(self->items);
    Py_CLEAR(self->owners);
    Py_CLEAR(self->fast);
}

/* Returns 0, or -1 with an exception. */
static int strings_read(strings *self, PyObject *sequence)
{
    *self = (strings){0};
    if (sequence == NULL || sequence == Py_None) {
        return 0;
    }
    if (PyUnicode_Check(sequence)) {
        PyErr_SetString(PyExc_TypeError, "patterns must be a sequence of str, not a str");
        return -1;
    }
    self->fast = PySequence_Fast(sequence, "patterns must be a sequence of str");
    Py_ssize_t count = self->fast == NULL ? 0 : PySequence_Fast_GET_SIZE(self->fast);
    self->items = PyMem_Calloc((size_t)count + 1, sizeof *self->items);
    self->owners = PyList_New(0);
    if (self->fast == NULL || self->items == NULL || self->owners == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_NoMemory();
        }
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(self->fast, i);
        if (!PyUnicode_Check(item)) {
            PyErr_Format(PyExc_TypeError, "a pattern must be a str, not %s",
                         Py_TYPE(item)->tp_name);
            return -1;
        }
        PyObject *owner = PyUnicode_AsEncodedString(item, "utf-8", "replace");
        if (owner == NULL || PyList_Append(self->owners, owner) < 0) {
            Py_XDECREF(owner);
            return -1;
        }
        self->items[self->count++] = name_bytes(owner);
        Py_DECREF(owner);
    }
    return 0;
}

/* Returns the known choice with the text of `new`, or NULL. */
static choice *find_known(const choice *new)
{
    for (size_t i = 0; i < choice_count; i++) {
        bool is_alike = (new->number == UNNOTED) == (all_choices[i]->number == UNNOTED);
        if (is_alike && strcmp(all_choices[i]->text, new->text) == 0) {
            return all_choices[i];
        }
    }
    return NULL;
}

/* Adds a choice. Returns NULL without memory. */
static choice *add_choice(choice *new, bool is_main)
{
    choice **grown = PyMem_RawRealloc(all_choices, (choice_count + 1) * sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    all_choices = grown;
    new->number = is_main ? (unsigned)choice_count : UNNOTED;
    all_choices[choice_count++] = new;
    return new;
}

/* Returns the choice with these patterns, which it takes over. NULL with an exception. */
static const choice *intern(edbprof_choice *patterns)
{
    EDBPROF_GUARDED;
    bool is_main = PyInterpreterState_Get() == PyInterpreterState_Main();
    if (is_main && code_slot < 0) {
        code_slot = compat_request_code_extra(NULL);
    }
    size_t length = edbprof_choice_text(patterns, NULL, 0);
    choice *new = PyMem_RawCalloc(1, sizeof *new);
    char *text = PyMem_RawCalloc(1, length + 1);
    choice *found = NULL;
    if (new != NULL && text != NULL) {
        edbprof_choice_text(patterns, text, length + 1);
        *new = (choice){patterns, is_main ? 0 : UNNOTED, text};
        process_lock_take();
        found = find_known(new);
        found = found != NULL ? found : add_choice(new, is_main);
        process_lock_give();
    }
    if (found == NULL) {
        PyErr_NoMemory();
    }
    if (found == NULL || found != new) {
        edbprof_choice_free(patterns);
        PyMem_RawFree(text);
        PyMem_RawFree(new);
    }
    return found;
}

int choice_find(PyObject *record, PyObject *no_record, PyObject *libraries, const choice **found)
{
    strings given[3];
    PyObject *sequences[3] = {record, no_record, libraries};
    int result = 0;
    *found = NULL;
    for (int i = 0; i < 3; i++) {
        /* Each is cleared below, also where an earlier one has failed. */
        result = strings_read(&given[i], result == 0 ? sequences[i] : NULL) < 0 ? -1 : result;
    }
    if (result == 0 && given[0].count + given[1].count > 0) {
        edbprof_choice *patterns;
        edbprof_status status =
            edbprof_choice_new(given[0].items, given[0].count, given[1].items, given[1].count,
                               given[2].items, given[2].count, &patterns);
        if (status == EDBPROF_OK) {
            *found = intern(patterns);
        } else if (status == EDBPROF_BAD_ARGUMENT) {
            PyErr_SetString(PyExc_ValueError, "an empty pattern matches nothing");
        } else {
            PyErr_NoMemory();
        }
        result = *found == NULL ? -1 : 0;
    }
    for (int i = 0; i < 3; i++) {
        strings_clear(&given[i]);
    }
    return result;
}
