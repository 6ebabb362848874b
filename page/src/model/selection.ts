// The part of the profile that all views show: chosen processes, threads and tasks, and whether code
// of libraries and of imports is folded into its callers. Nothing is copied: a node is shown,
// transparent (its time is its caller's, its callees are its caller's callees) or left out.

import { Role, type Profile } from '../data/profile';
import { finish, inParts, type Steps } from '../work';

export const enum Shown {
  Transparent = 0,
  Yes = 1,
  LeftOut = 2,
  /** It has no time here, but callees that are shown. */
  Outside = 3,
}

/** Quantity that gives frames their width. */
export type Measure = 'time' | 'running' | 'waiting' | 'calls' | 'before';

export interface Choice {
  measure: Measure;
  /** True if only the program's own functions are shown. */
  mine: boolean;
  /** True if everything below an import is part of it, except the program's own code. */
  imports: boolean;
  /** Nodes of processes and threads that are left out. */
  off: ReadonlySet<number>;
  /** Functions whose tasks are left out: a task is the outermost coroutine on the stack. */
  tasksOff: ReadonlySet<number>;
  /** True if what runs in no task is left out. */
  tasksOnly: boolean;
}

/** The choice of everything. */
export const EVERYTHING: Choice = {
  measure: 'time',
  mine: false,
  imports: false,
  off: new Set(),
  tasksOff: new Set(),
  tasksOnly: false,
};

export interface Selection {
  profile: Profile;
  choice: Choice;
  shown: Uint8Array;
  /** Nearest shown caller of each node, or -1. */
  up: Int32Array;
  /** Calls of all nodes, of those that are not shown, too: they are no calls of others. */
  calls: Float64Array;
  /** Times of shown nodes; others have none. */
  self: Float64Array;
  total: Float64Array;
  waiting: Float64Array;
  /** Calls and self time on the side before, where two are compared. */
  before: { calls: Float64Array; self: Float64Array } | null;
  /** The chosen measure without callees, and with them. */
  own: Float64Array;
  weight: Float64Array;
  /** Sum of `own`, of `self` and of `calls`. */
  whole: number;
  wholeTime: number;
  wholeCalls: number;
}

/** Returns true if all that was recorded is shown, in whatever measure. */
export function isWhole(choice: Choice): boolean {
  return isSameBut(choice, EVERYTHING);
}

export function isGroup(role: Role): boolean {
  return role === Role.Process || role === Role.Thread;
}

/** Parts of a selection that do not depend on the measure. */
type Base = Pick<
  Selection,
  | 'profile'
  | 'shown'
  | 'up'
  | 'calls'
  | 'self'
  | 'total'
  | 'waiting'
  | 'before'
  | 'wholeTime'
  | 'wholeCalls'
>;

/** Applies `choice` to `profile`. `last`, the selection before, may have much of the new one. */
export function select(profile: Profile, choice: Choice, last?: Selection | null): Selection {
  return finish(selecting(profile, choice, last));
}

/** Does what `select` does, in steps that each take a few milliseconds. */
export function* selecting(
  profile: Profile,
  choice: Choice,
  last?: Selection | null,
): Steps<Selection> {
  const isBase = last?.profile === profile && isSameBut(last.choice, choice);
  const base = isBase ? last : yield* baseOf(profile, choice);
  const own = yield* ownMeasure(choice, base);
  const { shown, up, self, total } = base;
  return {
    profile,
    choice,
    shown,
    up,
    calls: base.calls,
    self,
    waiting: base.waiting,
    total,
    before: base.before,
    own,
    weight: own === self ? total : yield* inclusive(own, up, shown),
    whole: own === self ? base.wholeTime : yield* sum(own),
    wholeTime: base.wholeTime,
    wholeCalls: base.wholeCalls,
  };
}

/** Returns true if two choices differ in the measure at most. */
export function isSameBut(a: Choice, b: Choice): boolean {
  const isSame = (one: ReadonlySet<number>, other: ReadonlySet<number>) =>
    one.size === other.size && [...one].every(value => other.has(value));
  return (
    a.mine === b.mine &&
    a.imports === b.imports &&
    a.tasksOnly === b.tasksOnly &&
    isSame(a.off, b.off) &&
    isSame(a.tasksOff, b.tasksOff)
  );
}

/** Returns for each function 1 if it is a coroutine. */
export function coroutines({ tasks, functions }: Profile): Uint8Array {
  const is = new Uint8Array(functions.name.length);
  for (const task of tasks) is[task.function] = 1;
  return is;
}

function* baseOf(profile: Profile, choice: Choice): Steps<Base> {
  const { shown, up } = yield* shownNodes(profile, choice);
  // Processes and threads have no figures of their own, so that nothing is folded in the whole.
  const hides = !isWhole(choice);
  const { calls } = profile;
  const self = hides ? yield* folded(profile.self, shown, up) : profile.self;
  const hasWaits = hides && (yield* sum(profile.waiting)) > 0;
  const waiting = hasWaits ? yield* folded(profile.waiting, shown, up) : profile.waiting;
  const was = profile.before;
  const selfBefore = was && (hides ? yield* folded(was.self, shown, up) : was.self);
  return {
    profile,
    shown,
    up,
    calls,
    self,
    waiting,
    total: yield* inclusive(self, up, shown),
    before: was && selfBefore ? { calls: was.calls, self: selfBefore } : null,
    wholeTime: yield* sum(self),
    wholeCalls: yield* sum(calls, shown),
  };
}

/** Returns a column without the figures of nodes that are not shown. */
function* ofShown(column: Float64Array, shown: Uint8Array): Steps<Float64Array> {
  const figures = new Float64Array(column.length);
  const copy = (first: number, last: number) => {
    for (let node = first; node < last; node++) {
      if (shown[node] === Shown.Yes) figures[node] = column[node]!;
    }
  };
  yield* inParts(column.length, copy);
  return figures;
}

/** Returns the times of shown nodes, to which those of transparent ones below are added. */
function* folded(times: Float64Array, shown: Uint8Array, up: Int32Array): Steps<Float64Array> {
  const sums = new Float64Array(times.length);
  const add = (first: number, last: number) => {
    for (let node = first; node < last; node++) {
      const is = shown[node]!;
      const to = is === Shown.Yes ? node : is === Shown.Transparent ? up[node]! : -1;
      if (to >= 0) sums[to] = sums[to]! + times[node]!;
    }
  };
  yield* inParts(times.length, add);
  return sums;
}

function* shownNodes(profile: Profile, choice: Choice): Steps<Pick<Base, 'shown' | 'up'>> {
  const { nodes, depth: depths, function: column, end } = profile;
  const { off, mine, imports, tasksOff, tasksOnly } = choice;
  const hasTasks = tasksOnly || tasksOff.size > 0;
  const isCoroutine = coroutines(profile);
  // Ascending, with an end, so that one comparison a node is enough.
  const leftOut = Uint32Array.from([...off, nodes]).sort();
  let nextOut = 0;
  const role = Uint8Array.from(profile.functions.role);
  const shown = new Uint8Array(nodes);
  const up = new Int32Array(nodes).fill(-1);
  // Nearest shown node by depth, the node there included, and 1 for what is within an import.
  const open: number[] = [];
  const within: boolean[] = [];
  const inTask: boolean[] = [];
  let node = 0;
  const look = (_: number, last: number) => {
    for (; node < last; node++) {
      if (node >= leftOut[nextOut]!) {
        if (leftOut[nextOut++] === node) {
          shown.fill(Shown.LeftOut, node, end[node]);
          node = end[node]!;
        }
        node--;
        continue;
      }
      const depth = depths[node]!;
      const above = depth > 0 ? open[depth - 1]! : -1;
      up[node] = above;
      if (hasTasks) {
        const isInside = depth > 0 && inTask[depth - 1]!;
        const fn = column[node]!;
        inTask[depth] = isInside || isCoroutine[fn] === 1;
        if (!isInside && isCoroutine[fn] === 1 && tasksOff.has(fn)) {
          shown.fill(Shown.LeftOut, node, end[node]);
          node = end[node]! - 1;
          continue;
        }
        if (tasksOnly && !inTask[depth]) {
          shown[node] = Shown.Outside;
          open[depth] = -1;
          within[depth] = false;
          continue;
        }
      }
      const part = role[column[node]!]! as Role;
      const isForeign = part !== Role.Own;
      let isFolded = mine && isForeign && part !== Role.Other;
      if (imports) {
        const isInImport = depth > 0 && within[depth - 1]!;
        within[depth] = isForeign && (isInImport || part === Role.Import);
        isFolded ||= isInImport && isForeign;
      }
      // A root stays, because its time would have no other place.
      const isShown = !isGroup(part) && (!isFolded || above < 0);
      if (isShown) shown[node] = Shown.Yes;
      open[depth] = isShown ? node : above;
    }
  };
  yield* inParts(nodes, look);
  return { shown, up };
}

function* ownMeasure(
  choice: Choice,
  { calls, self, waiting, before, shown }: Omit<Base, 'profile'>,
): Steps<Float64Array> {
  switch (choice.measure) {
    case 'time':
      return self;
    case 'waiting':
      return waiting;
    case 'calls':
      return isWhole(choice) ? calls : yield* ofShown(calls, shown);
    case 'before':
      return before?.self ?? self;
    case 'running':
      return yield* running(self, waiting);
  }
}

function* running(self: Float64Array, waiting: Float64Array): Steps<Float64Array> {
  const times = new Float64Array(self.length);
  const subtract = (first: number, last: number) => {
    for (let node = first; node < last; node++) {
      times[node] = Math.max(0, self[node]! - waiting[node]!);
    }
  };
  yield* inParts(self.length, subtract);
  return times;
}

/** Adds up `own` from callees to callers. */
function* inclusive(own: Float64Array, up: Int32Array, shown: Uint8Array): Steps<Float64Array> {
  const sums = own.slice();
  const { length } = sums;
  const add = (first: number, last: number) => {
    for (let node = length - 1 - first; node >= length - last; node--) {
      const above = up[node]!;
      if (above >= 0 && shown[node] === Shown.Yes) sums[above] = sums[above]! + sums[node]!;
    }
  };
  yield* inParts(length, add);
  return sums;
}

/** Adds up a column, or the part of it that is shown. */
function* sum(column: Float64Array, shown?: Uint8Array): Steps<number> {
  let whole = 0;
  const add = (first: number, last: number) => {
    for (let i = first; i < last; i++) if (!shown || shown[i] === Shown.Yes) whole += column[i]!;
  };
  yield* inParts(column.length, add);
  return whole;
}

/** Nodes that are passed in one step. */
const PASSED = 50_000;

/** Calls `visit` with each shown callee of each of `nodes`; with each shown root for -1. */
export function* eachCallee(
  { profile, shown }: Selection,
  nodes: ArrayLike<number>,
  visit: (callee: number, caller: number) => void,
): Steps<void> {
  const { end } = profile;
  let next = 0;
  let caller = -1;
  let at = 0;
  let last = 0;
  const walk = () => {
    for (let left = PASSED; left > 0; left--) {
      if (at < last) {
        const is = shown[at];
        if (is === Shown.Yes) visit(at, caller);
        at = is === Shown.Yes || is === Shown.LeftOut ? end[at]! : at + 1;
      } else if (next < nodes.length) {
        caller = nodes[next++]!;
        at = caller + 1;
        last = caller < 0 ? profile.nodes : end[caller]!;
      } else return false;
    }
    return true;
  };
  while (walk()) yield;
}
