// The sandwich: all callers of the chosen function above it, all of its callees below.

import { Graph } from '../model/frames';
import type { Selection } from '../model/selection';
import type { State } from '../state';
import { make } from '../ui/dom';
import type { Tip } from '../ui/tip';
import { FlameGraph, type Actions } from './flame';

export class Sandwich {
  readonly element: HTMLElement;
  private readonly callers: FlameGraph;
  private readonly callees: FlameGraph;
  private readonly hint = make('p', { class: 'hint' });
  private readonly halves: HTMLElement;
  private made: { selection: Selection; fn: number; callers: Graph; callees: Graph } | null = null;

  constructor(tip: Tip, actions: Pick<Actions, 'tell'> & { choose(fn: number): void }) {
    const choose: Actions = { tell: actions.tell, zoom: (_, fn) => actions.choose(fn) };
    this.callers = new FlameGraph('Callers', tip, choose);
    this.callees = new FlameGraph('Callees', tip, choose);
    this.halves = make(
      'div',
      { class: 'halves' },
      make('h2', {}, 'Callers'),
      this.callers.element,
      make('h2', {}, 'Callees'),
      this.callees.element,
    );
    this.element = make('div', { class: 'sandwich' }, this.hint, this.halves);
  }

  show(selection: Selection, state: State, matches: Uint8Array | null): void {
    const { profile } = selection;
    const { fn } = state;
    const name = profile.functions.name[fn];
    this.halves.hidden = name === undefined;
    this.hint.hidden = name !== undefined;
    this.hint.textContent = 'Choose a function in another view to see its callers and callees.';
    if (name === undefined) return;
    if (this.made?.selection !== selection || this.made.fn !== fn) {
      this.made = {
        selection,
        fn,
        callers: Graph.of(selection, fn, 'callers'),
        callees: Graph.of(selection, fn, 'callees'),
      };
    }
    const shared = { selection, zoom: [], matches, chosen: fn, rootLabel: name };
    this.callers.show({ ...shared, graph: this.made.callers, growsUp: true });
    this.callees.show({ ...shared, graph: this.made.callees, growsUp: false });
  }

  recolour(): void {
    this.callers.recolour();
    this.callees.recolour();
  }
}
