// The page: one state, the selection that follows from it, and the view that shows it.

import type { Profile, Role } from './data/profile';
import type { Sources } from './data/sources';
import { readTimeline, type Timeline } from './data/timeline';
import { functionFigures } from './model/figures';
import { Graph, type Frame } from './model/frames';
import { expression, search, type Matches } from './model/search';
import { findingOccurrences } from './model/occurrences';
import { profileOf } from './model/range';
import { isGroup, isSameBut, selecting, type Choice, type Selection } from './model/selection';
import { Store, type State, type ViewName } from './state';
import { copy, folded, tableCsv, tableText, type TextRows } from './text/copy';
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
import { layout } from './view/layout';
import { Overview } from './view/overview';
import { sortFigures, sortKey } from './view/rows';
import { SourceView } from './view/source';
import { TaskView } from './view/tasks';
import { FunctionTable } from './view/table';
import { CallTree } from './view/tree';
import { rangeText, TimelineView } from './view/timeline';
import { inSteps, Work, type Steps } from './work';

/** Nodes of a profile up to which *My code only* is prepared: the selection is kept beside others. */
const PREPARED = 1_500_000;

/** Result of the search for a text, and what is said of it. */
interface Found {
  selection: Selection;
  text: string;
  matches: Matches | null;
  told: string;
}

export class App {
  private readonly store = new Store();
  private readonly view = make('div', { id: 'view', role: 'tabpanel' });
  private readonly told = make('div', { class: 'told', 'aria-live': 'polite' });
  private readonly tip = new Tip();
  private readonly help = helpDialog();
  private readonly toolbar: Toolbar;
  private readonly details: Details;
  private readonly flame: FlameGraph;
  private readonly overview: Overview;
  private readonly graphs: HTMLElement;
  private readonly tree: CallTree;
  private readonly sandwich: Sandwich;
  private readonly table: FunctionTable;
  private readonly changes: ChangesTable | undefined;
  private readonly source: SourceView | null;
  private readonly tasks: TaskView;
  private readonly work = new Work();
  private groups: GroupChooser | null = null;
  private selection: Selection | null = null;
  /** The selection before, or one that was prepared: people go back and forth. */
  private other: Selection | null = null;
  private whole: Graph | null = null;
  private inverted: Graph | null = null;
  private found: Found | null = null;
  /** Selection that is on the screen. */
  private shown: Selection | null = null;

  private timeline: { data: Timeline; view: TimelineView } | null = null;
  private isReading = false;
  private ranged: { from: number; to: number; profile: Profile } | null = null;

  constructor(
    private readonly profile: Profile,
    { roles, hasWaiting }: { roles: ReadonlySet<Role>; hasWaiting: boolean },
    private timelineText: string,
    sources: Sources | null,
    main: HTMLElement,
  ) {
    const { store } = this;
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
      hasWaiting,
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
    this.overview = new Overview({
      zoom: (zoom, fn, isDragging) => store.set(fn < 0 ? { zoom } : { zoom, fn }, isDragging),
      leave: () => this.flame.element.focus(),
    });
    this.graphs = make('div', { class: 'graphs' }, this.overview.element, this.flame.element);
    this.tree = new CallTree({ tell, change: change => store.set(change) });
    this.sandwich = new Sandwich(this.tip, { tell, choose: fn => fn >= 0 && choose(fn) });
    this.table = new FunctionTable({
      sort: (sort, ascending) => store.set({ sort, ascending }),
      choose,
      again: () => this.show(store.state),
    });
    this.changes =
      profile.changes &&
      new ChangesTable(profile, profile.changes, {
        sort: (sort, ascending) => store.set({ sort, ascending }),
        choose,
      });
    this.tasks = new TaskView(profile, choose);
    this.source =
      sources && new SourceView(profile, sources, { choose, again: () => this.show(store.state) });
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
    if ((view === 'timeline' || hasRange) && !this.timeline) this.read();
    else this.work.run(this.making(state, view));
  }

  /** Ends when what is asked for is shown. */
  settled(): Promise<void> {
    return this.work.settled();
  }

  /** Makes all that `view` shows, then what shows it: the latter takes few milliseconds. */
  private *making(state: State, view: ViewName): Steps<() => void> {
    const selection = yield* this.select(state);
    const found = yield* this.search(selection, state.search);
    const figures = state.fn >= 0 ? yield* functionFigures(selection) : [];
    const showView = yield* this.makingView(selection, state, view, found.matches?.of ?? null);
    return () => {
      this.toolbar.status.textContent = found.told;
      this.view.setAttribute('aria-labelledby', `tab-${view}`);
      const element = this.elementOf(view);
      if (this.view.firstChild !== element) this.view.replaceChildren(element);
      this.tip.hide();
      this.shown = selection;
      showView();
      this.details.show(selection, figures, state.fn);
    };
  }

  private *makingView(
    selection: Selection,
    state: State,
    view: ViewName,
    matches: Uint8Array | null,
  ): Steps<() => void> {
    switch (view) {
      case 'flame':
      case 'inverted': {
        const graph = yield* this.graph(selection, view);
        // Makes the frames in sight, which the view then places again.
        const focus = yield* graph.find(state.zoom);
        if (focus.parent) yield* layout(graph, graph.root, innerWidth);
        yield* layout(graph, focus, innerWidth);
        return () => this.showGraph(graph, focus, { state, view, matches });
      }
      case 'tree': {
        const graph = yield* this.graph(selection, 'flame');
        return yield* this.tree.making(graph, state, matches);
      }
      case 'sandwich':
        return yield* this.sandwich.making(selection, state, matches, innerWidth);
      case 'table':
        return yield* this.table.making(selection, state);
      case 'changes':
        return yield* this.changes!.making(state);
      case 'source':
        return yield* this.source!.making(selection, state);
      case 'processes': {
        const change = (off: Partial<State>) => this.store.set({ ...off, zoom: [] });
        const groups = (this.groups ??= yield* GroupChooser.of(this.profile, change));
        return () => groups.show(state);
      }
      case 'timeline':
        return yield* this.timeline!.view.making(state, selection, matches);
      case 'tasks':
        return () => this.tasks.show(state);
      case 'generics':
        return () => {};
    }
  }

  private showGraph(
    graph: Graph,
    focus: Frame,
    { state, view, matches }: { state: State; view: ViewName; matches: Uint8Array | null },
  ): void {
    const { selection } = graph;
    const { zoom, flame, fn } = state;
    const rootLabel = this.rootLabel(selection, view);
    const growsUp = view === 'flame' && flame;
    const shape = { graph, selection, zoom, growsUp, matches, chosen: fn, rootLabel };
    // The strip takes room of the graph, which is placed after it.
    this.overview.show(shape, focus);
    this.flame.show(shape);
  }

  /** Reads the timeline, then shows what is to be shown by then. */
  private read(): void {
    if (this.isReading) return;
    this.isReading = true;
    this.view.replaceChildren(make('p', { class: 'hint' }, 'Reading the timeline …'));
    const text = this.timelineText;
    this.timelineText = '';
    const reading = readTimeline(text).then(data => {
      const view = new TimelineView(this.profile, data, this.tip, {
        change: (change, isTyping) => this.store.set(change, isTyping),
        tell: told => (this.told.textContent = told),
      });
      this.timeline = { data, view };
      this.show(this.store.state);
    });
    this.work.waitFor(reading);
  }

  /** Returns the profile of the chosen range, or of everything. */
  private *profileOf({ from, to }: State): Steps<Profile> {
    if (!this.timeline || to <= from) return this.profile;
    if (this.ranged?.from !== from || this.ranged.to !== to) {
      const profile = yield* profileOf(this.profile, this.timeline.data, { from, to });
      this.ranged = { from, to, profile };
    }
    return this.ranged.profile;
  }

  private elementOf(view: State['view']): HTMLElement {
    switch (view) {
      case 'flame':
      case 'inverted':
        return this.graphs;
      case 'tree':
        return this.tree.element;
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
        return this.groups!.element;
      case 'generics':
        return (this.generics ??= genericsPage(this.profile));
    }
  }
  private generics: HTMLElement | null = null;

  private *select(state: State): Steps<Selection> {
    const { measure, mine, imports, tasksOnly } = state;
    const choice: Choice = {
      measure,
      mine,
      imports,
      off: new Set(state.off),
      tasksOff: new Set(state.tasksOff),
      tasksOnly,
    };
    const profile = yield* this.profileOf(state);
    const isIt = (of: Selection | null): of is Selection =>
      of?.profile === profile && of.choice.measure === measure && isSameBut(of.choice, choice);
    if (isIt(this.selection)) return this.selection;
    const isOther = isIt(this.other);
    const selection = isOther ? this.other! : yield* selecting(profile, choice, this.selection);
    this.other = this.selection;
    this.selection = selection;
    this.whole = this.inverted = null;
    return selection;
  }

  /** Makes what is likely to be asked for next, while the page has nothing else to do. */
  async prepare(): Promise<void> {
    const { profile, selection } = this;
    await inSteps(findingOccurrences(profile));
    if (!selection || profile.nodes > PREPARED) return;
    const mine = { ...selection.choice, mine: !selection.choice.mine };
    const other = await inSteps(selecting(selection.profile, mine));
    if (this.selection === selection) this.other = other;
  }

  private *graph(selection: Selection, view: 'flame' | 'inverted'): Steps<Graph> {
    if (view === 'flame') return (this.whole ??= Graph.whole(selection));
    return (this.inverted ??= yield* Graph.inverted(selection));
  }

  private rootLabel({ choice, whole, wholeCalls, wholeTime }: Selection, view: string): string {
    const amount =
      choice.measure === 'calls'
        ? counted(wholeCalls, 'call', 'calls')
        : `${duration(whole)}${whole === wholeTime ? '' : ` of ${duration(wholeTime)}`}`;
    return view === 'flame' ? `All: ${amount}` : `All, each function by itself: ${amount}`;
  }

  private *search(selection: Selection, text: string): Steps<Found> {
    if (this.found?.selection !== selection || this.found.text !== text) {
      const pattern = text ? expression(text) : null;
      const matches = pattern && (yield* search(selection, pattern));
      this.found = { selection, text, matches, told: searchText(selection, text, matches) };
    }
    return this.found;
  }

  private recolour(): void {
    this.flame.recolour();
    this.overview.recolour();
    this.sandwich.recolour();
    this.timeline?.view.recolour();
  }

  private async copy(form: CopyForm): Promise<void> {
    const { status } = this.toolbar;
    status.textContent = 'Copying …';
    const text = await inSteps(this.copied(form));
    const isCopied = text !== null && (await copy(text));
    status.textContent =
      text === null
        ? 'Too much to copy; edbprof export writes it to a file'
        : isCopied
          ? `Copied ${counted(text.trimEnd().split('\n').length, 'line', 'lines')}`
          : 'The browser does not let this page copy';
  }

  /** Returns the text to copy, or `null` if it is too long. */
  private *copied(form: CopyForm): Steps<string | null> {
    const selection = this.shown!;
    const { state } = this.store;
    if (form === 'svg') return this.flame.picture();
    if (form === 'folded') return yield* folded(selection);
    let rows: TextRows = this.table.shown;
    if (state.view === 'tree') rows = yield* this.tree.copied(selection);
    else if (state.view !== 'table') {
      const figures = yield* functionFigures(selection);
      rows = yield* sortFigures(figures, sortKey(state), state.ascending, null);
    }
    return yield* (form === 'csv' ? tableCsv : tableText)(selection, rows);
  }
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
