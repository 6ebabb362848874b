// The line below the views: all of the chosen function, its whole name included.

import { place, type Profile } from '../data/profile';
import { figuresOf, type Figures } from '../model/figures';
import type { Selection } from '../model/selection';
import type { Store } from '../state';
import { counted, duration, share } from '../text/numbers';
import { button, make } from '../ui/dom';

export class Details {
  readonly element = make('footer', { id: 'details', 'aria-label': 'Chosen function' });

  constructor(
    private readonly profile: Profile,
    private readonly store: Store,
  ) {}

  /** Shows a function; `figures` has those of all functions. */
  show(selection: Selection, figures: readonly Figures[], fn: number): void {
    const { element, profile } = this;
    element.hidden = fn < 0 || fn >= profile.functions.name.length;
    if (element.hidden) return;
    const row = figuresOf(figures, fn);
    const file = profile.files[profile.functions.file[fn]!];
    const name = make('strong', {}, profile.functions.name[fn]!);
    const at = make('span', { class: 'place', title: file?.path ?? '' }, place(profile, fn));
    const text = row ? figuresText(selection, row) : 'not in what is shown';
    const isTo = (view: 'sandwich' | 'table') => this.store.state.view !== view;
    const actions = make('span', { class: 'actions' });
    if (isTo('sandwich'))
      actions.append(button('Sandwich', () => this.store.set({ view: 'sandwich' })));
    actions.append(
      button('Search', () => this.store.set({ search: this.pattern(fn) })),
      button('×', () => this.store.set({ fn: -1 }), { 'aria-label': 'Choose no function' }),
    );
    element.replaceChildren(make('p', {}, name, ' ', at), make('p', {}, text), actions);
  }

  /** Returns a regular expression that matches the function's name. */
  private pattern(fn: number): string {
    const name = this.profile.functions.name[fn]!.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    return `^${name}( |$)`;
  }
}

function figuresText(selection: Selection, row: Figures): string {
  const { wholeTime } = selection;
  const waiting = row.waiting > 0 ? `, of that waiting ${duration(row.waiting)}` : '';
  return (
    (row.isEstimated ? '≈ ' : '') +
    `total ${duration(row.total)} (${share(row.total, wholeTime)}), ` +
    `self ${duration(row.self)} (${share(row.self, wholeTime)})${waiting}, ` +
    counted(row.calls, 'call', 'calls')
  );
}
