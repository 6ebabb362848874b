// The call tree: a table whose rows unfold from the roots on.

import { pathTo, type Frame, type Graph } from '../model/frames';
import {
  countingMatches,
  frameFigures,
  hasCallees,
  hasMatchBelow,
  heaviestPath,
  treeRows,
  unfoldedAtFirst,
  type TreeRows,
} from '../model/call_tree';
import {
  countUnfolded,
  fold,
  MOST,
  readUnfolded,
  unfold,
  writeUnfolded,
  type Unfolded,
} from '../model/unfolded';
import type { Selection } from '../model/selection';
import type { State } from '../state';
import type { TreeFigures } from '../text/copy';
import { count, counted } from '../text/numbers';
import { button, make } from '../ui/dom';
import { inParts, inSteps, OBJECTS, type Steps } from '../work';
import { nameCell } from './cells';
import { COLUMNS, figureCells } from './columns';
import { Grid } from './grid';

/** Width of a level, pixels: in windows that are wide, and in narrow ones. */
const LEVEL = 14;
const NARROW_LEVEL = 8;
/** Column of names that is narrow, pixels, and the part of a column that levels may take. */
const NARROW = 240;
const INDENTED = 0.45;

export interface TreeActions {
  change(change: Partial<State>): void;
  tell(text: string): void;
}

/** All that the rows are made of. */
interface Made {
  graph: Graph;
  unfolded: Unfolded;
  rows: TreeRows;
  /** Frame of the zoom, which is the chosen row; the root if there is none. */
  chosen: Frame;
  fn: number;
  matches: Uint8Array | null;
  /** Numbers of matches before each node. */
  before: Uint32Array | null;
}

export class CallTree {
  readonly element: HTMLElement;
  private readonly status = make('output', { class: 'number-of-rows', 'aria-live': 'polite' });
  private readonly levels = make('span', { class: 'number-of-rows' });
  private readonly grid: Grid;
  private made: Made | null = null;
  /** Levels that are not indented, because the rows in sight are deep, and the width of others. */
  private shift = 0;
  private level = LEVEL;
  /** Most levels that are indented. */
  private room = 0;
  private counted: { matches: Uint8Array; graph: Graph; before: Uint32Array } | null = null;
  /** Frame that becomes the current row once its row is made. */
  private next: Frame | null = null;

  constructor(private readonly actions: TreeActions) {
    const label =
      'Call tree; Right unfolds, Left folds, h unfolds the heaviest path, Enter chooses';
    this.grid = new Grid(label, 'treegrid', 'tree', {
      row: index => this.row(index),
      key: (key, index) => this.key(key, index),
      prepare: (first, last) => this.prepare(first, last),
    });
    this.grid.heads(
      make('div', { role: 'columnheader', class: 'name' }, 'Function'),
      ...COLUMNS.map(({ title, wide }) =>
        make('div', { role: 'columnheader', class: wide }, title),
      ),
    );
    this.element = make(
      'div',
      { class: 'functions' },
      make(
        'div',
        { class: 'controls' },
        button('Unfold the heaviest path', () => void this.toHeaviest(this.grid.at), {
          title: 'From the current row on; with a search, to the heaviest match (h)',
        }),
        button('Fold all', () =>
          this.actions.change({ unfolded: writeUnfolded(new Map()), zoom: [] }),
        ),
      ),
      this.grid.element,
      make('div', {}, this.status, this.levels),
    );
  }

  /** Returns the figures of all rows. */
  *copied(selection: Selection): Steps<TreeFigures[]> {
    const { frames } = this.made!.rows;
    const rows: TreeFigures[] = [];
    const add = (first: number, last: number) => {
      for (const frame of frames.slice(first, last)) {
        rows.push({ ...frameFigures(selection, frame), level: frame.depth - 1 });
      }
    };
    yield* inParts(frames.length, add, OBJECTS);
    return rows;
  }

  /** Makes the rows, then what shows them. */
  *making(graph: Graph, state: State, matches: Uint8Array | null): Steps<() => void> {
    const unfolded = state.unfolded ? readUnfolded(state.unfolded) : yield* unfoldedAtFirst(graph);
    const chosen = yield* graph.find(state.zoom);
    if (chosen.parent) unfold(unfolded, pathTo(chosen.parent));
    const rows = yield* treeRows(graph, unfolded);
    const before = matches && (yield* this.count(graph, matches));
    const made = { graph, unfolded, rows, chosen, fn: state.fn, matches, before };
    return () => this.show(made);
  }

  private *count(graph: Graph, matches: Uint8Array): Steps<Uint32Array> {
    if (this.counted?.graph !== graph || this.counted.matches !== matches) {
      const before = yield* countingMatches(graph.selection, matches);
      this.counted = { matches, graph, before };
    }
    return this.counted.before;
  }

  private show(made: Made): void {
    const { grid } = this;
    const was = this.made;
    const isOther = was?.graph !== made.graph;
    const isChosen = made.chosen.parent !== null && made.chosen !== was?.chosen;
    // The current row stays where it is, or becomes the one that it is folded into.
    const wanted = this.next ?? (isOther || isChosen ? made.chosen : was.rows.frames[grid.at]);
    this.made = made;
    this.next = null;
    const { frames } = made.rows;
    this.status.textContent = counted(frames.length, 'call path', 'call paths');
    grid.show(frames.length, isOther);
    for (let at: Frame | null = wanted ?? null; at; at = at.parent) {
      // Rows are often near the one before.
      const index = frames[grid.at] === at ? grid.at : frames.indexOf(at);
      if (index < 0) continue;
      grid.moveTo(index);
      break;
    }
  }

  /** Says from which level on rows are indented, where those in sight are too deep. */
  private prepare(first: number, last: number): void {
    if (!this.made) return;
    const { frames } = this.made.rows;
    let deepest = 0;
    for (let index = first; index < last; index++) {
      deepest = Math.max(deepest, frames[index]!.depth);
    }
    const { nameWidth } = this.grid;
    this.level = nameWidth < NARROW ? NARROW_LEVEL : LEVEL;
    this.room = Math.max(4, Math.floor((INDENTED * nameWidth) / this.level));
    this.shift = Math.max(0, deepest - this.room);
    const text = `; indented from level ${count(this.shift + 1)} on`;
    this.levels.textContent = this.shift > 0 ? text : '';
  }

  private row(index: number): HTMLElement {
    const { graph, rows, chosen, fn, matches, before } = this.made!;
    const { selection } = graph;
    const { profile } = selection;
    const frame = rows.frames[index]!;
    const isOpen = rows.open.has(frame);
    const isCaller = hasCallees(selection, frame);
    const space = make('span', { class: 'indent', 'aria-hidden': 'true' });
    const levels = Math.max(0, Math.min(frame.depth - 1 - this.shift, this.room));
    space.style.width = `${this.level * levels}px`;
    space.style.backgroundSize = `${this.level}px 100%`;
    const toggle = isCaller
      ? button(isOpen ? '▾' : '▸', () => this.toggle(frame), {
          class: 'toggle',
          tabindex: -1,
          'aria-label': `Callees of ${profile.functions.name[frame.fn]!}`,
        })
      : make('span', { class: 'toggle' });
    const isMatch = matches?.[frame.fn] === 1;
    const isDim = before !== null && !isMatch && !hasMatchBelow(selection, frame, before);
    const isChosen = frame === chosen;
    const element = make(
      'div',
      {
        role: 'row',
        class: [
          'row',
          isChosen ? 'chosen' : frame.fn === fn ? 'same-function' : '',
          isMatch ? 'match' : isDim ? 'no-match' : '',
        ].join(' '),
        'aria-level': frame.depth,
        'aria-posinset': rows.places[index]!,
        'aria-setsize': frame.parent!.next!.length,
        'aria-selected': String(isChosen),
        click: (event: MouseEvent) => this.click(event, index),
      },
      nameCell(profile, frame.fn, space, toggle),
      ...figureCells(frameFigures(selection, frame), selection),
    );
    if (isCaller) element.setAttribute('aria-expanded', String(isOpen));
    return element;
  }

  private click(event: MouseEvent, index: number): void {
    const isToggle = event.target instanceof HTMLElement && event.target.closest('button.toggle');
    if (isToggle) return;
    const frame = this.made!.rows.frames[index]!;
    if (event.detail === 2) this.toggle(frame);
    else this.choose(index);
  }

  private choose(index: number): void {
    const { rows, unfolded } = this.made!;
    const frame = rows.frames[index]!;
    this.grid.choose(index);
    // Rows that the earlier zoom has unfolded stay unfolded.
    const change = { zoom: pathTo(frame), fn: frame.fn, unfolded: writeUnfolded(unfolded) };
    this.actions.change(change);
  }

  private toggle(frame: Frame): void {
    const { rows, chosen, graph } = this.made!;
    const unfolded = this.unfoldedNow();
    if (!hasCallees(graph.selection, frame)) return;
    const path = pathTo(frame);
    const change: Partial<State> = {};
    if (rows.open.has(frame)) {
      fold(unfolded, path);
      for (let at: Frame | null = chosen.parent; at; at = at.parent) {
        if (at === frame) change.zoom = path;
      }
    } else unfold(unfolded, path);
    this.next = frame;
    this.unfold(unfolded, change);
  }

  private unfoldedNow(): Unfolded {
    return readUnfolded(writeUnfolded(this.made!.unfolded));
  }

  private unfold(unfolded: Unfolded, change: Partial<State> = {}): void {
    if (countUnfolded(unfolded) > MOST) {
      this.actions.tell(`At most ${count(MOST)} call paths can be unfolded: fold some first`);
      return;
    }
    this.actions.change({ ...change, unfolded: writeUnfolded(unfolded) });
  }

  private async toHeaviest(index: number): Promise<void> {
    const { made } = this;
    const start = made?.rows.frames[index];
    if (!start) return;
    const { graph, matches, before } = made;
    const isBelow = (frame: Frame) => hasMatchBelow(graph.selection, frame, before!);
    const within = (frame: Frame) =>
      matches![frame.fn] === 1 ? 'itself' : isBelow(frame) ? 'below' : 'no';
    const last = await inSteps(heaviestPath(graph, start, before && within));
    if (this.made !== made || last === start) return;
    const unfolded = this.unfoldedNow();
    unfold(unfolded, pathTo(last.parent!));
    this.next = last;
    this.unfold(unfolded);
  }

  /** Does what keys do in tables whose rows unfold, by the pattern of ARIA. */
  private key(key: string, index: number): boolean {
    const { rows, graph } = this.made!;
    const frame = rows.frames[index]!;
    const isOpen = rows.open.has(frame);
    if (key === 'Enter' || key === ' ') this.choose(index);
    else if (key === 'h') void this.toHeaviest(index);
    else if (key === 'ArrowRight') {
      if (isOpen) this.grid.moveTo(index + 1);
      else if (hasCallees(graph.selection, frame)) this.toggle(frame);
    } else if (key === 'ArrowLeft') {
      if (isOpen) this.toggle(frame);
      else if (frame.parent!.parent) this.grid.moveTo(rows.frames.indexOf(frame.parent!));
    } else return false;
    return true;
  }
}
