import { describe, expect, it } from 'vitest';
import { Role } from '../data/profile';
import { finish } from '../work';
import { Graph } from './frames';
import { profile } from './profiles.fixture';
import { EVERYTHING, select } from './selection';

const CALLERS = 5000;

/** Returns a graph of 5,000 functions that call the last one, for so long each. */
function called(times: (caller: number) => number): Graph {
  const roles = Array.from({ length: CALLERS + 1 }, () => Role.Own);
  const nodes = Array.from({ length: CALLERS }, (_, fn) => [
    [0, fn, 1, 0, 0],
    [1, CALLERS, 1, times(fn), 0],
  ]).flat();
  const selection = select(
    profile(roles, nodes as [number, number, number, number, number][]),
    EVERYTHING,
  );
  return finish(Graph.inverted(selection));
}

describe('callers of a function that has many', () => {
  it('are as heavy as they are for it, the heaviest first', () => {
    const graph = called(fn => 1 + (fn % 7));
    const [callee] = graph.root.next!;
    const callers = finish(graph.next(callee!));
    expect(callers).toHaveLength(CALLERS);
    expect(callers.map(({ weight }) => weight)).toEqual(
      callers.map(({ fn }) => 1 + (fn % 7)).sort((a, b) => b - a),
    );
  });

  it('have no frames where those would be too narrow to be seen', () => {
    const graph = called(fn => (fn < 3 ? 1e9 : 1));
    const [callee] = graph.root.next!;
    expect(finish(graph.next(callee!)).map(({ fn, weight }) => [fn, weight])).toEqual([
      [0, 1e9],
      [1, 1e9],
      [2, 1e9],
    ]);
    expect(callee!.weight).toBe(3e9 + CALLERS - 3);
  });
});
