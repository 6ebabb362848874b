// The table of functions. Only the rows in sight are elements.

import { place } from '../data/profile';
import { functionFigures, type Figures } from '../model/figures';
import type { Selection } from '../model/selection';
import type { SortKey, State } from '../state';
import { count, counted, duration, share } from '../text/numbers';
import { button, make } from '../ui/dom';
import { filtered, perCall, sortFigures, withRelations, type FunctionRow } from './rows';

const HIGH = 28;
/** Rows above and below those in sight. */
const MORE = 6;

interface Column {
  key: SortKey;
  title: string;
  /** Class of columns that narrow windows omit. */
  wide: string;
  text(row: Figures, selection: Selection): string;
}

const COLUMNS: readonly Column[] = [
  { key: 'calls', title: 'Calls', wide: '', text: row => count(row.calls) },
  { key: 'self', title: 'Self', wide: '', text: row => duration(row.self) },
  {
    key: 'self',
    title: 'Self %',
    wide: 'wide',
    text: (row, of) => share(row.self, of.wholeTime),
  },
  { key: 'total', title: 'Total', wide: '', text: row => duration(row.total) },
  {
    key: 'total',
    title: 'Total %',
    wide: 'wide',
    text: (row, of) => share(row.total, of.wholeTime),
  },
  { key: 'per', title: 'Per call', wide: 'wide', text: row => duration(perCall(row)) },
  { key: 'waiting', title: 'Waiting', wide: 'wide', text: row => duration(row.waiting) },
];

const MARKS = { function: '', caller: 'called by ', callee: 'calls ' } as const;

export interface TableActions {
  sort(key: SortKey, ascending: boolean): void;
  choose(fn: number): void;
}

export class FunctionTable {
  readonly element: HTMLElement;
  private readonly status = make('output', { class: 'number-of-rows', 'aria-live': 'polite' });
  private readonly head = make('div', { role: 'row', class: 'row head', 'aria-rowindex': 1 });
  private readonly body = make('div', { class: 'rows', role: 'rowgroup' });
  private readonly grid: HTMLElement;
  private readonly open = new Set<number>();
  private figures: Figures[] = [];
  private rows: FunctionRow[] = [];
  private selection: Selection | null = null;
  private state: State | null = null;
  private current = 0;

  constructor(private readonly actions: TableActions) {
    this.grid = make(
      'div',
      {
        class: 'table',
        role: 'treegrid',
        tabindex: 0,
        'aria-label': 'Functions; Enter unfolds callers and callees',
        scroll: () => this.draw(),
        keydown: (event: KeyboardEvent) => this.key(event),
      },
      make('div', { role: 'rowgroup', class: 'heads' }, this.head),
      this.body,
    );
    this.element = make('div', { class: 'functions' }, this.grid, this.status);
    new ResizeObserver(() => this.draw()).observe(this.grid);
  }

  /** Rows of the table as sorted and filtered, without callers and callees. */
  get shown(): readonly Figures[] {
    return this.rows.filter(row => row.kind === 'function').map(row => row.figures);
  }

  show(selection: Selection, state: State): void {
    if (selection !== this.selection) this.figures = functionFigures(selection);
    const isOther = selection !== this.selection || state.search !== this.state?.search;
    this.selection = selection;
    this.state = state;
    const left = filtered(selection.profile, this.figures, state.search);
    this.status.textContent = left
      ? `${count(left.length)} of ${counted(this.figures.length, 'function', 'functions')}`
      : 'Not a regular expression';
    this.fill(left ?? []);
    if (isOther) this.current = this.grid.scrollTop = 0;
    this.heads();
    this.draw();
  }

  private fill(figures: Figures[]): void {
    const { selection, state } = this;
    sortFigures(selection!.profile, figures, state!.sort, state!.ascending);
    this.rows = withRelations(selection!, figures, this.open);
    this.body.style.height = `${this.rows.length * HIGH}px`;
    this.grid.setAttribute('aria-rowcount', String(this.rows.length + 1));
  }

  private heads(): void {
    const { sort, ascending } = this.state!;
    const head = (key: SortKey, title: string, wide: string) => {
      const isKey = sort === key && !title.endsWith('%');
      const order = isKey ? (ascending ? 'ascending' : 'descending') : 'none';
      const arrow = isKey ? (ascending ? ' ▲' : ' ▼') : '';
      const next = sort === key ? !ascending : key === 'name';
      return make(
        'div',
        { role: 'columnheader', class: key === 'name' ? 'name' : wide, 'aria-sort': order },
        button(title + arrow, () => this.actions.sort(key, next)),
      );
    };
    this.head.replaceChildren(
      head('name', 'Function', ''),
      ...COLUMNS.map(column => head(column.key, column.title, column.wide)),
    );
  }

  private draw(): void {
    if (!this.selection) return;
    const { scrollTop, clientHeight } = this.grid;
    const first = Math.max(0, Math.floor(scrollTop / HIGH) - MORE);
    const last = Math.min(this.rows.length, Math.ceil((scrollTop + clientHeight) / HIGH) + MORE);
    const shown = this.rows.slice(first, last).map((row, i) => this.row(row, first + i));
    this.body.replaceChildren(...shown);
  }

  private row(row: FunctionRow, index: number): HTMLElement {
    const { fn } = row.figures;
    const { profile } = this.selection!;
    const isFunction = row.kind === 'function';
    const name = profile.functions.name[fn]!;
    const at = place(profile, fn);
    const toggle = button(row.isOpen ? '▾' : '▸', () => this.toggle(row), {
      class: 'toggle',
      tabindex: -1,
      'aria-label': `Callers and callees of ${name}`,
    });
    const cells = make(
      'div',
      { role: 'gridcell', class: 'name', title: at ? `${name}\n${at}` : name },
      ...(isFunction ? [toggle] : [make('span', { class: 'relation' }, MARKS[row.kind])]),
      make('span', {
        class: `role role-${profile.functions.role[fn]}`,
        'aria-hidden': 'true',
      }),
      make('span', { class: 'text' }, name),
      make('span', { class: 'place' }, at),
    );
    const isCurrent = index === this.current;
    const isChosen = fn === this.state!.fn;
    const element = make(
      'div',
      {
        role: 'row',
        class: ['row', row.kind, isCurrent ? 'current' : '', isChosen ? 'chosen' : ''].join(' '),
        'aria-rowindex': index + 2,
        'aria-level': isFunction ? 1 : 2,
        'aria-selected': String(isChosen),
        click: () => this.choose(index),
      },
      cells,
      ...COLUMNS.map(column =>
        make(
          'div',
          { role: 'gridcell', class: column.wide },
          (row.figures.isEstimated ? '≈ ' : '') + column.text(row.figures, this.selection!),
        ),
      ),
    );
    if (isFunction) element.setAttribute('aria-expanded', String(row.isOpen));
    element.style.top = `${index * HIGH}px`;
    return element;
  }

  private choose(index: number): void {
    this.current = index;
    this.actions.choose(this.rows[index]!.figures.fn);
    this.draw();
  }

  private toggle(row: FunctionRow): void {
    const { fn } = row.figures;
    if (!this.open.delete(fn)) this.open.add(fn);
    this.fill(filtered(this.selection!.profile, this.figures, this.state!.search) ?? []);
    this.draw();
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.grid) return;
    const row = this.rows[this.current];
    const page = Math.max(1, Math.floor(this.grid.clientHeight / HIGH) - 2);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
    };
    const isFolded = row?.kind === 'function' && !row.isOpen;
    if (event.key in steps) this.moveTo(this.current + steps[event.key]!);
    else if (event.key === 'Home') this.moveTo(0);
    else if (event.key === 'End') this.moveTo(this.rows.length - 1);
    else if (event.key === 'Enter' && row) {
      if (row.kind === 'function') this.toggle(row);
      this.actions.choose(row.figures.fn);
    } else if (
      (event.key === 'ArrowRight' && isFolded) ||
      (event.key === 'ArrowLeft' && row?.isOpen)
    ) {
      this.toggle(row);
    } else return;
    event.preventDefault();
  }

  private moveTo(index: number): void {
    this.current = Math.max(0, Math.min(index, this.rows.length - 1));
    const top = this.current * HIGH;
    const { grid } = this;
    const room = grid.clientHeight - HIGH;
    if (top < grid.scrollTop) grid.scrollTop = top;
    if (top + HIGH > grid.scrollTop + room) grid.scrollTop = top + HIGH - room;
    this.draw();
  }
}
