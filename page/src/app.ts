// The page: one state, the selection that follows from it, and the view that shows it.

import type { Profile, Role } from './data/profile';
import type { Sources } from './data/sources';
import { readTimeline, type Timeline } from './data/timeline';
import { functionFigures } from './model/figures';
import { Graph } from './model/frames';
import { expression, search, type Matches } from './model/search';
import { findingOccurrences } from './model/occurrences';
import { profileOf } from './model/range';
import {
  finish,
  isGroup,
  isSameBut,
  selecting,
  type Choice,
  type Selection,
} from './model/selection';
import { inSteps } from './pause';
import { Store, type State } from './state';
import { copy, folded, tableCsv, tableText } from './text/copy';
import { count, counted, duration, share } from './text/numbers';
import { make } from './ui/dom';
import { helpDialog } from './ui/help';
import { listenToKeys } from './ui/keys';
import { followTheme, switchTheme } from './ui/theme';
import { Tip } from './ui/tip';
import { Toolbar, type CopyForm } from './ui/toolbar';
import { ChangesTable } from './view/changes';
import { Details } from './view/details';
import { FlameGraph } from './view/flame';
import { genericsPage } from './view/generics';
import { GroupChooser } from './view/processes';
import { Sandwich } from './view/sandwich';
import { sortFigures, sortKey } from './view/rows';
import { SourceView } from './view/source';
import { TaskView } from './view/tasks';
import { FunctionTable } from './view/table';
import { rangeText, TimelineView } from './view/timeline';

/** Nodes of a profile up to which a selection is made at once: the page blocks no longer than that. */
const AT_ONCE = 1_500_000;

export class App {
  private readonly store = new Store();
  private readonly view = make('div', { id: 'view', role: 'tabpanel' });
  private readonly told = make('div', { class: 'told', 'aria-live': 'polite' });
  private readonly tip = new Tip();
  private readonly help = helpDialog();
  private readonly toolbar: Toolbar;
  private readonly details: Details;
  private readonly flame: FlameGraph;
  private readonly sandwich: Sandwich;
  private readonly table: FunctionTable;
  private readonly changes: ChangesTable | undefined;
  private readonly source: SourceView | null;
  private readonly tasks: TaskView;
  private readonly groups: GroupChooser;
  private selection: Selection | null = null;
  /** The selection before, or one that was prepared: people go back and forth. */
  private other: Selection | null = null;
  private whole: Graph | null = null;
  private inverted: Graph | null = null;
  private found: { selection: Selection; text: string; matches: Matches | null } | null = null;

  private timeline: { data: Timeline; view: TimelineView } | null = null;
  private ranged: { from: number; to: number; profile: Profile } | null = null;
  /** Ends when all that the present state needs was read. */
  settled: Promise<void> = Promise.resolve();

  constructor(
    private readonly profile: Profile,
    private timelineText: string,
    sources: Sources | null,
    main: HTMLElement,
  ) {
    const { store } = this;
    const roles = rolesOf(profile);
    const actions = {
      copy: (form: CopyForm) => void this.copy(form),
      theme: () => {
        switchTheme();
        this.recolour();
      },
      help: () => this.help.showModal(),
    };
    this.toolbar = new Toolbar(store, {
      hasGroups: [...roles].some(isGroup) || profile.tasks.length > 0,
      hasGenerics: profile.generics.length > 0,
      roles,
      hasChanges: profile.changes !== undefined,
      hasTasks: profile.tasks.length > 0,
      hasSource: sources !== null,
      hasTimeline: timelineText.trim() !== '',
      hasWaiting: profile.waiting.some(time => time > 0),
      ...actions,
    });
    const tell = (text: string) => {
      this.told.textContent = text;
    };
    const choose = (fn: number) => store.set({ fn });
    this.details = new Details(profile, store);
    this.flame = new FlameGraph('Flame graph', this.tip, {
      tell,
      zoom: (zoom, fn) => store.set(fn < 0 ? { zoom } : { zoom, fn }),
    });
    this.sandwich = new Sandwich(this.tip, { tell, choose: fn => fn >= 0 && choose(fn) });
    this.table = new FunctionTable({
      sort: (sort, ascending) => store.set({ sort, ascending }),
      choose,
    });
    this.changes =
      profile.changes &&
      new ChangesTable(profile, profile.changes, {
        sort: (sort, ascending) => store.set({ sort, ascending }),
        choose,
      });
    this.tasks = new TaskView(profile, choose);
    this.source = sources && new SourceView(profile, sources, choose);
    this.groups = new GroupChooser(profile, change => store.set({ ...change, zoom: [] }));
    main.replaceChildren(this.toolbar.element, this.view, this.details.element, this.told);
    document.getElementById('top')!.append(this.toolbar.buttons);
    document.body.append(this.tip.element, this.help);
    followTheme(() => this.recolour());
    listenToKeys(store, this.toolbar, { ...actions, copy: () => actions.copy('text') });
    store.onChange(state => this.show(state));
    this.show(store.state);
  }

  private show(state: State): void {
    const view = this.toolbar.views.includes(state.view) ? state.view : 'flame';
    document.body.dataset['view'] = view;
    this.toolbar.show({ ...state, view });
    const hasRange = state.to > state.from && this.toolbar.views.includes('timeline');
    this.toolbar.showRange(hasRange ? rangeText(state) : '');
    if ((view === 'timeline' || hasRange) && !this.timeline) {
      this.read();
      return;
    }
    const selection = this.select(state);
    if (!selection) return;
    const matches = this.search(selection, state.search);
    this.view.setAttribute('aria-labelledby', `tab-${view}`);
    const element = this.elementOf(view);
    if (this.view.firstChild !== element) this.view.replaceChildren(element);
    this.tip.hide();
    if (view === 'flame' || view === 'inverted') {
      this.flame.show({
        graph: this.graph(selection, view),
        selection,
        zoom: state.zoom,
        growsUp: view === 'flame' && state.flame,
        matches: matches?.of ?? null,
        chosen: state.fn,
        rootLabel: this.rootLabel(selection, view),
      });
    } else if (view === 'sandwich') this.sandwich.show(selection, state, matches?.of ?? null);
    else if (view === 'table') this.table.show(selection, state);
    else if (view === 'timeline') this.timeline!.view.show(state, selection, matches?.of ?? null);
    else if (view === 'tasks') this.tasks.show(state);
    else if (view === 'source') this.source!.show(selection, state);
    else if (view === 'changes') this.changes!.show(state);
    else if (view === 'processes') this.groups.show(state);
    this.details.show(selection, state.fn);
  }

  /** Reads the timeline, then shows what is to be shown. */
  private read(): void {
    if (this.isWaiting) return;
    this.view.replaceChildren(make('p', { class: 'hint' }, 'Reading the timeline …'));
    const text = this.timelineText;
    this.timelineText = '';
    this.wait(
      () => readTimeline(text),
      data => {
        const view = new TimelineView(this.profile, data, this.tip, {
          change: (change, isTyping) => this.store.set(change, isTyping),
          tell: told => (this.told.textContent = told),
        });
        this.timeline = { data, view };
      },
    );
  }

  /** Waits for what `work` makes, uses it, then shows the state that there is by then. */
  private wait<T>(work: () => Promise<T>, use: (made: T) => void): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    document.body.dataset['busy'] = '';
    const waiting: Promise<void> = work().then(made => {
      use(made);
      this.isWaiting = false;
      delete document.body.dataset['busy'];
      this.show(this.store.state);
      // The state may want more by now.
      return this.settled === waiting ? undefined : this.settled;
    });
    this.settled = waiting;
  }
  private isWaiting = false;

  /** Returns the profile of the chosen range, or of everything. */
  private profileOf({ from, to }: State): Profile {
    if (!this.timeline || to <= from) return this.profile;
    if (this.ranged?.from !== from || this.ranged.to !== to) {
      const profile = profileOf(this.profile, this.timeline.data, { from, to });
      this.ranged = { from, to, profile };
    }
    return this.ranged.profile;
  }

  private elementOf(view: State['view']): HTMLElement {
    switch (view) {
      case 'flame':
      case 'inverted':
        return this.flame.element;
      case 'sandwich':
        return this.sandwich.element;
      case 'table':
        return this.table.element;
      case 'timeline':
        return this.timeline!.view.element;
      case 'changes':
        return this.changes!.element;
      case 'tasks':
        return this.tasks.element;
      case 'source':
        return this.source!.element;
      case 'processes':
        return this.groups.element;
      case 'generics':
        return (this.generics ??= genericsPage(this.profile));
    }
  }
  private generics: HTMLElement | null = null;

  /** Returns the selection of `state`, or `null` if it is being made: then it is shown later. */
  private select(state: State): Selection | null {
    const { measure, mine, imports, tasksOnly } = state;
    const choice: Choice = {
      measure,
      mine,
      imports,
      off: new Set(state.off),
      tasksOff: new Set(state.tasksOff),
      tasksOnly,
    };
    const profile = this.profileOf(state);
    const isIt = (of: Selection | null) =>
      of?.profile === profile && of.choice.measure === measure && isSameBut(of.choice, choice);
    if (isIt(this.other)) this.use(this.other!);
    else if (!isIt(this.selection)) {
      const steps = selecting(profile, choice, this.selection);
      if (profile.nodes > AT_ONCE) {
        this.wait(
          () => inSteps(steps),
          selection => this.use(selection),
        );
        return null;
      }
      this.use(finish(steps));
    }
    return this.selection;
  }

  /** Makes what is likely to be asked for next, while the page has nothing else to do. */
  async prepare(): Promise<void> {
    const { profile, selection } = this;
    await inSteps(findingOccurrences(profile));
    if (!selection || profile.nodes > AT_ONCE) return;
    const mine = { ...selection.choice, mine: !selection.choice.mine };
    const other = await inSteps(selecting(selection.profile, mine));
    if (this.selection === selection) this.other = other;
  }

  private use(selection: Selection): void {
    this.other = this.selection;
    this.selection = selection;
    this.whole = this.inverted = null;
  }

  private graph(selection: Selection, view: 'flame' | 'inverted'): Graph {
    if (view === 'flame') return (this.whole ??= Graph.whole(selection));
    return (this.inverted ??= Graph.inverted(selection));
  }

  private rootLabel({ choice, whole, wholeCalls, wholeTime }: Selection, view: string): string {
    const amount =
      choice.measure === 'calls'
        ? counted(wholeCalls, 'call', 'calls')
        : `${duration(whole)}${whole === wholeTime ? '' : ` of ${duration(wholeTime)}`}`;
    return view === 'flame' ? `All: ${amount}` : `All, each function by itself: ${amount}`;
  }

  private search(selection: Selection, text: string): Matches | null {
    if (this.found?.selection !== selection || this.found.text !== text) {
      const pattern = text ? expression(text) : null;
      const matches = pattern && search(selection, pattern);
      this.found = { selection, text, matches };
      this.toolbar.status.textContent = searchText(selection, text, matches);
    }
    return this.found.matches;
  }

  private recolour(): void {
    this.flame.recolour();
    this.sandwich.recolour();
    this.timeline?.view.recolour();
  }

  private async copy(form: CopyForm): Promise<void> {
    const selection = this.selection!;
    const { ascending, view } = this.store.state;
    const rows =
      view === 'table'
        ? this.table.shown
        : sortFigures(functionFigures(selection), sortKey(this.store.state), ascending, null);
    const texts = { text: tableText, csv: tableCsv, folded, svg: () => this.flame.picture() };
    const text = texts[form](selection, rows);
    const isCopied = await copy(text);
    this.toolbar.status.textContent = isCopied
      ? `Copied ${counted(text.trimEnd().split('\n').length, 'line', 'lines')}`
      : 'The browser does not let this page copy';
  }
}

/** Returns the roles of functions that the tree has. */
function rolesOf({ functions, function: column }: Profile): ReadonlySet<Role> {
  const roles = new Set<Role>();
  const isSeen = new Uint8Array(functions.name.length);
  for (const fn of column) isSeen[fn] = 1;
  isSeen.forEach((is, fn) => is && roles.add(functions.role[fn]!));
  return roles;
}

function searchText(selection: Selection, text: string, matches: Matches | null): string {
  if (!text) return '';
  if (!matches) return 'Not a regular expression';
  if (matches.functions === 0) return `Nothing matches ${text}`;
  const { whole } = selection;
  return (
    `${count(matches.functions)} ${matches.functions === 1 ? 'function' : 'functions'}: ` +
    `on the stack ${share(matches.onStack, whole)}, by themselves ${share(matches.own, whole)}`
  );
}
