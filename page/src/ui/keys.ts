// Keys that work wherever the focus is, except in text fields.

import type { Store } from '../state';
import type { Toolbar } from './toolbar';

export interface KeyActions {
  copy(): void;
  theme(): void;
  help(): void;
}

export function listenToKeys(store: Store, toolbar: Toolbar, actions: KeyActions): void {
  addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector('dialog[open]')) return;
    const { target } = event;
    const isTyping =
      (target instanceof HTMLInputElement && target.type === 'search') ||
      target instanceof HTMLSelectElement;
    if (event.key === 'Escape') escape(store, target);
    else if (isTyping || !press(event.key, store, toolbar, actions)) return;
    event.preventDefault();
  });
}

/** Ends the search, or zooms out, whichever there is. */
function escape(store: Store, target: EventTarget | null): void {
  const { search, zoom, from, to, t0, t1 } = store.state;
  if (search) store.set({ search: '' }, true);
  else if (zoom.length > 0 || t1 > t0) store.set({ zoom: [], t0: 0, t1: 0 });
  else if (to > from) store.set({ from: 0, to: 0 });
  if (target instanceof HTMLInputElement) target.blur();
}

/** Does what `key` stands for. Returns false if that is nothing. */
function press(key: string, store: Store, toolbar: Toolbar, actions: KeyActions): boolean {
  const { state } = store;
  const view = /^[1-9]$/.test(key) ? toolbar.views[Number(key) - 1] : undefined;
  if (view) store.set({ view });
  else if (key === '/') toolbar.find();
  else if (key === '0') store.set({ zoom: [], t0: 0, t1: 0 });
  else if (key === 's') store.set({ view: 'sandwich' });
  else if (key === 'm') store.set({ mine: !state.mine, zoom: [] });
  else if (key === 'i') store.set({ imports: !state.imports, zoom: [] });
  else if (key === 'f') store.set({ flame: !state.flame });
  else if (key === 'c') actions.copy();
  else if (key === 't') actions.theme();
  else if (key === '?') actions.help();
  else return false;
  return true;
}
