import { describe, expect, it } from 'vitest';
import {
  type SequencePosition,
  advanceOf,
  nextHeadRoom,
  nextPosition,
} from '../src/core/sequence-position.js';

const at = (value: string | null, more: Partial<SequencePosition> = {}): SequencePosition => ({
  value,
  increment: '1',
  minimum: '1',
  maximum: '9223372036854775807',
  cache: '1',
  cycles: false,
  ...more,
});

describe('the destination of a sequence', () => {
  it('is moved ahead of the source, and again before the source comes near, but never back', () => {
    expect(nextPosition(at('10'), at(null))).toBe('2010');
    expect(nextPosition(at('10'), at('5'))).toBe('2010');
    expect(nextPosition(at('1010'), at('2010'))).toBeNull();
    expect(nextPosition(at('1011'), at('2010'))).toBe('3011');
    expect(nextPosition(at('10'), at('9000'))).toBeNull();
    expect(nextPosition(at(null), at('5'))).toBeNull();
  });

  it('has the head-room of the rate and of the cache, in steps of the increment', () => {
    expect(nextPosition(at('10'), at('3000'), 50_000n)).toBe('100010');
    expect(nextPosition(at('10', { cache: '70000' }), at('3000'))).toBe('140010');
    expect(nextPosition(at('10', { increment: '5' }), at('10'))).toBe('10010');
  });

  it('goes down where the source goes down', () => {
    const down = { increment: '-1', minimum: '-9000', maximum: '-1' };
    expect(nextPosition(at('-10', down), at('-3', down))).toBe('-2010');
    expect(nextPosition(at('-10', down), at('-3000', down))).toBeNull();
    expect(nextPosition(at('-8999', down), at('-3', down))).toBe('-8999');
  });

  it('leaves half of what is left near the end, and stays within the bounds of both', () => {
    expect(nextPosition(at('10', { maximum: '50' }), at(null))).toBe('30');
    expect(nextPosition(at('50', { maximum: '50' }), at('50'))).toBeNull();
    expect(nextPosition(at('99'), at(null, { maximum: '50' }))).toBe('50');
  });

  it('begins anew behind the end of a cycle, and is behind when more than half a circle is between', () => {
    const circle = { maximum: '100', cycles: true };
    expect(nextPosition(at('10', circle), at(null, circle))).toBe('35');
    expect(nextPosition(at('90', circle), at('95', circle))).toBe('15');
    expect(nextPosition(at('90', circle), at('15', circle))).toBeNull();
    expect(nextPosition(at('20', circle), at('15', circle))).toBe('45');
    expect(nextPosition(at('95', { ...circle, increment: '10' }), at(null, circle))).toBe('11');
  });

  it('is exact beyond what a double can hold', () => {
    const far = '9007199254740993';
    expect(nextPosition(at(far), at(null))).toBe('9007199254742993');
  });
});

describe('the head-room', () => {
  it('is twice the largest advance, and shrinks slowly when less is asked of the sequence', () => {
    expect(nextHeadRoom(0n, 0n)).toBe(1000n);
    expect(nextHeadRoom(1000n, 40_000n)).toBe(80_000n);
    expect(nextHeadRoom(80_000n, 10n)).toBe(75_000n);
  });

  it('counts steps forward only', () => {
    expect(advanceOf(at('10'), at('25'))).toBe(15n);
    expect(advanceOf(at(null), at('25'))).toBe(24n);
    expect(advanceOf(at('25'), at('10'))).toBe(0n);
    const down = { increment: '-5', minimum: '-100', maximum: '-1' };
    expect(advanceOf(at('-1', down), at('-51', down))).toBe(10n);
  });
});
