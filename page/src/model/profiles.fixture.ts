// Small profiles of tests.

import { ends, Role, type Profile } from '../data/profile';

/** Makes a profile of nodes: depth, function, calls, self, waiting. */
export function profile(roles: Role[], nodes: [number, number, number, number, number][]): Profile {
  const column = (i: number) => Float64Array.from(nodes, node => node[i]!);
  const depth = Uint32Array.from(nodes, node => node[0]);
  return {
    version: 1,
    title: '',
    remarks: [],
    nodes: nodes.length,
    estimated: nodes.length,
    functions: {
      name: roles.map((_, fn) => `f${fn}`),
      file: roles.map(() => -1),
      line: roles.map(() => 0),
      role: roles,
    },
    files: [],
    generics: [],
    tasks: [],
    exact: [],
    depth,
    function: Uint32Array.from(nodes, node => node[1]),
    end: ends(depth),
    calls: column(2),
    self: column(3),
    waiting: column(4),
  };
}

// f0 calls f1, which calls itself; f2 is a library between f0 and f1.
export const recursive = profile(
  [Role.Own, Role.Own, Role.Library],
  [
    [0, 0, 1, 5, 0],
    [1, 1, 2, 10, 4],
    [2, 1, 3, 20, 0],
    [1, 2, 1, 7, 7],
    [2, 1, 1, 8, 0],
  ],
);

// Two threads of one process.
export const threads = profile(
  [Role.Process, Role.Thread, Role.Own],
  [
    [0, 0, 0, 0, 0],
    [1, 1, 0, 0, 0],
    [2, 2, 1, 10, 0],
    [1, 1, 0, 0, 0],
    [2, 2, 1, 30, 0],
  ],
);
