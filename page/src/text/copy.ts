// Texts of what is shown: a table as text and CSV, a graph as folded stacks.

import { place } from '../data/profile';
import type { Figures } from '../model/figures';
import { Shown, type Selection } from '../model/selection';
import { inParts, OBJECTS, type Steps } from '../work';
import { count, duration, share } from './numbers';

/** Figures of a row of the call tree, and its level, which is 0 for roots. */
export interface TreeFigures extends Figures {
  level: number;
}

/** Rows of the table of functions, or of the call tree. */
export type TextRows = readonly (Figures & Partial<TreeFigures>)[];

/** Returns the rows as text for people, columns aligned, names indented by their levels. */
export function* tableText(selection: Selection, rows: TextRows): Steps<string> {
  const { profile, wholeTime } = selection;
  const lines = [['calls', 'self', '', 'total', '', 'function']];
  const widths = lines[0]!.map(head => head.length);
  yield* inRows(rows, row => {
    const line = [
      count(row.calls),
      duration(row.self),
      share(row.self, wholeTime),
      duration(row.total),
      share(row.total, wholeTime),
      '  '.repeat(row.level ?? 0) +
        `${profile.functions.name[row.fn]} ${place(profile, row.fn)}`.trimEnd(),
    ];
    lines.push(line);
    line.forEach((cell, i) => (widths[i] = Math.max(widths[i]!, cell.length)));
  });
  const texts: string[] = [];
  yield* inRows(lines, line => {
    const cells = line.map((cell, i) => (i < line.length - 1 ? cell.padStart(widths[i]!) : cell));
    texts.push(`${cells.join('  ')}\n`);
  });
  return texts.join('');
}

/** Calls `visit` with each row, in steps. */
function* inRows<T>(rows: readonly T[], visit: (row: T) => void): Steps<void> {
  yield* inParts(rows.length, (first, last) => rows.slice(first, last).forEach(visit), OBJECTS);
}

/** Returns the rows as CSV, times in nanoseconds. Those of the call tree begin with their levels. */
export function* tableCsv(selection: Selection, rows: TextRows): Steps<string> {
  const { profile } = selection;
  const isTree = rows[0]?.level !== undefined;
  const lines = [`${isTree ? 'level,' : ''}function,file,line,calls,self_ns,total_ns,waiting_ns`];
  yield* inRows(rows, row => {
    const file = profile.files[profile.functions.file[row.fn]!]?.path ?? '';
    const cells = [
      ...(isTree ? [row.level] : []),
      csv(profile.functions.name[row.fn]!),
      csv(file),
      profile.functions.line[row.fn],
      row.calls,
      row.self,
      row.total,
      row.waiting,
    ];
    lines.push(cells.join(','));
  });
  return [...lines, ''].join('\r\n');
}

/** Quotes a cell. A spreadsheet would compute one that begins like a formula. */
export function csv(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** Deepest stack that is written whole; deeper frames count as the last one's own time. */
const MAX_DEPTH = 400;

/** Longest text that is copied, characters: clipboards and browsers refuse more. */
const LONGEST = 100_000_000;

/**
 * Returns the selected calls as folded stacks, a line for each stack with a weight of its own.
 * Returns `null` if that is too long.
 */
export function* folded(selection: Selection): Steps<string | null> {
  const { profile, own, up, shown } = selection;
  const labels = new Map<number, string>();
  const label = (fn: number) => {
    let text = labels.get(fn);
    if (text === undefined) {
      const name = profile.functions.name[fn]!;
      const at = place(profile, fn);
      text = (at ? `${name} (${at})` : name).replaceAll(';', '\uff1b').replaceAll(' ', '\u00a0');
      labels.set(fn, text);
    }
    return text;
  };
  const sums = new Map<string, number>();
  let length = 0;
  for (let node = 0; node < profile.nodes && length <= LONGEST; node++) {
    if (node % OBJECTS === 0) yield;
    if (shown[node] !== Shown.Yes || own[node]! <= 0) continue;
    const stack: string[] = [];
    for (let at = node; at >= 0; at = up[at]!) stack.push(label(profile.function[at]!));
    const line = stack.reverse().slice(0, MAX_DEPTH).join(';');
    const sum = sums.get(line);
    if (sum === undefined) length += line.length;
    sums.set(line, (sum ?? 0) + own[node]!);
  }
  if (length > LONGEST) return null;
  const lines: string[] = [];
  yield* inRows([...sums], ([stack, weight]) => lines.push(`${stack} ${weight}\n`));
  return lines.join('');
}

/** Puts `text` on the clipboard. Returns false if the browser refuses. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without permission, the old way still works after a click or key.
    const field = document.createElement('textarea');
    field.value = text;
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand('copy');
    field.remove();
    return isCopied;
  }
}
