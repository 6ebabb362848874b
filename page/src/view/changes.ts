// The table of functions that differ between two sides.

import type { ChangeRow, Changes, Profile, SideFigures } from '../data/profile';
import { sorted } from '../model/order';
import { expression } from '../model/search';
import { searchedBy } from '../data/profile';
import type { SortKey, State } from '../state';
import { counted, duration, mean, signed } from '../text/numbers';
import { make } from '../ui/dom';
import type { Steps } from '../work';
import { figureCell, headCell, nameCell } from './cells';
import { Grid } from './grid';

const NONE: SideFigures = { calls: 0, self: 0, total: 0, waiting: 0 };

interface Column {
  key: SortKey;
  title: string;
  wide: string;
  /** Growth, by whose size rows are sorted. */
  growth(row: ChangeRow): number;
  text(row: ChangeRow): string;
}

const was = (row: ChangeRow) => row.before ?? NONE;
const is = (row: ChangeRow) => row.after ?? NONE;
const grown = (figure: keyof SideFigures) => (row: ChangeRow) => is(row)[figure] - was(row)[figure];

const COLUMNS: readonly Column[] = [
  { key: 'self', title: 'Change', wide: '', growth: grown('self'), text: changeText },
  {
    key: 'byCalls',
    title: 'By calls',
    wide: 'wide',
    growth: row => row.byCalls,
    text: row => signed(row.byCalls),
  },
  {
    key: 'byTime',
    title: 'By time a call',
    wide: 'wide',
    growth: row => row.byTime,
    text: row => signed(row.byTime),
  },
  {
    key: 'before',
    title: 'Self',
    wide: 'wide',
    growth: row => Math.max(is(row).self, was(row).self),
    text: row => pair(row, 'self', duration),
  },
  {
    key: 'calls',
    title: 'Calls',
    wide: '',
    growth: grown('calls'),
    text: row => pair(row, 'calls', mean),
  },
  {
    key: 'total',
    title: 'Total',
    wide: 'wide',
    growth: grown('total'),
    text: row => pair(row, 'total', duration),
  },
];

export interface ChangesActions {
  sort(key: SortKey, ascending: boolean): void;
  choose(fn: number): void;
}

/** Returns the changes that `search` leaves, by size of the growth that `sort` names. */
export function* sortedChanges(
  profile: Profile,
  { rows }: Changes,
  { search, sort, ascending }: Pick<State, 'search' | 'sort' | 'ascending'>,
): Steps<ChangeRow[] | null> {
  const pattern = expression(search);
  if (!pattern) return null;
  const found: ChangeRow[] = [];
  for (const row of rows) {
    if (!search || searchedBy(profile, row.function, pattern)) found.push(row);
    if (search) yield;
  }
  const sign = ascending ? 1 : -1;
  const { name } = profile.functions;
  const byName = (a: ChangeRow, b: ChangeRow) =>
    name[a.function]! < name[b.function]! ? -1 : name[a.function]! > name[b.function]! ? 1 : 0;
  if (sort === 'name') return yield* sorted(found, (a, b) => -sign * byName(b, a));
  const column = COLUMNS.find(({ key }) => key === sort) ?? COLUMNS[0]!;
  const size = (row: ChangeRow) => Math.abs(column.growth(row));
  return yield* sorted(
    found,
    (a, b) =>
      sign * (size(a) - size(b)) ||
      Math.abs(grown('calls')(b)) - Math.abs(grown('calls')(a)) ||
      byName(a, b),
  );
}

export class ChangesTable {
  readonly element: HTMLElement;
  private readonly status = make('output', { class: 'number-of-rows', 'aria-live': 'polite' });
  private readonly grid: Grid;
  private rows: ChangeRow[] = [];
  private made: { of: string; rows: ChangeRow[] | null } | null = null;
  private state: State | null = null;

  constructor(
    private readonly profile: Profile,
    private readonly changes: Changes,
    private readonly actions: ChangesActions,
  ) {
    this.grid = new Grid('Functions that changed', 'grid', 'changes', {
      row: index => this.row(index),
      key: (key, index) => {
        if (key === 'Enter') this.choose(index);
        return key === 'Enter';
      },
    });
    const { before, after, runs } = changes;
    const side = (name: string, number: number) =>
      `${name}${number > 1 ? ` (${number} runs, means)` : ''}`;
    this.element = make(
      'div',
      { class: 'functions' },
      make('p', { class: 'sides' }, `${side(before, runs[0])} → ${side(after, runs[1])}`),
      this.grid.element,
      this.status,
    );
  }

  /** Sorts the rows, then makes what shows them. */
  *making(state: State): Steps<() => void> {
    const { search, sort, ascending } = state;
    const of = JSON.stringify([search, sort, ascending]);
    const isMade = this.made?.of === of;
    const rows = isMade ? this.made!.rows : yield* sortedChanges(this.profile, this.changes, state);
    this.made = { of, rows };
    return () => this.show(state, rows);
  }

  private show(state: State, rows: ChangeRow[] | null): void {
    const isOther = state.search !== this.state?.search;
    this.state = state;
    this.rows = rows ?? [];
    this.status.textContent = rows
      ? `${counted(rows.length, 'function', 'functions')} changed`
      : 'Not a regular expression';
    const sort = (key: SortKey) => () =>
      this.actions.sort(key, state.sort === key ? !state.ascending : key === 'name');
    const order = (key: SortKey) =>
      state.sort === key ? (state.ascending ? 'ascending' : 'descending') : '';
    this.grid.heads(
      headCell('Function', 'name', order('name'), sort('name')),
      ...COLUMNS.map(({ key, title, wide }) => headCell(title, wide, order(key), sort(key))),
    );
    this.grid.show(this.rows.length, isOther);
  }

  private row(index: number): HTMLElement {
    const row = this.rows[index]!;
    const isChosen = row.function === this.state!.fn;
    return make(
      'div',
      {
        role: 'row',
        class: `row ${isChosen ? 'chosen' : ''}`,
        'aria-selected': String(isChosen),
        click: () => this.choose(index),
      },
      nameCell(this.profile, row.function),
      ...COLUMNS.map(column => figureCell(column.text(row), column.wide)),
    );
  }

  private choose(index: number): void {
    this.grid.choose(index);
    this.actions.choose(this.rows[index]!.function);
  }
}

function changeText(row: ChangeRow): string {
  const state = row.before ? (row.after ? '' : 'gone ') : 'new ';
  const noise = row.isCertain === false ? '≈ ' : '';
  return state + noise + signed(is(row).self - was(row).self);
}

function pair(row: ChangeRow, key: keyof SideFigures, text: (number: number) => string): string {
  const [before, after] = [text(was(row)[key]), text(is(row)[key])];
  return before === after ? after : `${before} → ${after}`;
}
