// The search by regular expression, and the share of what it matches.

import { searched, type Profile } from '../data/profile';
import { Shown, type Selection } from './selection';

export interface Matches {
  /** For each function 1 if it matches. */
  of: Uint8Array;
  functions: number;
  /** Weight of stacks with a matching function, and of matching functions by themselves. */
  onStack: number;
  own: number;
}

/** Returns the expression, or `null` if `text` is none. Capitals matter if there are any. */
export function expression(text: string): RegExp | null {
  try {
    return new RegExp(text, /\p{Lu}/u.test(text) ? 'u' : 'iu');
  } catch {
    return null;
  }
}

/** Returns for each function 1 if `pattern` matches its name and place. */
export function matching(profile: Profile, pattern: RegExp): Uint8Array {
  const { length } = profile.functions.name;
  const of = new Uint8Array(length);
  for (let fn = 0; fn < length; fn++) of[fn] = pattern.test(searched(profile, fn)) ? 1 : 0;
  return of;
}

/** Looks for functions that `pattern` matches in what is selected. */
export function search(selection: Selection, pattern: RegExp): Matches {
  const { profile, up, own, shown } = selection;
  const of = matching(profile, pattern);
  const found = new Set<number>();
  const isOn = new Uint8Array(profile.nodes);
  let onStack = 0;
  let byThemselves = 0;
  for (let node = 0; node < profile.nodes; node++) {
    if (shown[node] !== Shown.Yes) continue;
    const fn = profile.function[node]!;
    const above = up[node]!;
    if (of[fn]) {
      found.add(fn);
      byThemselves += own[node]!;
    }
    if (of[fn] || (above >= 0 && isOn[above])) {
      isOn[node] = 1;
      onStack += own[node]!;
    }
  }
  return { of, functions: found.size, onStack, own: byThemselves };
}
