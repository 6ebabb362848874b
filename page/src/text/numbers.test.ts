import { describe, expect, it } from 'vitest';

import { duration, mean, share } from './numbers';

describe('a half', () => {
  it('becomes the even digit, as the program rounds it', () => {
    const times = [1_125, 1_375, 10_250_000, 100_500_000_000, 101_500_000_000];
    expect(times.map(duration)).toEqual(['1.12 µs', '1.38 µs', '10.2 ms', '100 s', '102 s']);
    expect([999_499, 999_500].map(duration)).toEqual(['999 µs', '1.00 ms']);
    expect([0.5, 1.5, 2.5].map(duration)).toEqual(['0 ns', '2 ns', '2 ns']);
    expect([share(1, 800), share(3, 800)]).toEqual(['0.12 %', '0.38 %']);
    expect([mean(0.25), mean(0.75), mean(1000)]).toEqual(['0.2', '0.8', '1,000']);
  });

  it('is none if the number has other digits behind it', () => {
    expect([duration(1_124), duration(1_126)]).toEqual(['1.12 µs', '1.13 µs']);
    expect(share(1_255, 1_000)).toBe('125.50 %');
    expect(share(10_050, 1_000_000)).toBe((1.005).toFixed(2) + ' %');
  });
});
