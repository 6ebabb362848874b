import { describe, expect, it } from 'vitest';
import { finish } from '../work';
import { ascending, ranks, sorted } from './order';

describe('an order', () => {
  it('is that of the numbers, and keeps equal ones in theirs', () => {
    const keys = Float64Array.from([3, 0, 1e15, 0.5, 3, 2 ** 40 + 1, 0]);
    expect([...finish(ascending(keys))]).toEqual([1, 6, 3, 0, 4, 5, 2]);
    expect([...finish(ascending(new Float64Array(0)))]).toEqual([]);
  });

  it('of many numbers is that of a sort', () => {
    const keys = Float64Array.from({ length: 5000 }, (_, i) => (i * 7919) % 4999);
    const sorted = [...keys].sort((a, b) => a - b);
    expect([...finish(ascending(keys))].map(at => keys[at])).toEqual(sorted);
  });

  it('of names is the same in parts', () => {
    const texts = Array.from({ length: 25_000 }, (_, i) => `f${(i * 7919) % 25_000}`);
    const rank = finish(ranks(texts));
    const sorted = texts.map((_, i) => i).sort((a, b) => (texts[a]! < texts[b]! ? -1 : 1));
    expect(sorted.every((text, at) => rank[text] === at)).toBe(true);
    expect([...finish(ranks([]))]).toEqual([]);
  });

  it('of rows keeps equal ones in theirs', () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => [i % 3, i] as const);
    const order = finish(sorted(rows, (a, b) => a[0] - b[0]));
    expect(order).toEqual([...rows].sort((a, b) => a[0] - b[0]));
    expect(finish(sorted([], () => 0))).toEqual([]);
  });
});
