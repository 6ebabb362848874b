// The sandwich: all callers of the chosen function above it, all of its callees below.

import { functionFigures, heaviest } from '../model/figures';
import { Graph } from '../model/frames';
import type { Selection } from '../model/selection';
import type { State } from '../state';
import { make } from '../ui/dom';
import type { Steps } from '../work';
import type { Tip } from '../ui/tip';
import { FlameGraph, type Actions } from './flame';
import { layout } from './layout';

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

  /**
   * Makes both graphs, then what shows them. They are those of the function with the most time of
   * its own until one is chosen.
   */
  *making(
    selection: Selection,
    state: State,
    matches: Uint8Array | null,
    width: number,
  ): Steps<() => void> {
    const { name: names } = selection.profile.functions;
    const isChosen = names[state.fn] !== undefined;
    const fn = isChosen ? state.fn : heaviest(selection.profile, yield* functionFigures(selection));
    const name = names[fn];
    if (name !== undefined && (this.made?.selection !== selection || this.made.fn !== fn)) {
      const callers = yield* Graph.of(selection, fn, 'callers');
      const callees = yield* Graph.of(selection, fn, 'callees');
      for (const graph of [callers, callees]) yield* layout(graph, graph.root, width);
      this.made = { selection, fn, callers, callees };
    }
    const { made } = this;
    return () => {
      this.halves.hidden = name === undefined;
      this.hint.hidden = isChosen;
      this.hint.textContent =
        (name === undefined ? '' : `${name} has the most time of its own. `) +
        'Choose a function in any view to see its callers and callees.';
      if (name === undefined) return;
      const shared = { selection, zoom: [], matches, chosen: fn, rootLabel: name };
      this.callers.show({ ...shared, graph: made!.callers, growsUp: true });
      this.callees.show({ ...shared, graph: made!.callees, growsUp: false });
    };
  }

  recolour(): void {
    this.callers.recolour();
    this.callees.recolour();
  }
}
