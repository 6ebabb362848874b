// The call tree as rows: the frames of the flame graph that are in sight because all above them are
// unfolded.

import { inParts, type Steps } from '../work';
import type { Figures } from './figures';
import type { Frame, Graph } from './frames';
import { Shown, type Selection } from './selection';
import { unfold, type Unfolded } from './unfolded';

/** Rows that are made in one step. */
const PART = 1 << 15;
/** Frames that are unfolded at once on the way to the heaviest one. */
const DEEPEST = 500;
/** Least weight of a frame on that way, as a share of the first one's. */
const LEAST = 0.01;

/** Rows in their order. */
export interface TreeRows {
  frames: Frame[];
  /** Place of each frame among the callees of its caller, from 1 on. */
  places: number[];
  /** Frames whose callees are rows, too. */
  open: Set<Frame>;
}

/** Callees that become rows one after the other. */
interface Level {
  frames: readonly Frame[];
  at: number;
  unfolded: Unfolded;
}

/** Returns the roots of `graph` and what is unfolded below them. */
export function* treeRows(graph: Graph, unfolded: Unfolded): Steps<TreeRows> {
  const rows: TreeRows = { frames: [], places: [], open: new Set() };
  const levels: Level[] = [{ frames: yield* graph.next(graph.root), at: 0, unfolded }];
  for (;;) {
    const opened = addRows(rows, levels);
    if (!opened && levels.length === 0) return rows;
    if (opened) {
      const frames = yield* graph.next(opened.frame);
      if (frames.length > 0) {
        rows.open.add(opened.frame);
        levels.push({ frames, at: 0, unfolded: opened.unfolded });
      }
    } else yield;
  }
}

/** Adds rows up to the next unfolded frame, which it returns, or as many as a step may. */
function addRows(
  { frames, places }: TreeRows,
  levels: Level[],
): { frame: Frame; unfolded: Unfolded } | null {
  for (let left = PART; left > 0 && levels.length > 0; left--) {
    const level = levels[levels.length - 1]!;
    const frame = level.frames[level.at++];
    if (!frame) {
      levels.pop();
      continue;
    }
    frames.push(frame);
    places.push(level.at);
    const unfolded = level.unfolded.get(frame.fn);
    if (unfolded) return { frame, unfolded };
  }
  return null;
}

/**
 * Returns what is unfolded before anybody has touched the tree: the heaviest root, and below it
 * callees that have at least half of the time of their callers.
 */
export function* unfoldedAtFirst(graph: Graph): Steps<Unfolded> {
  const unfolded: Unfolded = new Map();
  const roots = yield* graph.next(graph.root);
  let frame: Frame | undefined = roots[0];
  const path: number[] = [];
  while (frame && frame.weight > 0 && path.length < DEEPEST) {
    path.push(frame.fn);
    const callee: Frame | undefined = (yield* graph.next(frame))[0];
    frame = callee && callee.weight >= frame.weight / 2 ? callee : undefined;
  }
  unfold(unfolded, path);
  return unfolded;
}

/**
 * Returns the last frame of the way from `frame` along the heaviest callees, which ends before those
 * that are light. With `within`, the way leads to the first frame that the search matches.
 */
export function* heaviestPath(
  graph: Graph,
  frame: Frame,
  within: ((frame: Frame) => 'itself' | 'below' | 'no') | null,
): Steps<Frame> {
  let last = frame;
  for (let left = DEEPEST; left > 0; left--) {
    const next = yield* graph.next(last);
    const heaviest = within ? next.find(callee => within(callee) !== 'no') : next[0];
    if (!heaviest || (!within && heaviest.weight < LEAST * frame.weight)) return last;
    last = heaviest;
    if (within?.(last) === 'itself') return last;
  }
  return last;
}

const figuresOf = new WeakMap<Frame, Figures>();

/** Returns the figures of all nodes of a frame of callees: none of them is within another one. */
export function frameFigures(selection: Selection, frame: Frame): Figures {
  let row = figuresOf.get(frame);
  if (row) return row;
  const { profile, calls, self, total, waiting } = selection;
  const { fn, nodes } = frame;
  row = { fn, calls: 0, self: 0, total: 0, waiting: 0, isEstimated: false };
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i]!;
    row.calls += calls[node]!;
    row.self += self[node]!;
    row.total += total[node]!;
    row.waiting += waiting[node]!;
    if (node >= profile.estimated) row.isEstimated = true;
  }
  figuresOf.set(frame, row);
  return row;
}

const hasOf = new WeakMap<Frame, boolean>();

/** Returns true if there is a frame below `frame`. Does not make it. */
export function hasCallees(selection: Selection, frame: Frame): boolean {
  let has = frame.next ? frame.next.length > 0 : hasOf.get(frame);
  if (has === undefined) {
    has = Array.prototype.some.call(frame.nodes, (node: number) => isCaller(selection, node));
    hasOf.set(frame, has);
  }
  return has;
}

function isCaller({ profile, shown, weight, own, calls }: Selection, node: number): boolean {
  if (weight[node]! > own[node]!) return true;
  for (let at = node + 1; at < profile.end[node]!; at++) {
    if (shown[at] === Shown.Yes && calls[at]! > 0) return true;
  }
  return false;
}

/** Returns for each node, and the end, the number of matching nodes before it. */
export function* countingMatches(selection: Selection, matches: Uint8Array): Steps<Uint32Array> {
  const { profile, shown } = selection;
  const before = new Uint32Array(profile.nodes + 1);
  const count = (first: number, last: number) => {
    for (let node = first; node < last; node++) {
      const is = shown[node] === Shown.Yes ? matches[profile.function[node]!]! : 0;
      before[node + 1] = before[node]! + is;
    }
  };
  yield* inParts(profile.nodes, count);
  return before;
}

/** Returns true if there is a match below `frame`; `before` is that of `countingMatches`. */
export function hasMatchBelow({ profile }: Selection, frame: Frame, before: Uint32Array): boolean {
  const { end } = profile;
  const has = (node: number) => before[end[node]!]! > before[node + 1]!;
  return Array.prototype.some.call(frame.nodes, has);
}
