// The rows of the table of functions: sorted, filtered, with callers and callees of open ones.

import { searched, type Profile } from '../data/profile';
import { calleesOf, callersOf, type Figures } from '../model/figures';
import { ascending } from '../model/order';
import { expression } from '../model/search';
import type { Selection } from '../model/selection';
import type { State } from '../state';

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
export function filtered(
  profile: Profile,
  figures: readonly Figures[],
  filter: string,
): Figures[] | null {
  if (!filter) return [...figures];
  const pattern = expression(filter);
  return pattern && figures.filter(row => pattern.test(searched(profile, row.fn)));
}

/** Returns `figures` sorted; equal ones stay in their order. `ranks` has the order of names. */
export function sortFigures(
  figures: readonly Figures[],
  key: FigureKey,
  isAscending: boolean,
  ranks: Uint32Array | null,
): Figures[] {
  const keys = Float64Array.from(figures, row =>
    key === 'name' ? (ranks?.[row.fn] ?? row.fn) : Math.max(0, value(row, key)),
  );
  // The largest first keeps equal ones in their order, too.
  const largest = isAscending ? 0 : keys.reduce((a, b) => Math.max(a, b), 0);
  if (!isAscending) for (let i = 0; i < keys.length; i++) keys[i] = largest - keys[i]!;
  return Array.from(ascending(keys), at => figures[at]!);
}

/** Returns time per call; the total's, as pstats has it. */
export function perCall(row: Figures): number {
  return row.calls > 0 ? row.total / row.calls : 0;
}

function value(row: Figures, key: Exclude<FigureKey, 'name'>): number {
  return key === 'per' ? perCall(row) : row[key];
}

/** Returns the rows to show, with callers and callees below functions that are `open`. */
export function withRelations(
  selection: Selection,
  figures: readonly Figures[],
  open: ReadonlySet<number>,
): FunctionRow[] {
  const rows: FunctionRow[] = [];
  for (const row of figures) {
    const isOpen = open.has(row.fn);
    rows.push({ kind: 'function', figures: row, isOpen });
    if (!isOpen) continue;
    const add = (kind: 'caller' | 'callee', related: Figures[]) => {
      const sorted = sortFigures(related, 'total', false, null);
      for (const one of sorted) rows.push({ kind, figures: one, isOpen: false });
    };
    add('caller', callersOf(selection, row.fn));
    add('callee', calleesOf(selection, row.fn));
  }
  return rows;
}
