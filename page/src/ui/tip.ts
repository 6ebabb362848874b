// The box beside the pointer that says all of a frame.

import { make } from './dom';

export class Tip {
  readonly element = make('div', { id: 'tip', role: 'tooltip', hidden: true });

  /** Shows `lines` near a point of the window, within its edges. */
  show(lines: readonly string[], x: number, y: number): void {
    const { element } = this;
    element.replaceChildren(...lines.map(line => make('div', {}, line)));
    element.hidden = false;
    const { width, height } = element.getBoundingClientRect();
    const left = Math.max(4, Math.min(x + 14, innerWidth - width - 4));
    const below = y + 18 + height < innerHeight;
    element.style.left = `${left}px`;
    element.style.top = `${below ? y + 18 : Math.max(4, y - 12 - height)}px`;
  }

  hide(): void {
    this.element.hidden = true;
  }
}
