// A table of which only the rows in sight are elements.

import { make } from '../ui/dom';

/** Rows above and below those in sight. */
const MORE = 6;

export interface Rows {
  /** Makes the element of a row; the grid puts it into its place. */
  row(index: number): HTMLElement;
  /** Does what a key is for in the current row. Returns false if that is nothing. */
  key(key: string, index: number): boolean;
  /** Is called before rows are made, with the range of those in sight. */
  prepare?(first: number, last: number): void;
}

/** Number of tables, for names of their rows. */
let grids = 0;

export class Grid {
  readonly element: HTMLElement;
  private readonly head = make('div', { role: 'row', class: 'row head', 'aria-rowindex': 1 });
  private readonly body = make('div', { class: 'rows', role: 'rowgroup' });
  /** Beginning of names of rows. */
  private readonly name = `table-${grids++}`;
  private count = 0;
  private current = 0;
  private isInSight = false;

  constructor(
    label: string,
    role: 'grid' | 'treegrid',
    kind: string,
    private readonly rows: Rows,
    /** Height of a row, pixels. */
    private readonly high = 28,
  ) {
    this.element = make(
      'div',
      {
        class: `table ${kind}`,
        role,
        tabindex: 0,
        'aria-label': label,
        scroll: () => this.draw(),
        keydown: (event: KeyboardEvent) => this.key(event),
      },
      make('div', { role: 'rowgroup', class: 'heads' }, this.head),
      this.body,
    );
    new ResizeObserver(() => this.resized()).observe(this.element);
  }

  heads(...heads: HTMLElement[]): void {
    this.head.replaceChildren(...heads);
  }

  /** Shows so many rows. With `isOther`, they are others than before. */
  show(count: number, isOther: boolean): void {
    this.count = count;
    this.body.style.height = `${count * this.high}px`;
    this.element.setAttribute('aria-rowcount', String(count + 1));
    if (isOther) this.current = this.element.scrollTop = 0;
    this.draw();
  }

  /** Index of the current row. */
  get at(): number {
    return this.current;
  }

  /** Width of the column of names, pixels. */
  get nameWidth(): number {
    return this.head.firstElementChild?.clientWidth ?? 0;
  }

  /** Makes a row the current one. */
  choose(index: number): void {
    this.current = index;
    this.draw();
  }

  draw(): void {
    const { scrollTop, clientHeight } = this.element;
    const top = Math.floor(scrollTop / this.high);
    const bottom = Math.ceil((scrollTop + clientHeight) / this.high);
    const first = Math.max(0, top - MORE);
    const last = Math.min(this.count, bottom + MORE);
    const shown: HTMLElement[] = [];
    this.isInSight = this.current >= top && this.current < bottom;
    this.rows.prepare?.(Math.max(top, first), Math.min(bottom, last));
    for (let index = first; index < last; index++) {
      const row = this.rows.row(index);
      row.setAttribute('aria-rowindex', String(index + 2));
      row.id = `${this.name}-${index}`;
      row.classList.toggle('current', index === this.current);
      row.classList.toggle('odd', index % 2 === 1);
      row.style.top = `${index * this.high}px`;
      shown.push(row);
    }
    const hadFocus = this.body.contains(document.activeElement);
    this.body.replaceChildren(...shown);
    if (hadFocus) this.element.focus({ preventScroll: true });
    // Screen readers say the row, because the focus stays on the table.
    const isMade = this.current >= first && this.current < last;
    if (isMade) this.element.setAttribute('aria-activedescendant', `${this.name}-${this.current}`);
    else this.element.removeAttribute('aria-activedescendant');
  }

  /** Keeps the current row in sight: a choice may leave less room for the table. */
  private resized(): void {
    if (this.isInSight) this.moveTo(this.current);
    else this.draw();
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.element) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.high) - 2);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
    };
    if (event.key in steps) this.moveTo(this.current + steps[event.key]!);
    else if (event.key === 'Home') this.moveTo(0);
    else if (event.key === 'End') this.moveTo(this.count - 1);
    else if (this.current >= this.count || !this.rows.key(event.key, this.current)) return;
    event.preventDefault();
  }

  /** Makes a row the current one and scrolls to it. */
  moveTo(index: number): void {
    this.current = Math.max(0, Math.min(index, this.count - 1));
    const top = this.current * this.high;
    const { element, high } = this;
    const room = element.clientHeight - high;
    if (top < element.scrollTop) element.scrollTop = top;
    if (top + high > element.scrollTop + room) element.scrollTop = top + high - room;
    this.draw();
  }
}
