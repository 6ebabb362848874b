import { expect, it } from 'vitest';
import { Texts } from './canvas';

/** Texts on a canvas whose characters have ten pixels each. */
const texts = new Texts({ measureText: () => ({ width: 10 }) } as never);

it('has the place on a frame where all of it fits', () => {
  const best = (room: number) => texts.best(['name  a.py:1', 'name'], room);
  expect([120, 119, 40].map(best)).toEqual(['name  a.py:1', 'name', 'name']);
});

it('cuts the name alone, if nothing fits', () => {
  expect(texts.best(['name  a.py:1', 'name'], 39)).toBe('na…');
  expect(texts.best(['name  a.py:1', 'name'], 10)).toBe('');
});
