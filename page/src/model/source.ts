// Figures of the lines of a file: of functions where they are defined, and of what they call where
// its name is. A recording has no lines of calls, so that the latter is a guess.

import type { Profile } from '../data/profile';
import type { Steps } from '../work';
import { calleesOf, functionFigures, type Figures } from './figures';
import type { Selection } from './selection';

export interface LineFigures {
  calls: number;
  self: number;
  total: number;
  /** Functions that are defined here, or called. */
  functions: number[];
  /** Number of lines of the caller that name a callee; 0 where functions are defined. */
  sites: number;
}

/** Functions of a file by their lines. */
interface Body {
  fn: number;
  /** First line, and the one behind the last; from 1. */
  first: number;
  end: number;
}

/** Returns the figures of the lines of a file, from 1. */
export function* linesOf(
  selection: Selection,
  file: number,
  lines: readonly string[],
): Steps<Map<number, LineFigures>> {
  const { profile } = selection;
  const all = yield* functionFigures(selection);
  const figures = all.filter(row => profile.functions.file[row.fn] === file);
  const found = new Map<number, LineFigures>();
  for (const row of figures) add(found, profile.functions.line[row.fn]!, row, 0);
  const bodies = figures.map(row => bodyOf(profile, row.fn, lines));
  const owners = ownersOf(bodies, lines.length);
  for (const { fn } of bodies) {
    const own = linesOwnedBy(owners, fn);
    for (const callee of yield* calleesOf(selection, fn)) {
      const name = lastName(profile.functions.name[callee.fn]!);
      if (!name) continue;
      const call = new RegExp(`(^|[^\\w.])(?:[\\w.]*\\.)?${name}\\s*\\(`);
      const sites = own.filter(line => call.test(code(lines[line - 1]!)));
      for (const line of sites) {
        const isDefined = found.get(line)?.sites === 0;
        if (!isDefined) add(found, line, callee, sites.length);
      }
    }
  }
  return found;
}

function add(found: Map<number, LineFigures>, line: number, row: Figures, sites: number): void {
  const at = found.get(line);
  if (!at) {
    const { calls, self, total } = row;
    found.set(line, { calls, self, total, functions: [row.fn], sites });
    return;
  }
  at.calls += row.calls;
  at.self += row.self;
  at.total += row.total;
  at.sites = Math.max(at.sites, sites);
  at.functions.push(row.fn);
}

/** Returns the name by which code calls a function; nothing for `<module>` and the like. */
function lastName(name: string): string {
  return /[A-Za-z_]\w*$/.exec(name)?.[0] ?? '';
}

/** Returns a line without its comment. Strings may contain what looks like a call. */
function code(line: string): string {
  const text = line.trimStart();
  return /^(async )?def |^class |^#/.test(text) ? '' : line.replace(/#[^'"]*$/, '');
}

function indent(line: string): number {
  return line.length - line.trimStart().length;
}

/** Returns the lines of a function, by their indentation. */
function bodyOf({ functions }: Profile, fn: number, lines: readonly string[]): Body {
  const first = functions.line[fn]!;
  const name = functions.name[fn]!;
  if (name.endsWith('<module>')) return { fn, first: 1, end: lines.length + 1 };
  const least = indent(lines[first - 1] ?? '');
  let end = first;
  // Decorators, and the head of the definition.
  while (end <= lines.length && !/^\s*((async )?def|class)\b/.test(lines[end - 1]!)) {
    if (end > first + 20 || indent(lines[end - 1]!) < least) return { fn, first, end: first + 1 };
    end++;
  }
  for (end++; end <= lines.length; end++) {
    const line = lines[end - 1]!;
    if (line.trim() !== '' && indent(line) <= least && !/^\s*[)\]}#]/.test(line)) break;
  }
  return { fn, first, end };
}

/** Returns for each line the function that it is in: the innermost one. */
function ownersOf(bodies: readonly Body[], length: number): Int32Array {
  const owners = new Int32Array(length + 2).fill(-1);
  const outermost = [...bodies].sort((a, b) => b.end - b.first - (a.end - a.first));
  for (const { fn, first, end } of outermost) owners.fill(fn, first, end);
  return owners;
}

function linesOwnedBy(owners: Int32Array, fn: number): number[] {
  const lines: number[] = [];
  owners.forEach((owner, line) => owner === fn && lines.push(line));
  return lines;
}
