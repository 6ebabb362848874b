import { describe, expect, it } from 'vitest';
import { fromFragment, START, toFragment } from './state';
import { csv } from './text/copy';
import { count, duration, share } from './text/numbers';

describe('the address', () => {
  it('holds what differs from the start', () => {
    expect(toFragment(START)).toBe('');
    const state = {
      ...START,
      view: 'table',
      zoom: [1, 20],
      search: 'a&b=.*',
      mine: true,
    } as const;
    expect(fromFragment(`#${toFragment(state)}`)).toEqual(state);
  });

  it('of somebody else is harmless', () => {
    const state = fromFragment('#view=<b>&fn=-1&zoom=1..x.2&sort=evil&mine=yes&off=999999999999');
    expect(state).toEqual({ ...START, zoom: [1, 2] });
  });
});

describe('numbers', () => {
  it('look like those of the program', () => {
    const shown = [0, 12, 1500, 45_600_000, 999_510_000, 1.234e9, 99.96e9, 7.54e12].map(duration);
    expect(shown).toEqual([
      '0 s',
      '12 ns',
      '1.50 µs',
      '45.6 ms',
      '1.00 s',
      '1.23 s',
      '100 s',
      '7540 s',
    ]);
    expect(count(1234567)).toBe('1,234,567');
    expect(share(1, 3)).toBe('33.33 %');
    expect(share(0, 0)).toBe('0.00 %');
  });

  it('round halves to the even digit, as the program does', () => {
    const halves = [48_250, 48_750, 1_125, 1_375].map(duration);
    expect(halves).toEqual(['48.2 µs', '48.8 µs', '1.12 µs', '1.38 µs']);
  });

  it('and names in CSV are no formulas', () => {
    expect(csv('=1+1')).toBe("'=1+1");
    expect(csv('a,"b"')).toBe('"a,""b"""');
  });
});
