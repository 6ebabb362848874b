// Columns of figures, which the table of functions and the call tree share.

import type { Figures } from '../model/figures';
import type { Selection } from '../model/selection';
import type { SortKey } from '../state';
import { count, duration, share } from '../text/numbers';
import { figureCell } from './cells';
import { perCall } from './rows';

export interface Column {
  key: SortKey;
  title: string;
  /** Class of columns that narrow windows omit. */
  wide: string;
  text(row: Figures, selection: Selection): string;
  /** Share of the whole that a bar shows. */
  part?(row: Figures, selection: Selection): number;
}

export const COLUMNS: readonly Column[] = [
  { key: 'calls', title: 'Calls', wide: '', text: row => count(row.calls) },
  { key: 'self', title: 'Self', wide: '', text: row => duration(row.self) },
  {
    key: 'self',
    title: 'Self %',
    wide: 'wide',
    text: (row, of) => share(row.self, of.wholeTime),
    part: (row, of) => row.self / Math.max(of.wholeTime, 1),
  },
  { key: 'total', title: 'Total', wide: '', text: row => duration(row.total) },
  {
    key: 'total',
    title: 'Total %',
    wide: 'wide',
    text: (row, of) => share(row.total, of.wholeTime),
    part: (row, of) => row.total / Math.max(of.wholeTime, 1),
  },
  { key: 'per', title: 'Per call', wide: 'wide', text: row => duration(perCall(row)) },
  { key: 'waiting', title: 'Waiting', wide: 'wide', text: row => duration(row.waiting) },
];

/** Makes the cells of a row. */
export function figureCells(row: Figures, selection: Selection): HTMLElement[] {
  return COLUMNS.map(({ wide, text, part }) =>
    figureCell((row.isEstimated ? '≈ ' : '') + text(row, selection), wide, part?.(row, selection)),
  );
}
