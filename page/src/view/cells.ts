// Cells that several tables have.

import { place, type Names } from '../data/profile';
import { button, make } from '../ui/dom';

/** Makes the cell of a function's name; `before` stands before its colour. */
export function nameCell(profile: Names, fn: number, ...before: Node[]): HTMLElement {
  const name = profile.functions.name[fn]!;
  const at = place(profile, fn);
  return make(
    'div',
    { role: 'gridcell', class: 'name', title: at ? `${name}\n${at}` : name },
    ...before,
    make('span', { class: `role role-${profile.functions.role[fn]}`, 'aria-hidden': 'true' }),
    make('span', { class: 'text' }, name),
    make('span', { class: 'place' }, at),
  );
}

/**
 * Makes a cell of a figure. Narrow windows omit those of class `wide`. A bar as long as `part` of
 * the cell is below a figure that is a share of the whole.
 */
export function figureCell(text: string, wide: string, part?: number): HTMLElement {
  const cell = make('div', { role: 'gridcell', class: wide }, text);
  if (part !== undefined) {
    cell.classList.add('bar');
    cell.style.backgroundSize = `${Math.min(100 * part, 100)}% 3px`;
  }
  return cell;
}

/** Makes the head of a column, which sorts by it. `order` is empty if another column does. */
export function headCell(
  title: string,
  className: string,
  order: '' | 'ascending' | 'descending',
  sort: () => void,
): HTMLElement {
  const arrow = order && (order === 'ascending' ? ' ▲' : ' ▼');
  return make(
    'div',
    { role: 'columnheader', class: className, 'aria-sort': order || 'none' },
    button(title + arrow, sort),
  );
}
