import { expect, it } from 'vitest';
import { slicesInSight } from './lanes';

const lane = {
  begin: Float64Array.of(0, 10, 11, 12, 13, 500),
  ticks: Float64Array.of(9, 1, 1, 1, 480, 1),
};
const level = Uint32Array.of(0, 1, 2, 3, 4, 5);
const inSight = (first: number, scale: number) => [
  ...slicesInSight(lane, level, first, scale, 1000),
];

it('draws each slice that is wide enough', () => {
  expect(inSight(0, 1)).toEqual([0, 1, 2, 3, 4, 5]);
});

it('draws a long slice that begins in the pixel of short ones', () => {
  expect(inSight(0, 1 / 20)).toEqual([0, 4, 5]);
});

it('begins with the slice that is open at the left end', () => {
  expect(inSight(100, 1)).toEqual([4, 5]);
});
