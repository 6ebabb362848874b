// Tabs, options and search above the views.

import { Role } from '../data/profile';
import type { Measure } from '../model/selection';
import type { State, Store, ViewName } from '../state';
import { counted } from '../text/numbers';
import { button, checkbox, make } from './dom';

export type CopyForm = 'text' | 'csv' | 'folded' | 'svg';

export interface Parts {
  hasGroups: boolean;
  hasGenerics: boolean;
  hasTasks: boolean;
  hasWaiting: boolean;
  hasTimeline: boolean;
  hasSource: boolean;
  /** True if two sides are compared. */
  hasChanges: boolean;
  roles: ReadonlySet<Role>;
  copy(form: CopyForm): void;
  theme(): void;
  help(): void;
}

const TABS: readonly (readonly [ViewName, string])[] = [
  ['flame', 'Flame graph'],
  ['changes', 'Changes'],
  ['timeline', 'Timeline'],
  ['tree', 'Call tree'],
  ['inverted', 'Inverted'],
  ['sandwich', 'Sandwich'],
  ['table', 'Functions'],
  ['source', 'Source'],
  ['processes', 'Processes'],
  ['tasks', 'Tasks'],
  ['generics', 'Generic functions'],
];

const MEASURES: readonly (readonly [Measure, string])[] = [
  ['time', 'Time'],
  ['running', 'Time on a processor'],
  ['waiting', 'Waiting'],
  ['calls', 'Calls'],
  ['before', 'Time before'],
];

const ROLES: readonly (readonly [Role, string])[] = [
  [Role.Own, 'the program'],
  [Role.Library, 'libraries'],
  [Role.Builtin, 'builtins'],
  [Role.Import, 'imports'],
  [Role.Other, 'other'],
];

export class Toolbar {
  readonly element: HTMLElement;
  /** Buttons of the page as a whole. */
  readonly buttons: HTMLElement;
  readonly search: HTMLInputElement;
  readonly status = make('output', { id: 'matched', 'aria-live': 'polite' });
  readonly views: readonly ViewName[];
  private readonly nav: HTMLElement;
  private readonly searching: HTMLElement;
  private readonly options: HTMLElement;
  private readonly range = make('span', { class: 'range', hidden: true });
  private readonly filter = make('span', { class: 'range', hidden: true });
  private readonly tabs = new Map<ViewName, HTMLElement>();
  private readonly measure: HTMLSelectElement;
  private readonly mine;
  private readonly imports;
  private readonly flame;

  constructor(
    private readonly store: Store,
    parts: Parts,
  ) {
    const optional: Partial<Record<ViewName, boolean>> = {
      changes: parts.hasChanges,
      timeline: parts.hasTimeline,
      source: parts.hasSource,
      processes: parts.hasGroups,
      generics: parts.hasGenerics,
      tasks: parts.hasTasks,
    };
    const tabs = TABS.filter(([view]) => optional[view] !== false);
    this.views = tabs.map(([view]) => view);
    const nav = make('div', { role: 'tablist', 'aria-label': 'Views', class: 'tabs' });
    for (const [view, title] of tabs) {
      const tab = button(title, () => store.set({ view }), {
        role: 'tab',
        id: `tab-${view}`,
        'aria-controls': 'view',
      });
      this.tabs.set(view, tab);
      nav.append(tab);
    }
    nav.addEventListener('keydown', event => this.moveTab(event));
    this.nav = nav;
    this.measure = make('select', {
      id: 'measure',
      change: () => store.set({ measure: this.measure.value as Measure }),
    });
    for (const [value, text] of MEASURES) {
      const isThere = { time: true, calls: true, before: parts.hasChanges }[value as string];
      if (isThere ?? parts.hasWaiting) this.measure.append(make('option', { value }, text));
    }
    this.mine = checkbox('My code only', 'Calls of libraries count as their callers’ (m)', mine =>
      store.set({ mine, zoom: [] }),
    );
    this.imports = checkbox('Fold imports', 'One frame for each import (i)', imports =>
      store.set({ imports, zoom: [] }),
    );
    this.flame = checkbox('Grow upwards', 'Callees above their callers (f)', flame =>
      store.set({ flame }),
    );
    this.search = make('input', {
      type: 'search',
      id: 'search',
      placeholder: 'Search: name or file (/)',
      'aria-label': 'Search by regular expression',
      spellcheck: 'false',
      input: () => store.set({ search: this.search.value }, true),
    });
    const copies = make(
      'span',
      { class: 'group', role: 'group', 'aria-label': 'Copy' },
      'Copy ',
      button('Text', () => parts.copy('text'), { title: 'Table of functions as text (c)' }),
      button('CSV', () => parts.copy('csv'), {
        title: 'Table of functions for spreadsheets',
      }),
      button('Folded', () => parts.copy('folded'), {
        title: 'Folded stacks, for flamegraph.pl',
      }),
      button('SVG', () => parts.copy('svg'), {
        title: 'The graph as a picture',
        class: 'only-graph',
      }),
    );
    this.options = button('Options', () => store.set({ options: !store.state.options }), {
      class: 'for-small',
      'aria-controls': 'options',
      title: 'Search, options and the whole title',
    });
    this.searching = make('span', { class: 'search' }, this.search, this.status);
    this.buttons = make(
      'span',
      { class: 'page-buttons' },
      this.options,
      button('◐', parts.theme, { 'aria-label': 'Light or dark', title: 'Light or dark (t)' }),
      button('?', parts.help, { 'aria-label': 'Keys', title: 'Keys (?)' }),
    );
    this.element = make(
      'div',
      { id: 'tools' },
      nav,
      make(
        'div',
        { class: 'options', id: 'options' },
        make('label', { class: 'for-graphs' }, 'Measure ', this.measure),
        make('span', { class: 'for-selection boxes' }, this.mine.label, this.imports.label),
        make('span', { class: 'only-flame' }, this.flame.label),
        this.range,
        this.filter,
        this.searching,
        copies,
      ),
      parts.hasChanges ? changesLegend() : legend(parts.roles),
    );
  }

  show(state: State): void {
    for (const [view, tab] of this.tabs) {
      const isSelected = view === state.view;
      if (isSelected && tab.getAttribute('aria-selected') !== 'true') this.scrollTo(tab);
      tab.setAttribute('aria-selected', String(isSelected));
      tab.setAttribute('tabindex', isSelected ? '0' : '-1');
    }
    document.body.toggleAttribute('data-options', state.options);
    this.options.setAttribute('aria-expanded', String(state.options));
    this.searching.classList.toggle('has-search', state.search !== '');
    this.measure.value = state.measure;
    this.mine.box.checked = state.mine;
    this.imports.box.checked = state.imports;
    this.flame.box.checked = state.flame;
    if (this.search.value !== state.search) this.search.value = state.search;
    this.showFilter(state);
  }

  /** Puts the cursor into the field for searches, which small windows fold. */
  find(): void {
    if (this.search.offsetParent === null) this.store.set({ options: true });
    this.search.focus();
    this.search.select();
  }

  /** Scrolls the tabs so that one of them is in sight, where they have one line. */
  private scrollTo(tab: HTMLElement): void {
    const { nav } = this;
    nav.scrollLeft = tab.offsetLeft - nav.offsetLeft - (nav.clientWidth - tab.offsetWidth) / 2;
  }

  /** Says which range of the timeline all views show. */
  showRange(text: string): void {
    this.note(this.range, 'Range', text, 'Show the whole run', { from: 0, to: 0 });
  }

  /** Says that processes, threads or tasks are left out. */
  private showFilter({ off, tasksOff, tasksOnly }: State): void {
    const parts = [
      off.length > 0 ? counted(off.length, 'process or thread', 'processes or threads') : '',
      tasksOff.length > 0 ? counted(tasksOff.length, 'task', 'tasks') : '',
      tasksOnly ? 'time in no task' : '',
    ];
    const text = parts.filter(part => part !== '').join(', ');
    const all = { off: [], tasksOff: [], tasksOnly: false };
    this.note(this.filter, 'Left out', text, 'Show everything', all);
  }

  /** Shows a text, if there is any, with a button that undoes what it says. */
  private note(
    element: HTMLElement,
    title: string,
    text: string,
    undoing: string,
    undo: Partial<State>,
  ): void {
    element.hidden = text === '';
    element.replaceChildren(
      make('strong', {}, title),
      ` ${text} `,
      button('×', () => this.store.set({ ...undo, zoom: [] }), {
        'aria-label': undoing,
        title: undoing,
      }),
    );
  }

  private moveTab(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const { length } = this.views;
    const at = this.views.indexOf(this.store.state.view);
    const view = this.views[(at + step + length) % length]!;
    this.store.set({ view });
    this.tabs.get(view)!.focus();
    event.preventDefault();
  }
}

const CHANGES = [
  ['more-3', '+ much more self time'],
  ['more-1', '+ more'],
  ['same', 'as before'],
  ['less-1', '− less'],
  ['less-3', '− much less self time'],
] as const;

/** Names the colours of frames where two sides are compared. */
function changesLegend(): HTMLElement {
  return make(
    'div',
    { class: 'legend', role: 'note', 'aria-label': 'Colours' },
    ...CHANGES.map(([name, text]) =>
      make('span', {}, make('span', { class: `role ${name}` }), text),
    ),
  );
}

/** Names the colours of frames that occur. */
function legend(roles: ReadonlySet<Role>): HTMLElement {
  const shown = ROLES.filter(([role]) => roles.has(role));
  return make(
    'div',
    { class: 'legend', role: 'note', 'aria-label': 'Colours' },
    ...shown.map(([role, text]) =>
      make('span', {}, make('span', { class: `role role-${role}` }), text),
    ),
  );
}
