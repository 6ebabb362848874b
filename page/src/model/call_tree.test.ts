import { describe, expect, it } from 'vitest';
import { Role } from '../data/profile';
import { finish } from '../work';
import {
  countingMatches,
  frameFigures,
  hasCallees,
  hasMatchBelow,
  heaviestPath,
  treeRows,
  unfoldedAtFirst,
} from './call_tree';
import { Graph, pathTo } from './frames';
import { profile, recursive, threads } from './profiles.fixture';
import { EVERYTHING as ALL, select } from './selection';
import { countUnfolded, fold, MOST, readUnfolded, unfold, writeUnfolded } from './unfolded';

/** Returns the rows as levels and functions. */
function rowsOf(graph: Graph, text: string): string[] {
  const { frames, places, open } = finish(treeRows(graph, readUnfolded(text)));
  return frames.map((frame, row) => {
    const sign = open.has(frame) ? '-' : hasCallees(graph.selection, frame) ? '+' : ' ';
    return `${' '.repeat(frame.depth - 1)}${sign}f${frame.fn} ${places[row]}`;
  });
}

describe('unfolded frames', () => {
  it('are text that is read again', () => {
    for (const text of ['-', '0', '0.1.2', '0.1.-.2', '0.1.2.--.3.4.---.7']) {
      expect(writeUnfolded(readUnfolded(text))).toBe(text);
    }
    expect(countUnfolded(readUnfolded('0.1.2.--.3.4.---.7'))).toBe(6);
  });

  it('are never what nobody meant', () => {
    for (const text of ['', '...', '--.-', '9999999999', '1e3.x', '----------']) {
      expect(writeUnfolded(readUnfolded(text))).toBe('-');
    }
    expect(countUnfolded(readUnfolded('1.'.repeat(2 * MOST)))).toBe(MOST);
    const deep = writeUnfolded(readUnfolded('1.'.repeat(MOST)));
    expect(deep.split('.')).toHaveLength(MOST);
  });

  it('are folded with all below them', () => {
    const unfolded = readUnfolded('0.1.2');
    unfold(unfolded, [0, 3]);
    expect(writeUnfolded(unfolded)).toBe('0.1.2.--.3');
    fold(unfolded, [0, 1]);
    fold(unfolded, [7, 8]);
    expect(writeUnfolded(unfolded)).toBe('0.3');
  });
});

describe('the call tree', () => {
  const graph = Graph.whole(select(recursive, ALL));

  it('has the callees of unfolded frames, the heaviest first', () => {
    expect(rowsOf(graph, '-')).toEqual(['+f0 1']);
    expect(rowsOf(graph, '0')).toEqual(['-f0 1', ' +f1 1', ' +f2 2']);
    expect(rowsOf(graph, '0.2')).toEqual(['-f0 1', ' +f1 1', ' -f2 2', '   f1 1']);
    // Frames that do not exist, and those without callees.
    expect(rowsOf(graph, '0.2.1.1.1.---.9.9')).toEqual(rowsOf(graph, '0.2'));
  });

  it('has the figures of all threads', () => {
    const selection = select(threads, ALL);
    const { frames } = finish(treeRows(Graph.whole(selection), readUnfolded('-')));
    expect(frames.map(frame => frameFigures(selection, frame))).toEqual([
      { fn: 2, calls: 2, self: 40, total: 40, waiting: 0, isEstimated: false },
    ]);
  });

  it('has calls that took no time, but not what did not occur', () => {
    const idle = profile(
      [Role.Own, Role.Own, Role.Own],
      [
        [0, 0, 1, 5, 0],
        [1, 1, 1, 0, 0],
        [1, 2, 0, 0, 0],
      ],
    );
    const graph = Graph.whole(select(idle, ALL));
    expect(rowsOf(graph, '-')).toEqual(['+f0 1']);
    expect(rowsOf(graph, '0')).toEqual(['-f0 1', '  f1 1']);
  });

  it('is empty without calls', () => {
    const none = Graph.whole(select(profile([], []), ALL));
    expect(rowsOf(none, '0.1')).toEqual([]);
    expect(finish(unfoldedAtFirst(none)).size).toBe(0);
  });

  it('of own code has no libraries', () => {
    const mine = Graph.whole(select(recursive, { ...ALL, mine: true }));
    expect(rowsOf(mine, '0.1')).toEqual(['-f0 1', ' -f1 1', '   f1 1']);
  });

  it('is unfolded at first where one callee has half of the time', () => {
    expect(writeUnfolded(finish(unfoldedAtFirst(graph)))).toBe('0.1.1');
  });

  it('unfolds the heaviest path, or the one to a match', () => {
    const to = (search: Uint8Array | null) => {
      const { selection } = graph;
      const before = search && finish(countingMatches(selection, search));
      const [root] = finish(graph.next(graph.root));
      const within =
        before &&
        ((frame: typeof graph.root) =>
          search[frame.fn] === 1
            ? 'itself'
            : hasMatchBelow(selection, frame, before)
              ? 'below'
              : 'no');
      return pathTo(finish(heaviestPath(graph, root!, within)));
    };
    expect(to(null)).toEqual([0, 1, 1]);
    expect(to(Uint8Array.of(0, 0, 1))).toEqual([0, 2]);
    expect(to(Uint8Array.of(0, 0, 0))).toEqual([0]);
  });

  it('may be deep', () => {
    const deep = profile(
      [Role.Own],
      Array.from({ length: 3000 }, (_, depth) => [depth, 0, 1, 1, 0]),
    );
    const graph = Graph.whole(select(deep, ALL));
    expect(rowsOf(graph, '0.'.repeat(MOST))).toHaveLength(3000);
  });
});
