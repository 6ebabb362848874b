/* Choice: the Python functions that a recorder records.
 *
 * Choices with the same text are the same object, which is kept as long as the process. A code
 * object is matched once for each choice, and the result is kept with the code object. */
#ifndef EDBPROF_CHOICE_H
#define EDBPROF_CHOICE_H

#include "names.h"

typedef struct {
    edbprof_choice *patterns;
    unsigned number; /* of the choice; UNNOTED outside of the main interpreter */
    char *text;      /* result of edbprof_choice_text */
} choice;

/* Finds or makes the choice of these sequences of patterns, any of which may be NULL; *found
 * becomes NULL if no pattern is given. `libraries`: directories of code that is not the program's
 * own. Returns 0, or -1 with an exception. */
int choice_find(PyObject *record, PyObject *no_record, PyObject *libraries, const choice **found);

/* Returns true if calls of this code object are recorded. One of its frames runs, or is open. */
bool choice_has(const choice *self, PyCodeObject *code);

/* Returns true if this code object was matched, and its calls are recorded. */
bool choice_is_known_to_have(const choice *self, PyCodeObject *code);

/* Returns true if code objects keep the results of this choice. */
bool choice_is_noted(const choice *self);

/* Notes that the choice's tool has local events of this code object, and returns true if so. */
void choice_note_local(const choice *self, PyCodeObject *code);
bool choice_is_local(const choice *self, PyCodeObject *code);

#endif
