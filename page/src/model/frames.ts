// Frames of flame graphs. A frame stands for all nodes of one function below one frame, in all
// threads. Its callees, or callers in an inverted graph, are made when they are to be seen, so that
// the first picture of a million nodes needs no million frames.

import { eachCallee, type Selection } from './selection';
import { outermost } from './figures';
import { nodesOf } from './occurrences';

export interface Frame {
  /** Function, or -1 for the whole. */
  fn: number;
  weight: number;
  parent: Frame | null;
  depth: number;
  nodes: ArrayLike<number>;
  /** In graphs of callers the part of the weight that each node stands for: if absent, its own. */
  parts: ArrayLike<number> | null;
  next: Frame[] | null;
}

export type Direction = 'callees' | 'callers';

/** A graph whose frames are made on demand. */
export class Graph {
  readonly root: Frame;

  private constructor(
    readonly selection: Selection,
    readonly direction: Direction,
    first: Frame[] | null,
    fn: number,
    nodes: ArrayLike<number>,
    weight: number,
  ) {
    this.root = { fn, weight, parent: null, depth: 0, nodes, parts: null, next: first };
    for (const frame of first ?? []) frame.parent = this.root;
  }

  /** Returns the graph of all calls, from the roots on. */
  static whole(selection: Selection): Graph {
    return new Graph(selection, 'callees', null, -1, [-1], selection.whole);
  }

  /** Returns the inverted graph: each function by itself, its callers next to it. */
  static inverted(selection: Selection): Graph {
    return new Graph(selection, 'callers', byFunction(selection), -1, [], selection.whole);
  }

  /** Returns the callees, or callers, of all outermost calls of `fn`. */
  static of(selection: Selection, fn: number, direction: Direction): Graph {
    const nodes = outermost(selection, fn);
    let weight = 0;
    for (const node of nodes) weight += selection.weight[node]!;
    const graph = new Graph(selection, direction, null, fn, nodes, weight);
    if (direction === 'callers') graph.root.parts = nodes.map(node => selection.weight[node]!);
    return graph;
  }

  /** Returns the frames next to `frame`, the heaviest first. */
  next(frame: Frame): Frame[] {
    frame.next ??= this.direction === 'callees' ? this.callees(frame) : this.callers(frame);
    return frame.next;
  }

  /** Returns the frame at the end of a path of functions, or the last one that exists. */
  find(path: readonly number[]): Frame {
    let frame = this.root;
    for (const fn of path) {
      const next = this.next(frame).find(callee => callee.fn === fn);
      if (!next) break;
      frame = next;
    }
    return frame;
  }

  private callees(frame: Frame): Frame[] {
    const { profile, weight } = this.selection;
    const groups = new Groups(frame.depth + 1, frame);
    for (let i = 0; i < frame.nodes.length; i++) {
      eachCallee(this.selection, frame.nodes[i]!, callee => {
        const heavy = weight[callee]!;
        if (heavy > 0) groups.add(profile.function[callee]!, callee, heavy, false);
      });
    }
    return groups.frames();
  }

  private callers(frame: Frame): Frame[] {
    const { profile, up, own } = this.selection;
    const groups = new Groups(frame.depth + 1, frame);
    for (let i = 0; i < frame.nodes.length; i++) {
      const node = frame.nodes[i]!;
      const caller = up[node]!;
      const part = frame.parts ? frame.parts[i]! : own[node]!;
      if (caller >= 0 && part > 0) groups.add(profile.function[caller]!, caller, part, true);
    }
    return groups.frames();
  }
}

/** Returns the functions from the root to `frame`. */
export function pathTo(frame: Frame): number[] {
  const path: number[] = [];
  for (let at = frame; at.parent; at = at.parent) path.push(at.fn);
  return path.reverse();
}

/** Lightest frame beside the root that is made, as a share of the whole. */
const LEAST = 1e-5;

/** Returns a frame for each function that has a weight of its own. */
function byFunction({ own, profile, whole }: Selection): Frame[] {
  const least = whole * LEAST;
  const { nodes, function: column } = profile;
  const weights = new Float64Array(profile.functions.name.length);
  for (let node = 0; node < nodes; node++) {
    const fn = column[node]!;
    weights[fn] = weights[fn]! + own[node]!;
  }
  const frames: Frame[] = [];
  weights.forEach((weight, fn) => {
    // Narrower ones are never seen: the root always fills the width.
    if (weight <= 0 || weight < least) return;
    const of = nodesOf(profile, fn);
    frames.push({ fn, weight, parent: null, depth: 1, nodes: of, parts: null, next: null });
  });
  return frames.sort(heaviest);
}

function heaviest(a: Frame, b: Frame): number {
  return b.weight - a.weight || a.fn - b.fn;
}

/** Frame whose nodes are being put together. */
interface OpenFrame extends Frame {
  nodes: number[];
  parts: number[] | null;
}

/** Frames that are being put together, one a function. */
class Groups {
  private readonly of = new Map<number, OpenFrame>();

  constructor(
    private readonly depth: number,
    private readonly parent: Frame,
  ) {}

  add(fn: number, node: number, weight: number, hasParts: boolean): void {
    let frame = this.of.get(fn);
    if (!frame) {
      const { parent, depth } = this;
      frame = {
        fn,
        weight: 0,
        parent,
        depth,
        nodes: [],
        parts: hasParts ? [] : null,
        next: null,
      };
      this.of.set(fn, frame);
    }
    frame.weight += weight;
    frame.nodes.push(node);
    frame.parts?.push(weight);
  }

  frames(): Frame[] {
    return [...this.of.values()].sort(heaviest);
  }
}
