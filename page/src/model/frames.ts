// Frames of flame graphs. A frame stands for all nodes of one function below one frame, in all
// threads. Its callees, or callers in an inverted graph, are made when they are to be seen, so that
// the first picture of a million nodes needs no million frames.

import { eachCallee, type Selection } from './selection';
import { outermost } from './figures';

export interface Frame {
  /** Function, or -1 for the whole. */
  fn: number;
  weight: number;
  parent: Frame | null;
  depth: number;
  nodes: number[];
  /** In graphs of callers the part of the weight that each node stands for. */
  parts: number[] | null;
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
    nodes: number[],
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
    const groups = new Groups(1);
    const { own, profile } = selection;
    for (let node = 0; node < profile.nodes; node++) {
      if (own[node]! > 0) groups.add(profile.function[node]!, node, own[node]!, true);
    }
    return new Graph(selection, 'callers', groups.frames(), -1, [], selection.whole);
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
    for (const node of frame.nodes) {
      eachCallee(this.selection, node, callee => {
        const heavy = weight[callee]!;
        if (heavy > 0) groups.add(profile.function[callee]!, callee, heavy, false);
      });
    }
    return groups.frames();
  }

  private callers(frame: Frame): Frame[] {
    const { profile, up } = this.selection;
    const groups = new Groups(frame.depth + 1, frame);
    frame.nodes.forEach((node, i) => {
      const caller = up[node]!;
      if (caller >= 0) groups.add(profile.function[caller]!, caller, frame.parts![i]!, true);
    });
    return groups.frames();
  }
}

/** Returns the functions from the root to `frame`. */
export function pathTo(frame: Frame): number[] {
  const path: number[] = [];
  for (let at = frame; at.parent; at = at.parent) path.push(at.fn);
  return path.reverse();
}

/** Frames that are being put together, one a function. */
class Groups {
  private readonly of = new Map<number, Frame>();

  constructor(
    private readonly depth: number,
    private readonly parent: Frame | null = null,
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
    return [...this.of.values()].sort((a, b) => b.weight - a.weight || a.fn - b.fn);
  }
}
