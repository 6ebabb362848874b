// Names of folded imports: the modules whose bodies run in them.

import type { Profile } from '../data/profile';

/** Nodes that are looked through for one frame. */
const MOST = 20_000;
/** Modules that are named. */
const NAMED = 3;

/** Returns the name of a frame of folded imports; nothing where no module's body ran. */
export function importName(profile: Profile, nodes: ArrayLike<number>): string {
  const { function: column, end, functions } = profile;
  const modules = new Set<string>();
  let left = MOST;
  for (let i = 0; i < nodes.length && left > 0; i++) {
    let node = nodes[i]! + 1;
    for (; node < end[nodes[i]!]! && left > 0; left--) {
      const fn = column[node]!;
      if (functions.name[fn] !== '<module>') {
        node++;
        continue;
      }
      // What a module imports is part of its import.
      modules.add(moduleOf(profile, fn));
      node = end[node]!;
    }
  }
  if (modules.size === 0) return '';
  const names = [...modules].slice(0, NAMED).join(', ');
  return modules.size > NAMED
    ? `import ${names} and ${modules.size - NAMED} more`
    : `import ${names}`;
}

function moduleOf({ files, functions }: Profile, fn: number): string {
  const short = files[functions.file[fn]!]?.short ?? '';
  const path = short.replace(/^<frozen (.*)>$/, '$1').replace(/\.py$/, '');
  return path
    .replace(/\/__init__$/, '')
    .replace(/^\//, '')
    .replaceAll('/', '.');
}
