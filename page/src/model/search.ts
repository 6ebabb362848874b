// The search by regular expression, and the share of what it matches.

import { searched, type Profile } from '../data/profile';
import { inParts, OBJECTS, type Steps } from '../work';
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
export function* matching(profile: Profile, pattern: RegExp): Steps<Uint8Array> {
  const { length } = profile.functions.name;
  const of = new Uint8Array(length);
  const match = (first: number, last: number) => {
    for (let fn = first; fn < last; fn++) of[fn] = pattern.test(searched(profile, fn)) ? 1 : 0;
  };
  yield* inParts(length, match, OBJECTS);
  return of;
}

/** Looks for functions that `pattern` matches in what is selected. */
export function* search(selection: Selection, pattern: RegExp): Steps<Matches> {
  const { profile, up, own, shown } = selection;
  const { nodes, function: column } = profile;
  const of = yield* matching(profile, pattern);
  const isFound = new Uint8Array(of.length);
  const isOn = new Uint8Array(nodes);
  let functions = 0;
  let onStack = 0;
  let byThemselves = 0;
  const look = (first: number, last: number) => {
    for (let node = first; node < last; node++) {
      if (shown[node] !== Shown.Yes) continue;
      const fn = column[node]!;
      const above = up[node]!;
      if (of[fn]) {
        if (!isFound[fn]) functions++;
        isFound[fn] = 1;
        byThemselves += own[node]!;
      }
      if (of[fn] || (above >= 0 && isOn[above])) {
        isOn[node] = 1;
        onStack += own[node]!;
      }
    }
  };
  yield* inParts(nodes, look);
  return { of, functions, onStack, own: byThemselves };
}
