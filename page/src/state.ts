// The state that all views share. It is in the address, so that a link shows what its sender saw
// and Back returns to what was shown before.

import type { Measure } from './model/selection';

const VIEWS = [
  'flame',
  'changes',
  'timeline',
  'tree',
  'inverted',
  'sandwich',
  'table',
  'source',
  'processes',
  'tasks',
  'generics',
] as const;
const SORTS = [
  'name',
  'calls',
  'self',
  'total',
  'per',
  'waiting',
  'before',
  'byCalls',
  'byTime',
] as const;

export type ViewName = (typeof VIEWS)[number];
export type SortKey = (typeof SORTS)[number];

export interface State {
  view: ViewName;
  /** Chosen function, or -1. */
  fn: number;
  /** Functions from the root to the frame that fills the width. */
  zoom: readonly number[];
  /** Frames of the call tree that are unfolded; see `readUnfolded`. Empty before any is touched. */
  unfolded: string;
  search: string;
  measure: Measure;
  mine: boolean;
  imports: boolean;
  /** True if callers are below their callees. */
  flame: boolean;
  /** Nodes of processes and threads that are left out. */
  off: readonly number[];
  /** Functions whose tasks are left out, and if what runs in no task is. */
  tasksOff: readonly number[];
  tasksOnly: boolean;
  /** Range of the timeline whose profile is shown, nanoseconds; everything if they are equal. */
  from: number;
  to: number;
  /** Part of the timeline in sight; all of it if they are equal. */
  t0: number;
  t1: number;
  sort: SortKey;
  ascending: boolean;
  /** True if narrow windows show search and options, too. */
  options: boolean;
}

export const START: State = {
  view: 'flame',
  fn: -1,
  zoom: [],
  unfolded: '',
  search: '',
  measure: 'time',
  mine: false,
  imports: false,
  flame: false,
  off: [],
  tasksOff: [],
  tasksOnly: false,
  from: 0,
  to: 0,
  t0: 0,
  t1: 0,
  sort: 'self',
  ascending: false,
  options: false,
};

const MEASURES: readonly Measure[] = ['time', 'running', 'waiting', 'calls', 'before'];

/** Returns the address's fragment for `state`; values that are as at the start are absent. */
export function toFragment(state: State): string {
  const words = new URLSearchParams();
  for (const key of Object.keys(START) as (keyof State)[]) {
    const text = valueText(state[key]);
    if (text !== valueText(START[key])) words.set(key, text);
  }
  return words.toString();
}

/** Returns the state of a fragment. Whatever is not understood is as at the start. */
export function fromFragment(fragment: string): State {
  const words = new URLSearchParams(fragment.replace(/^#/, ''));
  const one = <T extends string>(key: keyof State, known: readonly T[], start: T): T => {
    const text = words.get(key);
    return known.find(value => value === text) ?? start;
  };
  const numbers = (key: keyof State, digits = 9): number[] =>
    (words.get(key) ?? '')
      .split('.')
      .filter(word => /^\d+$/.test(word) && word.length <= digits)
      .map(Number);
  const time = (key: keyof State): number => numbers(key, 15)[0] ?? 0;
  const is = (key: keyof State): boolean => words.get(key) === '1';
  return {
    view: one('view', VIEWS, START.view),
    fn: numbers('fn')[0] ?? START.fn,
    zoom: numbers('zoom'),
    unfolded: /^[\d.-]{0,60000}$/.exec(words.get('unfolded') ?? '')?.[0] ?? START.unfolded,
    search: words.get('search') ?? '',
    measure: one('measure', MEASURES, START.measure),
    mine: is('mine'),
    imports: is('imports'),
    flame: is('flame'),
    off: numbers('off'),
    tasksOff: numbers('tasksOff'),
    tasksOnly: is('tasksOnly'),
    from: time('from'),
    to: time('to'),
    t0: time('t0'),
    t1: time('t1'),
    sort: one('sort', SORTS, START.sort),
    ascending: is('ascending'),
    options: is('options'),
  };
}

function valueText(value: State[keyof State]): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  return Array.isArray(value) ? value.join('.') : String(value);
}

/** The state, and the address that holds it. */
export class Store {
  private now: State;
  private readonly listeners: ((state: State) => void)[] = [];

  constructor() {
    this.now = fromFragment(location.hash);
    const follow = () => {
      const state = fromFragment(location.hash);
      if (toFragment(state) === toFragment(this.now)) return;
      this.now = state;
      this.notify();
    };
    addEventListener('popstate', follow);
    addEventListener('hashchange', follow);
  }

  get state(): State {
    return this.now;
  }

  onChange(listener: (state: State) => void): void {
    this.listeners.push(listener);
  }

  /** Changes the state. Text that is being typed makes no step for Back (`isTyping`). */
  set(change: Partial<State>, isTyping = false): void {
    const state = { ...this.now, ...change };
    const fragment = toFragment(state);
    if (fragment === toFragment(this.now)) return;
    this.now = state;
    this.showAddress(fragment, isTyping);
    this.notify();
  }

  private showAddress(fragment: string, isTyping: boolean): void {
    const page = location.href.replace(/#.*/, '');
    const address = fragment ? `${page}#${fragment}` : page;
    // In a frame, Back belongs to the page around it.
    const isFrame = window !== window.top;
    try {
      if (isTyping || isFrame) history.replaceState(null, '', address);
      else history.pushState(null, '', address);
    } catch {
      // A browser may refuse a frame without an address of its own, which the state outlives.
    }
  }

  private notify(): void {
    for (const listener of this.listeners) listener(this.now);
  }
}
