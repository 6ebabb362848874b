// The rows of the table of functions: sorted, filtered, with callers and callees of open ones.

import { searched, type Profile } from '../data/profile';
import { calleesOf, callersOf, type Figures } from '../model/figures';
import { ascending } from '../model/order';
import { expression } from '../model/search';
import type { Selection } from '../model/selection';
import type { State } from '../state';
import { inParts, OBJECTS, type Steps } from '../work';

/** Keys by which functions are sorted; other tables have others. */
const KEYS = ['name', 'calls', 'self', 'total', 'per', 'waiting'] as const;
type FigureKey = (typeof KEYS)[number];

export function sortKey({ sort }: Pick<State, 'sort'>): FigureKey {
  return KEYS.find(key => key === sort) ?? 'self';
}

export interface FunctionRow {
  kind: 'function' | 'caller' | 'callee';
  figures: Figures;
  isOpen: boolean;
}

/** Returns the rows that `filter` leaves, or `null` if it is no regular expression. */
export function* filtered(
  profile: Profile,
  figures: readonly Figures[],
  filter: string,
): Steps<readonly Figures[] | null> {
  if (!filter) return figures;
  const pattern = expression(filter);
  if (!pattern) return null;
  const left: Figures[] = [];
  const match = (first: number, last: number) => {
    for (const row of figures.slice(first, last)) {
      if (pattern.test(searched(profile, row.fn))) left.push(row);
    }
  };
  yield* inParts(figures.length, match, OBJECTS);
  return left;
}

/** Returns `figures` sorted; equal ones stay in their order. `ranks` has the order of names. */
export function* sortFigures(
  figures: readonly Figures[],
  key: FigureKey,
  isAscending: boolean,
  ranks: Uint32Array | null,
): Steps<Figures[]> {
  const { length } = figures;
  const keys = new Float64Array(length);
  let largest = 0;
  const read = (first: number, last: number) => {
    for (let i = first; i < last; i++) {
      const row = figures[i]!;
      keys[i] = key === 'name' ? (ranks?.[row.fn] ?? row.fn) : Math.max(0, value(row, key));
      largest = Math.max(largest, keys[i]!);
    }
  };
  yield* inParts(length, read);
  // The largest first keeps equal ones in their order, too.
  const turn = (first: number, last: number) => {
    for (let i = first; i < last; i++) keys[i] = largest - keys[i]!;
  };
  if (!isAscending) yield* inParts(length, turn);
  const order = yield* ascending(keys);
  const sorted: Figures[] = [];
  const take = (first: number, last: number) => {
    for (let i = first; i < last; i++) sorted.push(figures[order[i]!]!);
  };
  yield* inParts(length, take);
  return sorted;
}

/** Returns time per call; the total's, as pstats has it. */
export function perCall(row: Figures): number {
  return row.calls > 0 ? row.total / row.calls : 0;
}

function value(row: Figures, key: Exclude<FigureKey, 'name'>): number {
  return key === 'per' ? perCall(row) : row[key];
}

/** Functions of a table, and callers and callees below those that are open. */
export class Rows {
  /** Open functions by their places, and the number of rows before what is below each. */
  private readonly open: { at: number; before: number; below: readonly FunctionRow[] }[] = [];
  readonly length: number;

  constructor(
    readonly functions: readonly Figures[],
    below: ReadonlyMap<number, readonly FunctionRow[]>,
  ) {
    let more = 0;
    for (const [at, rows] of below) {
      this.open.push({ at, before: at + 1 + more, below: rows });
      more += rows.length;
    }
    this.length = functions.length + more;
  }

  at(index: number): FunctionRow {
    let more = 0;
    for (const { at, before, below } of this.open) {
      const isOpen = index === before - 1;
      if (isOpen) return { kind: 'function', figures: this.functions[at]!, isOpen };
      if (index < before) break;
      if (index < before + below.length) return below[index - before]!;
      more += below.length;
    }
    return { kind: 'function', figures: this.functions[index - more]!, isOpen: false };
  }
}

/** Returns the rows to show, with callers and callees below functions that are `open`. */
export function* withRelations(
  selection: Selection,
  functions: readonly Figures[],
  open: ReadonlySet<number>,
): Steps<Rows> {
  const places: number[] = [];
  const look = (first: number, last: number) => {
    for (let at = first; at < last; at++) if (open.has(functions[at]!.fn)) places.push(at);
  };
  if (open.size > 0) yield* inParts(functions.length, look);
  const below = new Map<number, readonly FunctionRow[]>();
  for (const at of places) {
    const { fn } = functions[at]!;
    const rows: FunctionRow[] = [];
    const add = (kind: 'caller' | 'callee', related: readonly Figures[]) => {
      for (const figures of related) rows.push({ kind, figures, isOpen: false });
    };
    add('caller', yield* sortFigures(yield* callersOf(selection, fn), 'total', false, null));
    add('callee', yield* sortFigures(yield* calleesOf(selection, fn), 'total', false, null));
    below.set(at, rows);
  }
  return new Rows(functions, below);
}
