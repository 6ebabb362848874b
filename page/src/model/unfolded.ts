// The frames of the call tree that are unfolded, and their text in the address.

/** Unfolded frames by their functions, each with the unfolded ones below it. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- An alias can't name itself.
export interface Unfolded extends Map<number, Unfolded> {}

/** Unfolded frames that an address may have, because browsers refuse very long ones. */
export const MOST = 5_000;

/** Text for a tree that is folded, which differs from one that nobody has touched. */
const FOLDED = '-';

/**
 * Returns the unfolded frames of a text: functions in depth-first order, each below the one before.
 * Dashes lead up, as many frames as they are.
 */
export function readUnfolded(text: string): Unfolded {
  const root: Unfolded = new Map();
  const open = [root];
  let left = MOST;
  for (const word of text.split('.')) {
    if (/^-+$/.test(word)) open.length = Math.max(1, open.length - word.length);
    if (!/^\d{1,9}$/.test(word) || left-- <= 0) continue;
    const above = open[open.length - 1]!;
    const fn = Number(word);
    const below: Unfolded = above.get(fn) ?? new Map();
    above.set(fn, below);
    open.push(below);
  }
  return root;
}

/** Returns the text of unfolded frames. */
export function writeUnfolded(root: Unfolded): string {
  const words: (string | number)[] = [];
  const open = [root.entries()];
  let up = 0;
  while (open.length > 0) {
    const next = open[open.length - 1]!.next();
    if (next.done) {
      open.pop();
      up++;
      continue;
    }
    if (up > 0) words.push('-'.repeat(up));
    up = 0;
    const [fn, below] = next.value;
    words.push(fn);
    open.push(below.entries());
  }
  return words.length > 0 ? words.join('.') : FOLDED;
}

/** Returns the number of unfolded frames. */
export function countUnfolded(root: Unfolded): number {
  let number = 0;
  const open = [root];
  for (let at = open.pop(); at; at = open.pop()) {
    number += at.size;
    open.push(...at.values());
  }
  return number;
}

/** Unfolds all frames of a path. */
export function unfold(root: Unfolded, path: readonly number[]): void {
  let at = root;
  for (const fn of path) {
    const below: Unfolded = at.get(fn) ?? new Map();
    at.set(fn, below);
    at = below;
  }
}

/** Folds the frame at the end of a path, and all below it. */
export function fold(root: Unfolded, path: readonly number[]): void {
  let at: Unfolded | undefined = root;
  for (const fn of path.slice(0, -1)) at = at?.get(fn);
  at?.delete(path[path.length - 1]!);
}
