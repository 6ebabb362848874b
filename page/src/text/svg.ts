// A graph as a picture: what is in sight in the page, with all rows.

import { ROW } from '../view/canvas';
import type { Box } from '../view/layout';

export interface PictureBox {
  box: Box;
  row: number;
  colour: string;
  name: string;
  /** All that is known of the frame. */
  title: string;
}

/** Width of a character, pixels. */
const CHARACTER = 6.6;

/** Returns the picture of `boxes`, which are in so many rows. */
export function svg(
  boxes: readonly PictureBox[],
  rows: number,
  width: number,
  growsUp: boolean,
  colours: { back: string; text: string },
): string {
  const height = rows * ROW;
  const frames = boxes.map(({ box, row, colour, name, title }) => {
    const y = growsUp ? height - (row + 1) * ROW : row * ROW;
    const wide = Math.max(box.width - 0.5, 0.3);
    const room = Math.floor((wide - 6) / CHARACTER);
    const text = name.length <= room ? name : room > 2 ? `${name.slice(0, room - 1)}…` : '';
    const label = text ? `<text x="${fixed(box.x + 3)}" y="${y + 14}">${escaped(text)}</text>` : '';
    return (
      `<g><title>${escaped(title)}</title><rect x="${fixed(box.x)}" y="${y}" ` +
      `width="${fixed(wide)}" height="${ROW - 1}" fill="${escaped(colour)}"/>${label}</g>`
    );
  });
  return (
    `<svg xmlns="${namespace()}" width="${fixed(width)}" height="${height}" ` +
    `viewBox="0 0 ${fixed(width)} ${height}" font-family="sans-serif" font-size="12" ` +
    `fill="${escaped(colours.text)}">\n` +
    `<rect width="100%" height="100%" fill="${escaped(colours.back)}"/>\n` +
    `${frames.join('\n')}\n</svg>\n`
  );
}

/** Returns the namespace of SVG. The page itself has no address of anything, not even this name. */
function namespace(): string {
  const parsed = new DOMParser().parseFromString('<svg></svg>', 'text/html');
  return parsed.querySelector('svg')!.namespaceURI!;
}

function fixed(number: number): string {
  return String(Math.round(number * 100) / 100);
}

/** Returns `text` for XML, which some characters can't be in at all. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
