// Generic functions: each caller and the implementation that its calls reached.

import type { Profile } from '../data/profile';
import { count } from '../text/numbers';
import { make } from '../ui/dom';

export function genericsPage(profile: Profile): HTMLElement {
  const rows = [...profile.generics].sort(
    (a, b) => a.generic.localeCompare(b.generic) || b.calls - a.calls,
  );
  return make(
    'div',
    { class: 'page' },
    make('h2', {}, 'Generic functions'),
    make('p', {}, 'Calls through singledispatch functions, by caller and reached implementation.'),
    make(
      'table',
      { class: 'plain' },
      make(
        'thead',
        {},
        make(
          'tr',
          {},
          ...['Generic function', 'Caller', 'Implementation', 'Calls'].map(text =>
            make('th', { scope: 'col' }, text),
          ),
        ),
      ),
      make(
        'tbody',
        {},
        ...rows.map(row =>
          make(
            'tr',
            {},
            make('td', {}, row.generic),
            make('td', {}, row.caller),
            make('td', {}, row.implementation),
            make('td', { class: 'number' }, count(row.calls)),
          ),
        ),
      ),
    ),
  );
}
