// The source of a file, with figures where functions are defined and called.

import type { Profile } from '../data/profile';
import type { Sources } from '../data/sources';
import { functionFigures, type Figures } from '../model/figures';
import type { Selection } from '../model/selection';
import { linesOf, type LineFigures } from '../model/source';
import type { State } from '../state';
import { count, counted, duration } from '../text/numbers';
import { make } from '../ui/dom';
import type { Steps } from '../work';
import { figureCell } from './cells';
import { Grid } from './grid';

const HEADS = [
  ['Calls', ''],
  ['Self', 'wide'],
  ['Total', ''],
  ['Line', ''],
  ['Source', 'name'],
] as const;

export interface SourceActions {
  choose(fn: number): void;
  /** Shows the state again: another file is to be shown. */
  again(): void;
}

export class SourceView {
  readonly element: HTMLElement;
  private readonly files: HTMLSelectElement;
  private readonly grid: Grid;
  private readonly note = make('p', { class: 'remark' });
  private lines: string[] = [];
  private figures = new Map<number, LineFigures>();
  private file = -1;
  /** File that was chosen in the list and is not shown yet, or -1. */
  private wanted = -1;
  private fn = -1;
  private selection: Selection | null = null;

  constructor(
    private readonly profile: Profile,
    private readonly sources: Sources,
    private readonly actions: SourceActions,
  ) {
    this.files = make('select', {
      id: 'source-file',
      change: () => {
        this.wanted = Number(this.files.value);
        this.actions.again();
      },
    });
    this.grid = new Grid(
      'Source; Enter chooses the function of a line',
      'grid',
      'source',
      {
        row: index => this.row(index),
        key: (key, index) => key === 'Enter' && this.chooseLine(index),
      },
      21,
    );
    this.grid.heads(
      ...HEADS.map(([text, name]) => make('div', { role: 'columnheader', class: name }, text)),
    );
    const missing = sources.missing.map(({ path, reason }) => make('li', {}, `${path}: ${reason}`));
    const contained = counted(sources.texts.size, 'file', 'files');
    const lacking = missing.length > 0 ? ` and lacks ${count(missing.length)}` : '';
    this.element = make(
      'div',
      { class: 'functions' },
      make('p', { class: 'sides' }, make('label', {}, 'File ', this.files)),
      this.note,
      this.grid.element,
      make(
        'details',
        { class: 'remark' },
        make('summary', {}, `This page contains ${contained}${lacking}`),
        make('ul', {}, ...[...sources.texts.keys()].map(path => make('li', {}, path))),
        make('p', {}, 'Not in this page:'),
        make('ul', {}, ...missing),
      ),
    );
  }

  /** Makes the figures of lines, then what shows them. */
  *making(selection: Selection, state: State): Steps<() => void> {
    const isOther = selection !== this.selection;
    const isChosen = state.fn !== this.fn && state.fn >= 0;
    const ofChosen = isChosen ? this.profile.functions.file[state.fn]! : -1;
    const listed = isOther ? this.listed(yield* functionFigures(selection)) : this.files.options;
    const known = [this.wanted, ofChosen, this.file].find(file => this.has(file));
    const file = known ?? Number(listed[0]?.value ?? -1);
    const isSame = !isOther && file === this.file;
    const lines = isSame ? this.lines : this.linesIn(file);
    const figures = isSame ? this.figures : yield* linesOf(selection, file, lines);
    return () => {
      const isTo = isChosen && file === ofChosen;
      const scrolls = isTo || (this.file >= 0 && file !== this.file);
      if (isOther) this.files.replaceChildren(...listed);
      Object.assign(this, { selection, file, lines, figures, fn: state.fn, wanted: -1 });
      this.open(scrolls);
    };
  }

  private has(file: number): boolean {
    const path = this.profile.files[file]?.path;
    return path !== undefined && this.sources.texts.has(path);
  }

  /** Lists the files, those with the most time of their functions first. */
  private listed(figures: readonly Figures[]): HTMLOptionElement[] {
    const { files, functions } = this.profile;
    const times = new Map<number, number>();
    for (const row of figures) {
      const file = functions.file[row.fn]!;
      if (this.has(file)) times.set(file, (times.get(file) ?? 0) + row.self);
    }
    const options = [...times].sort((a, b) => b[1] - a[1]);
    return options.map(([file, time]) =>
      make('option', { value: file }, `${files[file]!.short}: ${duration(time)}`),
    );
  }

  private linesIn(file: number): string[] {
    const path = this.profile.files[file]?.path ?? '';
    return (this.sources.texts.get(path) ?? '').split(/\r\n|\r|\n/);
  }

  private open(scrolls: boolean): void {
    const { file } = this;
    this.files.value = String(file);
    this.note.textContent =
      `${this.profile.files[file]?.path ?? ''}: exact figures where functions are defined; ` +
      '≈ marks what a line calls, found by its name.';
    this.grid.show(this.lines.length, scrolls);
    const isHere = this.fn >= 0 && this.profile.functions.file[this.fn] === file;
    if (scrolls && isHere) this.grid.moveTo(this.profile.functions.line[this.fn]! - 1);
  }

  private row(index: number): HTMLElement {
    const at = this.figures.get(index + 1);
    const isChosen = at?.sites === 0 && at.functions.includes(this.fn);
    const mark = at && at.sites > 0 ? '≈ ' : '';
    const title = at && at.sites > 1 ? `One of ${at.sites} lines that name it` : '';
    const cell = (text: string, wide = '') => {
      const element = figureCell(text, wide);
      if (title) element.title = title;
      return element;
    };
    return make(
      'div',
      {
        role: 'row',
        class: `row ${isChosen ? 'chosen' : ''} ${mark ? 'guess' : ''}`,
        click: () => this.chooseLine(index),
      },
      cell(at ? mark + count(at.calls) : ''),
      cell(at && !mark ? duration(at.self) : '', 'wide'),
      cell(at ? mark + duration(at.total) : ''),
      cell(String(index + 1)),
      make('div', { role: 'gridcell', class: 'name code' }, this.lines[index]!),
    );
  }

  private chooseLine(index: number): boolean {
    this.grid.choose(index);
    const fn = this.figures.get(index + 1)?.functions[0];
    if (fn !== undefined) this.actions.choose(fn);
    return true;
  }
}
