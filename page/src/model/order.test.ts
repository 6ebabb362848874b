import { describe, expect, it } from 'vitest';
import { ascending, ranks } from './order';

describe('an order', () => {
  it('is that of the numbers, and keeps equal ones in theirs', () => {
    const keys = Float64Array.from([3, 0, 1e15, 0.5, 3, 2 ** 40 + 1, 0]);
    expect([...ascending(keys)]).toEqual([1, 6, 3, 0, 4, 5, 2]);
    expect([...ascending(new Float64Array(0))]).toEqual([]);
  });

  it('of many numbers is that of a sort', () => {
    const keys = Float64Array.from({ length: 5000 }, (_, i) => (i * 7919) % 4999);
    const sorted = [...keys].sort((a, b) => a - b);
    expect([...ascending(keys)].map(at => keys[at])).toEqual(sorted);
  });

  it('of names is the same in parts', async () => {
    const texts = Array.from({ length: 25_000 }, (_, i) => `f${(i * 7919) % 25_000}`);
    const rank = await ranks(texts);
    const sorted = texts.map((_, i) => i).sort((a, b) => (texts[a]! < texts[b]! ? -1 : 1));
    expect(sorted.every((text, at) => rank[text] === at)).toBe(true);
    expect([...(await ranks([]))]).toEqual([]);
  });
});
