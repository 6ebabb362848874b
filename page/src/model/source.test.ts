import { describe, expect, it } from 'vitest';
import { ends, Role, type Profile } from '../data/profile';
import { EVERYTHING, select } from './selection';
import { finish } from '../work';
import { linesOf } from './source';

const LINES = `import json

@decorator
def work(n):
    # parse() is in a comment
    parse(n)
    for _ in range(n):
        json.loads("[]"); other(n)
    other(parse(n))

def parse(n):
    return n
work(1)`.split('\n');

const depth = Uint32Array.from([0, 1, 2, 2]);
const profile = {
  version: 1,
  title: '',
  remarks: [],
  nodes: 4,
  estimated: 4,
  functions: {
    name: ['<module>', 'work', 'parse', 'json.loads'],
    file: [0, 0, 0, 1],
    line: [1, 3, 11, 300],
    role: [Role.Own, Role.Own, Role.Own, Role.Library],
  },
  files: [],
  generics: [],
  tasks: [],
  exact: [],
  depth,
  end: ends(depth),
  function: Uint32Array.from([0, 1, 2, 3]),
  calls: Float64Array.from([1, 1, 2, 5]),
  self: Float64Array.from([1, 10, 20, 40]),
  waiting: new Float64Array(4),
} satisfies Profile;

const selection = select(profile, EVERYTHING);

describe('the lines of a file', () => {
  const lines = finish(linesOf(selection, 0, LINES));

  it('have the figures of what they define', () => {
    expect(lines.get(1)).toMatchObject({ calls: 1, self: 1, total: 71, sites: 0 });
    expect(lines.get(3)).toMatchObject({ calls: 1, self: 10, total: 70, sites: 0 });
    expect(lines.get(11)).toMatchObject({ calls: 2, total: 20, sites: 0 });
  });

  it('have those of what they call, and say how many lines name it', () => {
    expect(lines.get(6)).toMatchObject({ calls: 2, total: 20, sites: 2, functions: [2] });
    expect(lines.get(8)).toMatchObject({ calls: 5, total: 40, sites: 1, functions: [3] });
    expect(lines.get(9)).toMatchObject({ sites: 2 });
    expect(lines.get(13)).toMatchObject({ calls: 1, total: 70, sites: 1, functions: [1] });
    expect([...lines.keys()].sort((a, b) => a - b)).toEqual([1, 3, 6, 8, 9, 11, 13]);
  });
});
