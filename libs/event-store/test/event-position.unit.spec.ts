import { expect, it } from 'vitest';
import { compareEventPositions, parseEventPosition } from '../src/index.js';

it('a position is a whole number from 0, as a number or as text', () => {
  expect(parseEventPosition('12')).toBe(12n);
  expect(parseEventPosition(0n)).toBe(0n);
  for (const bad of ['', '-1', '1.5', 'x', '99999999999999999999']) {
    expect(() => parseEventPosition(bad)).toThrow(RangeError);
  }
  expect(() => parseEventPosition(-1n)).toThrow(RangeError);
});

it('positions are ordered', () => {
  const [one, two] = [parseEventPosition(1n), parseEventPosition('2')];
  expect([compareEventPositions(one, two), compareEventPositions(two, one)]).toEqual([-1, 1]);
  expect(compareEventPositions(one, one)).toBe(0);
});
