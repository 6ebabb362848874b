// The part of the profile that all views show: chosen processes and threads, and whether code of
// libraries and of imports is folded into its callers. Nothing is copied: a node is shown,
// transparent (its time is its caller's, its callees are its caller's callees) or left out.

import { Role, type Before, type Profile } from '../data/profile';

export const enum Shown {
  Transparent = 0,
  Yes = 1,
  LeftOut = 2,
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
}

export interface Selection {
  profile: Profile;
  choice: Choice;
  shown: Uint8Array;
  /** Nearest shown caller of each node, or -1. */
  up: Int32Array;
  calls: Float64Array;
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
  return !choice.mine && !choice.imports && choice.off.size === 0;
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
  const isBase = last?.profile === profile && isSameBut(last.choice, choice);
  const base = isBase ? last : baseOf(profile, choice);
  const own = ownMeasure(choice.measure, base);
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
    weight: own === self ? total : inclusive(own, up, shown),
    whole: own === self ? base.wholeTime : sum(own),
    wholeTime: base.wholeTime,
    wholeCalls: base.wholeCalls,
  };
}

/** Returns true if two choices differ in the measure at most. */
function isSameBut(a: Choice, b: Choice): boolean {
  const isSameOff = a.off.size === b.off.size && [...a.off].every(node => b.off.has(node));
  return a.mine === b.mine && a.imports === b.imports && isSameOff;
}

function baseOf(profile: Profile, choice: Choice): Base {
  const { shown, up } = shownNodes(profile, choice);
  const { calls, self, waiting } = folded(profile, choice, shown, up);
  const before = profile.before ? foldedBefore(profile, profile.before, shown, up) : null;
  return {
    profile,
    shown,
    up,
    calls,
    self,
    waiting,
    total: inclusive(self, up, shown),
    before,
    wholeTime: sum(self),
    wholeCalls: sum(calls),
  };
}

function folded(profile: Profile, choice: Choice, shown: Uint8Array, up: Int32Array) {
  // Processes and threads have no figures of their own, so that nothing is folded.
  if (isWhole(choice)) return profile;
  const length = profile.nodes;
  const calls = new Float64Array(length);
  const self = new Float64Array(length);
  const waiting = new Float64Array(length);
  for (let node = 0; node < length; node++) {
    if (shown[node] === Shown.LeftOut) continue;
    const to = shown[node] === Shown.Yes ? node : up[node]!;
    if (to < 0) continue;
    self[to] = self[to]! + profile.self[node]!;
    waiting[to] = waiting[to]! + profile.waiting[node]!;
    if (to === node) calls[to] = profile.calls[node]!;
  }
  return { calls, self, waiting };
}

function shownNodes(profile: Profile, choice: Choice) {
  const { nodes, depth: depths, function: column, end } = profile;
  const role = Uint8Array.from(profile.functions.role);
  const shown = new Uint8Array(nodes);
  const up = new Int32Array(nodes).fill(-1);
  let deepest = 0;
  for (let node = 0; node < nodes; node++) if (depths[node]! > deepest) deepest = depths[node]!;
  // Nearest shown node by depth, the node there included, and 1 for what is within an import.
  const open = new Int32Array(deepest + 1);
  const within = new Uint8Array(deepest + 1);
  const { off, mine, imports } = choice;
  const hasOff = off.size > 0;
  for (let node = 0; node < nodes; node++) {
    if (hasOff && off.has(node)) {
      shown.fill(Shown.LeftOut, node, end[node]);
      node = end[node]! - 1;
      continue;
    }
    const depth = depths[node]!;
    const above = depth > 0 ? open[depth - 1]! : -1;
    const part: Role = role[column[node]!]!;
    const isInImport = depth > 0 && within[depth - 1] === 1;
    const staysInImport = imports && part !== Role.Own && (isInImport || part === Role.Import);
    within[depth] = staysInImport ? 1 : 0;
    up[node] = above;
    const isFolded =
      (isInImport && staysInImport) || (mine && part !== Role.Own && part !== Role.Other);
    // A root stays, because its time would have no other place.
    const isShown = !isGroup(part) && (!isFolded || above < 0);
    if (isShown) shown[node] = Shown.Yes;
    open[depth] = isShown ? node : above;
  }
  return { shown, up };
}

function foldedBefore(profile: Profile, was: Before, shown: Uint8Array, up: Int32Array) {
  const calls = new Float64Array(profile.nodes);
  const self = new Float64Array(profile.nodes);
  for (let node = 0; node < profile.nodes; node++) {
    const to = shown[node] === Shown.Yes ? node : up[node]!;
    if (to < 0 || shown[node] === Shown.LeftOut) continue;
    self[to] = self[to]! + was.self[node]!;
    if (to === node) calls[to] = was.calls[node]!;
  }
  return { calls, self };
}

function ownMeasure(
  measure: Measure,
  { calls, self, waiting, before }: Pick<Selection, 'calls' | 'self' | 'waiting' | 'before'>,
): Float64Array {
  switch (measure) {
    case 'time':
      return self;
    case 'waiting':
      return waiting;
    case 'calls':
      return calls;
    case 'before':
      return before?.self ?? self;
    case 'running':
      return self.map((time, node) => Math.max(0, time - waiting[node]!));
  }
}

/** Adds up `own` from callees to callers. */
function inclusive(own: Float64Array, up: Int32Array, shown: Uint8Array): Float64Array {
  const sums = own.slice();
  for (let node = sums.length - 1; node >= 0; node--) {
    const above = up[node]!;
    if (above >= 0 && shown[node] === Shown.Yes) sums[above] = sums[above]! + sums[node]!;
  }
  return sums;
}

export function sum(column: Float64Array): number {
  let whole = 0;
  for (const value of column) whole += value;
  return whole;
}

/** Calls `visit` with each shown callee of `node`; with each shown root for -1. */
export function eachCallee(
  selection: Selection,
  node: number,
  visit: (callee: number) => void,
): void {
  const { profile, shown } = selection;
  const last = node < 0 ? profile.nodes : profile.end[node]!;
  let at = node + 1;
  while (at < last) {
    if (shown[at] === Shown.Yes) visit(at);
    at = shown[at] === Shown.Transparent ? at + 1 : profile.end[at]!;
  }
}
