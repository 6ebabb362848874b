// The part of the profile that all views show: chosen processes and threads, and whether code of
// libraries and of imports is folded into its callers. Nothing is copied: a node is shown,
// transparent (its time is its caller's, its callees are its caller's callees) or left out.

import { Role, type Profile } from '../data/profile';

export const enum Shown {
  Transparent = 0,
  Yes = 1,
  LeftOut = 2,
}

/** Quantity that gives frames their width. */
export type Measure = 'time' | 'running' | 'waiting' | 'calls';

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

/** Applies `choice` to `profile`. */
export function select(profile: Profile, choice: Choice): Selection {
  const length = profile.nodes;
  const { shown, up } = shownNodes(profile, choice);
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
  const own = ownMeasure(choice.measure, { calls, self, waiting });
  const total = inclusive(self, up, shown);
  return {
    profile,
    choice,
    shown,
    up,
    calls,
    self,
    waiting,
    total,
    own,
    weight: own === self ? total : inclusive(own, up, shown),
    whole: sum(own),
    wholeTime: sum(self),
    wholeCalls: sum(calls),
  };
}

function shownNodes(profile: Profile, choice: Choice) {
  const length = profile.nodes;
  const { role } = profile.functions;
  const shown = new Uint8Array(length);
  const up = new Int32Array(length).fill(-1);
  // Open nodes by depth, and for each depth whether it is within an import.
  const open: number[] = [];
  const within: boolean[] = [];
  for (let node = 0; node < length; node++) {
    if (choice.off.has(node)) {
      shown.fill(Shown.LeftOut, node, profile.end[node]);
      node = profile.end[node]! - 1;
      continue;
    }
    const depth = profile.depth[node]!;
    const parent = depth > 0 ? open[depth - 1]! : -1;
    const above = parent < 0 ? -1 : shown[parent] === Shown.Yes ? parent : up[parent]!;
    const part = role[profile.function[node]!]!;
    const inImport = depth > 0 && within[depth - 1]!;
    open[depth] = node;
    within[depth] = choice.imports && part !== Role.Own && (inImport || part === Role.Import);
    up[node] = above;
    const isFolded =
      (inImport && within[depth]) || (choice.mine && part !== Role.Own && part !== Role.Other);
    // A root stays, because its time would have no other place.
    if (!isGroup(part) && (!isFolded || above < 0)) shown[node] = Shown.Yes;
  }
  return { shown, up };
}

function ownMeasure(
  measure: Measure,
  { calls, self, waiting }: { calls: Float64Array; self: Float64Array; waiting: Float64Array },
): Float64Array {
  switch (measure) {
    case 'time':
      return self;
    case 'waiting':
      return waiting;
    case 'calls':
      return calls;
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
