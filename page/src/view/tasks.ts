// Tasks: the outermost coroutines, and below each what it awaits.

import type { Profile, TaskRow } from '../data/profile';
import { expression } from '../model/search';
import { searchedBy } from '../data/profile';
import type { State } from '../state';
import { count, counted, duration } from '../text/numbers';
import { make } from '../ui/dom';
import { figureCell, nameCell } from './cells';
import { Grid } from './grid';

const HEADS = [
  ['Task', 'name'],
  ['Awaiting', ''],
  ['Running', ''],
  ['Longest run', 'wide'],
  ['Starts', 'wide'],
] as const;

export class TaskView {
  readonly element: HTMLElement;
  private readonly status = make('output', { class: 'number-of-rows', 'aria-live': 'polite' });
  private readonly grid: Grid;
  private rows: readonly TaskRow[] = [];
  private state: State | null = null;

  constructor(
    private readonly profile: Profile,
    private readonly choose: (fn: number) => void,
  ) {
    this.grid = new Grid('Tasks and what they await', 'treegrid', 'tasks', {
      row: index => this.row(index),
      key: (key, index) => {
        if (key === 'Enter') this.chooseRow(index);
        return key === 'Enter';
      },
    });
    this.grid.heads(
      ...HEADS.map(([text, name]) => make('div', { role: 'columnheader', class: name }, text)),
    );
    this.element = make(
      'div',
      { class: 'functions' },
      make(
        'p',
        { class: 'remark' },
        'Coroutines by what awaits them, whichever event loop ran their steps. ' +
          'While one runs, all others of its thread wait.',
      ),
      this.grid.element,
      this.status,
    );
  }

  show(state: State): void {
    const isOther = state.search !== this.state?.search;
    this.state = state;
    const { tasks } = this.profile;
    const pattern = expression(state.search);
    const isFound = (row: TaskRow) =>
      pattern !== null && searchedBy(this.profile, row.function, pattern);
    this.rows = state.search ? tasks.filter(isFound) : tasks;
    this.status.textContent = counted(this.rows.length, 'coroutine', 'coroutines');
    this.grid.show(this.rows.length, isOther);
  }

  private row(index: number): HTMLElement {
    const row = this.rows[index]!;
    const isChosen = row.function === this.state!.fn;
    const space = make('span', { class: 'indent', 'aria-hidden': 'true' });
    space.style.width = `${1.2 * row.depth}em`;
    return make(
      'div',
      {
        role: 'row',
        class: `row ${isChosen ? 'chosen' : ''}`,
        'aria-level': row.depth + 1,
        'aria-selected': String(isChosen),
        click: () => this.chooseRow(index),
      },
      nameCell(this.profile, row.function, space),
      figureCell(duration(row.awaiting), ''),
      figureCell(duration(row.running), ''),
      figureCell(duration(row.longest), 'wide'),
      figureCell(count(row.starts), 'wide'),
    );
  }

  private chooseRow(index: number): void {
    this.grid.choose(index);
    this.choose(this.rows[index]!.function);
  }
}
