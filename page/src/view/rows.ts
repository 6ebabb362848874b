// The rows of the table of functions: sorted, filtered, with callers and callees of open ones.

import { searched, type Profile } from '../data/profile';
import { calleesOf, callersOf, type Figures } from '../model/figures';
import { expression } from '../model/search';
import type { Selection } from '../model/selection';
import type { SortKey } from '../state';

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

/** Sorts `figures` in place; equal ones by name. */
export function sortFigures(
  profile: Profile,
  figures: Figures[],
  key: SortKey,
  ascending: boolean,
): Figures[] {
  const { name } = profile.functions;
  const byName = (a: Figures, b: Figures) =>
    name[a.fn]! < name[b.fn]! ? -1 : name[a.fn]! > name[b.fn]! ? 1 : a.fn - b.fn;
  if (key === 'name') return figures.sort(ascending ? byName : (a, b) => byName(b, a));
  const sign = ascending ? 1 : -1;
  return figures.sort((a, b) => sign * (value(a, key) - value(b, key)) || byName(a, b));
}

/** Returns time per call; the total's, as pstats has it. */
export function perCall(row: Figures): number {
  return row.calls > 0 ? row.total / row.calls : 0;
}

function value(row: Figures, key: Exclude<SortKey, 'name'>): number {
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
      sortFigures(selection.profile, related, 'total', false);
      for (const one of related) rows.push({ kind, figures: one, isOpen: false });
    };
    add('caller', callersOf(selection, row.fn));
    add('callee', calleesOf(selection, row.fn));
  }
  return rows;
}
