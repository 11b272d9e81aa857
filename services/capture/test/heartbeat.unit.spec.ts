import { describe, expect, it } from 'vitest';
import { Heartbeat } from '../src/core/heartbeat.js';

describe('a heartbeat', () => {
  it('is written when nothing was heard for the interval, and once', () => {
    const heartbeat = new Heartbeat(60_000, 0);
    expect(heartbeat.step(59_999)).toBe('nothing');
    expect(heartbeat.step(60_000)).toBe('beat');
    expect(heartbeat.step(500_000)).toBe('nothing');
  });

  it('waits for the interval anew after anything that was heard', () => {
    const heartbeat = new Heartbeat(60_000, 0);
    heartbeat.heard(50_000);
    expect(heartbeat.step(100_000)).toBe('nothing');
    expect(heartbeat.step(110_000)).toBe('beat');
    heartbeat.heard(110_500);
    heartbeat.expectAnswer(111_000);
    expect(heartbeat.step(160_000)).toBe('nothing');
    expect(heartbeat.step(170_500)).toBe('beat');
  });

  it('that does not come back makes one look, and again while the reader is at work', () => {
    const heartbeat = new Heartbeat(60_000, 0);
    heartbeat.step(60_000);
    heartbeat.expectAnswer(61_000);
    expect(heartbeat.step(90_999)).toBe('nothing');
    expect(heartbeat.step(91_000)).toBe('look');
    expect(heartbeat.step(200_000)).toBe('nothing');
    heartbeat.waitLonger(200_000);
    expect(heartbeat.step(230_000)).toBe('look');
    heartbeat.heard(230_100);
    heartbeat.waitLonger(230_200);
    expect(heartbeat.step(260_200)).toBe('nothing');
  });

  it('is never written when it is switched off', () => {
    expect(new Heartbeat(0, 0).step(1e9)).toBe('nothing');
    expect(new Heartbeat(Number.NaN, 0).step(1e9)).toBe('nothing');
  });
});
