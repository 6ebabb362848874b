// The table of functions. Only the rows in sight are elements.

import { functionFigures, type Figures } from '../model/figures';
import { ranks } from '../model/order';
import type { Selection } from '../model/selection';
import type { SortKey, State } from '../state';
import { count, counted } from '../text/numbers';
import { button, make } from '../ui/dom';
import type { Steps } from '../work';
import { headCell, nameCell } from './cells';
import { COLUMNS, figureCells } from './columns';
import { Grid } from './grid';
import { filtered, Rows, sortFigures, sortKey, withRelations, type FunctionRow } from './rows';

const MARKS = { function: '', caller: 'called by ', callee: 'calls ' } as const;

export interface TableActions {
  sort(key: SortKey, ascending: boolean): void;
  choose(fn: number): void;
  /** Shows the state again: other functions are open. */
  again(): void;
}

/** Rows that were made, and what they were made of. */
interface Made {
  selection: Selection;
  figures: readonly Figures[];
  search: string;
  left: readonly Figures[] | null;
}

export class FunctionTable {
  readonly element: HTMLElement;
  private readonly status = make('output', { class: 'number-of-rows', 'aria-live': 'polite' });
  private readonly grid: Grid;
  private readonly open = new Set<number>();
  /** Places of names in the alphabet, once they are known. */
  private ranks: Uint32Array | null = null;
  private made: Made | null = null;
  private order: { of: Made; key: string; isAscending: boolean; functions: Figures[] } | null =
    null;
  private rows = new Rows([], new Map());
  private selection: Selection | null = null;
  private state: State | null = null;

  constructor(private readonly actions: TableActions) {
    this.grid = new Grid('Functions; Enter unfolds callers and callees', 'treegrid', '', {
      row: index => this.row(this.rows.at(index), index),
      key: (key, index) => this.key(key, index),
    });
    this.element = make('div', { class: 'functions' }, this.grid.element, this.status);
  }

  /** Functions of the table as sorted and filtered. */
  get shown(): readonly Figures[] {
    return this.rows.functions;
  }

  /** Makes the rows, then what shows them. */
  *making(selection: Selection, state: State): Steps<() => void> {
    const made = yield* this.filter(selection, state);
    const functions = yield* this.sort(made, state);
    const rows = yield* withRelations(selection, functions, this.open);
    return () => {
      const isOther = selection !== this.selection || state.search !== this.state?.search;
      this.selection = selection;
      this.state = state;
      this.rows = rows;
      this.status.textContent = made.left
        ? `${count(made.left.length)} of ${counted(made.figures.length, 'function', 'functions')}`
        : 'Not a regular expression';
      this.heads();
      this.grid.show(rows.length, isOther);
    };
  }

  private *filter(selection: Selection, { search }: State): Steps<Made> {
    const { made } = this;
    if (made?.selection === selection && made.search === search) return made;
    const figures = yield* functionFigures(selection);
    const left = yield* filtered(selection.profile, figures, search);
    return (this.made = { selection, figures, search, left });
  }

  private *sort(of: Made, state: State): Steps<Figures[]> {
    const { order } = this;
    const key = sortKey(state);
    const { ascending: isAscending } = state;
    const isSame = order?.of === of && order.key === key && order.isAscending === isAscending;
    if (isSame) return order.functions;
    if (key === 'name') this.ranks ??= yield* ranks(of.selection.profile.functions.name);
    const functions = yield* sortFigures(of.left ?? [], key, isAscending, this.ranks);
    this.order = { of, key, isAscending, functions };
    return functions;
  }

  private heads(): void {
    const { ascending } = this.state!;
    const sort = sortKey(this.state!);
    const head = (key: SortKey, title: string, wide: string) => {
      const isKey = sort === key && !title.endsWith('%');
      const order = isKey ? (ascending ? 'ascending' : 'descending') : '';
      const next = sort === key ? !ascending : key === 'name';
      return headCell(title, wide, order, () => this.actions.sort(key, next));
    };
    this.grid.heads(
      head('name', 'Function', 'name'),
      ...COLUMNS.map(column => head(column.key, column.title, column.wide)),
    );
  }

  private row(row: FunctionRow, index: number): HTMLElement {
    const { fn } = row.figures;
    const { profile } = this.selection!;
    const isFunction = row.kind === 'function';
    const toggle = button(row.isOpen ? '▾' : '▸', () => this.toggle(row), {
      class: 'toggle',
      tabindex: -1,
      'aria-label': `Callers and callees of ${profile.functions.name[fn]!}`,
    });
    const before = isFunction ? toggle : make('span', { class: 'relation' }, MARKS[row.kind]);
    const isChosen = fn === this.state!.fn;
    const element = make(
      'div',
      {
        role: 'row',
        class: ['row', row.kind, isChosen ? 'chosen' : ''].join(' '),
        'aria-level': isFunction ? 1 : 2,
        'aria-selected': String(isChosen),
        click: () => this.choose(index),
      },
      nameCell(profile, fn, before),
      ...figureCells(row.figures, this.selection!),
    );
    if (isFunction) element.setAttribute('aria-expanded', String(row.isOpen));
    return element;
  }

  private choose(index: number): void {
    this.grid.choose(index);
    this.actions.choose(this.rows.at(index).figures.fn);
  }

  private toggle(row: FunctionRow): void {
    const { fn } = row.figures;
    if (!this.open.delete(fn)) this.open.add(fn);
    this.actions.again();
  }

  private key(key: string, index: number): boolean {
    const row = this.rows.at(index);
    const isFolded = row.kind === 'function' && !row.isOpen;
    if (key === 'Enter') {
      if (row.kind === 'function') this.toggle(row);
      this.actions.choose(row.figures.fn);
      return true;
    }
    if ((key === 'ArrowRight' && isFolded) || (key === 'ArrowLeft' && row.isOpen)) {
      this.toggle(row);
      return true;
    }
    return false;
  }
}
