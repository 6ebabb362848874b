/* A thread's list of the recorders that record in it. */
#include "active.h"

#include "recorder.h"

/* The choice of all recorders of a list; NULL if they differ, or if there is none. */
static const choice *common_choice(const active_recorders *list)
{
    const choice *common = list->count > 0 ? list->items[0].owner->choice : NULL;
    for (size_t i = 1; i < list->count; i++) {
        if (list->items[i].owner->choice != common) {
            return NULL;
        }
    }
    return common;
}

void active_choose_fast_way(active_recorders *list)
{
    active_go_slowly(list);
    const active_recorder *first = list->count == 1 ? list->items : NULL;
    if (list->count == 0 || (first != NULL && active_must_stop(first))) {
        return;
    }
    bool skips_builtins = true, records_types = false;
    for (size_t i = 0; i < list->count; i++) {
        const recorder *owner = list->items[i].owner;
        skips_builtins = skips_builtins && !owner->builtins && !owner->builtins_changed;
        records_types = records_types || owner->record_types;
    }
    shared_store(&list->skips_builtins, skips_builtins);
    shared_store(&list->records_types, records_types);
    hook_kind hook = list->items[0].owner->hook;
    if (hook == HOOK_SETPROFILE && !active_must_stop(list->items)) {
        shared_store(&list->filter, common_choice(list));
    }
    if (first == NULL || first->owner->timer != NULL) {
        return;
    }
    const recorder *owner = first->owner;
    if (list->filter != NULL) {
        shared_store(&list->filtered_handle, first->handle);
        return;
    }
    /* The hook 'monitoring' does not filter before its fast path. */
    if (owner->choice != NULL && hook < HOOK_CHOSEN) {
        return;
    }
    /* PyEval_SetProfile reports no classes. */
    bool is_fast = owner->builtins && !owner->builtins_changed &&
                   (!owner->record_types || hook == HOOK_SETPROFILE);
    edbprof_thread *builtins = is_fast ? first->handle : NULL;
    shared_store(&list->fast_handle, first->handle);
    shared_store(&list->fast_builtins, builtins);
    if (!owner->timeline) {
        shared_store(&list->end_handle, first->handle);
        shared_store(&list->end_builtins, builtins);
    }
}

void active_remove(active_recorders *list, active_recorder *known)
{
    (void)edbprof_leave_all(known->handle);
    size_t behind = list->count - (size_t)(known - list->items) - 1;
    memmove(known, known + 1, behind * sizeof *known);
    list->count--;
}
