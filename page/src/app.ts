// The page: one state, the selection that follows from it, and the view that shows it.

import type { Profile, Role } from './data/profile';
import type { Sources } from './data/sources';
import { readTimeline, type Timeline } from './data/timeline';
import { functionFigures } from './model/figures';
import { Graph } from './model/frames';
import { expression, search, type Matches } from './model/search';
import { profileOf } from './model/range';
import { isGroup, select, type Choice, type Selection } from './model/selection';
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
      hasGroups: [...roles].some(isGroup),
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
    this.groups = new GroupChooser(profile, off => store.set({ off, zoom: [] }));
    main.replaceChildren(this.toolbar.element, this.view, this.details.element, this.told);
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
    else if (view === 'timeline') this.timeline!.view.show(state, matches?.of ?? null);
    else if (view === 'tasks') this.tasks.show(state);
    else if (view === 'source') this.source!.show(selection, state);
    else if (view === 'changes') this.changes!.show(state);
    else if (view === 'processes') this.groups.show(state.off);
    this.details.show(selection, state.fn);
  }

  /** Reads the timeline, then shows what is to be shown. */
  private read(): void {
    document.body.dataset['busy'] = '';
    this.view.replaceChildren(make('p', { class: 'hint' }, 'Reading the timeline …'));
    this.settled = this.settled.then(async () => {
      if (!this.timeline) {
        const data = await readTimeline(this.timelineText);
        const view = new TimelineView(this.profile, data, this.tip, {
          change: (change, isTyping) => this.store.set(change, isTyping),
          tell: text => (this.told.textContent = text),
        });
        this.timeline = { data, view };
        this.timelineText = '';
      }
      delete document.body.dataset['busy'];
      this.show(this.store.state);
    });
  }

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

  private select(state: State): Selection {
    const { measure, mine, imports } = state;
    const choice: Choice = { measure, mine, imports, off: new Set(state.off) };
    const profile = this.profileOf(state);
    const last = this.selection?.choice;
    const isSame =
      this.selection?.profile === profile &&
      last?.measure === measure &&
      last.mine === mine &&
      last.imports === imports &&
      [...last.off].join() === [...choice.off].join();
    if (!this.selection || !isSame) {
      this.selection = select(profile, choice, this.selection);
      this.whole = this.inverted = null;
    }
    return this.selection;
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
