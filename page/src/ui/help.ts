// The list of keys, behind `?`.

import { button, make } from './dom';

const KEYS: readonly (readonly [string, string])[] = [
  ['1 … 9', 'views, in the order of their tabs'],
  ['/', 'search'],
  ['Esc', 'end the search, then zoom out, then show the whole run'],
  ['Arrows', 'move between frames, or rows'],
  ['Enter', 'zoom to the frame, unfold the row, or choose it in the call tree'],
  ['→ ←', 'unfold and fold the row'],
  ['h', 'in the call tree: unfold the heaviest path'],
  ['0', 'zoom out'],
  ['+ −', 'zoom the timeline'],
  ['s', 'sandwich of the chosen function'],
  ['m', 'my code only'],
  ['i', 'fold imports'],
  ['f', 'flame or icicle'],
  ['c', 'copy the view as text'],
  ['t', 'light or dark'],
  ['?', 'this list'],
];

export function helpDialog(): HTMLDialogElement {
  const rows = KEYS.map(([key, what]) =>
    make('tr', {}, make('td', {}, make('kbd', {}, key)), make('td', {}, what)),
  );
  const dialog = make(
    'dialog',
    { id: 'help', 'aria-labelledby': 'help-title' },
    make('h2', { id: 'help-title' }, 'Keys'),
    make('table', {}, make('tbody', {}, ...rows)),
    make(
      'p',
      {},
      'A click on a frame zooms to it and chooses its function. ' +
        'The address holds all that is shown: a copy of it is a link to this view.',
    ),
    button('Close', () => dialog.close()),
  );
  return dialog;
}
