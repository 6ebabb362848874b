// Texts of what is shown: a table as text and CSV, a graph as folded stacks.

import { place } from '../data/profile';
import type { Figures } from '../model/figures';
import { Shown, type Selection } from '../model/selection';
import { count, duration, share } from './numbers';

/** Returns the table as text for people, columns aligned. */
export function tableText(selection: Selection, rows: readonly Figures[]): string {
  const { profile, wholeTime } = selection;
  const lines = rows.map(row => [
    count(row.calls),
    duration(row.self),
    share(row.self, wholeTime),
    duration(row.total),
    share(row.total, wholeTime),
    `${profile.functions.name[row.fn]} ${place(profile, row.fn)}`.trimEnd(),
  ]);
  lines.unshift(['calls', 'self', '', 'total', '', 'function']);
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map(line => line[i]!.length)));
  const cells = (line: readonly string[]) =>
    line.map((cell, i) => (i < line.length - 1 ? cell.padStart(widths[i]!) : cell));
  return lines.map(line => `${cells(line).join('  ')}\n`).join('');
}

/** Returns the table as CSV, times in nanoseconds. */
export function tableCsv(selection: Selection, rows: readonly Figures[]): string {
  const { profile } = selection;
  const lines = rows.map(row => {
    const file = profile.files[profile.functions.file[row.fn]!]?.path ?? '';
    return [
      csv(profile.functions.name[row.fn]!),
      csv(file),
      profile.functions.line[row.fn],
      row.calls,
      row.self,
      row.total,
      row.waiting,
    ].join(',');
  });
  return ['function,file,line,calls,self_ns,total_ns,waiting_ns', ...lines, ''].join('\r\n');
}

/** Quotes a cell. A spreadsheet would compute one that begins like a formula. */
export function csv(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** Deepest stack that is written whole; deeper frames count as the last one's own time. */
const MAX_DEPTH = 400;

/** Returns the selected calls as folded stacks, a line for each stack with a weight of its own. */
export function folded(selection: Selection): string {
  const { profile, own, up, shown } = selection;
  const labels = profile.functions.name.map((name, fn) => {
    const at = place(profile, fn);
    return (at ? `${name} (${at})` : name).replaceAll(';', '\uff1b').replaceAll(' ', '\u00a0');
  });
  const sums = new Map<string, number>();
  for (let node = 0; node < profile.nodes; node++) {
    if (shown[node] !== Shown.Yes || own[node]! <= 0) continue;
    const stack: string[] = [];
    for (let at = node; at >= 0; at = up[at]!) stack.push(labels[profile.function[at]!]!);
    const line = stack.reverse().slice(0, MAX_DEPTH).join(';');
    sums.set(line, (sums.get(line) ?? 0) + own[node]!);
  }
  return [...sums].map(([stack, weight]) => `${stack} ${weight}\n`).join('');
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
