import { describe, expect, it } from 'vitest';
import { HEARTBEAT_INTERVAL_MS } from '../src/heartbeat.js';
import { MirrorBalancer, type PeerBeat } from '../src/mirror-balancer.js';
import { recordingLog } from './recording-log.js';

const has = (...mirrors: string[]): PeerBeat => ({ mirrors, leaving: false });

/** An instance that has mirrors and gives the first of them whenever it is to. */
function balanced(...mirrors: string[]) {
  const given: string[] = [];
  const freed: string[] = [];
  let nowMs = 0;
  const balancer = new MirrorBalancer({
    instance: 'own',
    mirrors: () => mirrors,
    others: () => ['x', 'y'],
    give: () => {
      const mirror = mirrors.shift();
      if (mirror !== undefined) given.push(mirror);
      return mirror;
    },
    claimFreed: (mirror) => freed.push(mirror),
    log: recordingLog([]),
    nowMs: () => nowMs,
  });
  return { balancer, given, freed, mirrors, pass: (ms: number) => (nowMs += ms) };
}

describe('an instance that has most of the mirrors', () => {
  it('gives one, and the next when that was taken', () => {
    const { balancer, given } = balanced('a', 'b', 'c', 'd');
    balancer.hear('own', has());
    expect(given).toEqual([]);
    balancer.hear('other', has());
    balancer.hear('other', has());
    expect(given).toEqual(['a']);
    balancer.hear('other', has('a'));
    expect(given).toEqual(['a', 'b']);
    balancer.hear('other', has('a', 'b'));
    expect(given).toEqual(['a', 'b']);
  });

  it('gives the next, too, when the gift was stopped or deleted before anybody took it', () => {
    const { balancer, given } = balanced('a', 'b', 'c');
    balancer.hear('other', has());
    balancer.forget('a');
    balancer.hear('other', has());
    expect(given).toEqual(['a', 'b']);
  });

  it('rests for a minute when its gift came back to it', () => {
    const { balancer, given, mirrors, pass } = balanced('a', 'b');
    balancer.hear('other', has());
    mirrors.push('a');
    balancer.noteClaim('a');
    balancer.hear('other', has());
    expect(given).toEqual(['a']);
    pass(60_000);
    balancer.hear('other', has());
    expect(given).toEqual(['a', 'b']);
  });

  it('waits for nobody who has been silent for three beats', () => {
    const { balancer, given, pass } = balanced('a', 'b', 'c');
    balancer.hear('idle', has('x', 'y', 'z', 'u'));
    expect([balancer.ahead, given]).toEqual([0, []]);
    balancer.hear('other', has('x', 'y'));
    expect(balancer.ahead).toBe(1);
    pass(3 * HEARTBEAT_INTERVAL_MS + 1);
    expect(balancer.ahead).toBe(0);
    balancer.hear('third', has());
    expect(given).toEqual(['a']);
  });

  it('gives nothing to one that leaves, and claims what that one gives back', () => {
    const { balancer, given, freed } = balanced('a', 'b', 'c');
    balancer.hear('other', has('x', 'y'));
    balancer.hear('other', { mirrors: ['y'], leaving: true });
    expect(freed).toEqual(['x']);
    balancer.hear('other', { mirrors: [], leaving: true });
    expect([freed, given, balancer.ahead]).toEqual([['x', 'y'], [], 0]);
    balancer.hear('other', has());
    expect(given).toEqual(['a']);
  });

  it('claims whatever it has not when one leaves that it never heard of', () => {
    const { balancer, freed } = balanced('a');
    balancer.hear('other', { mirrors: ['y'], leaving: true });
    expect(freed).toEqual(['x']);
    balancer.hear('third', has('u'));
    expect(freed).toEqual(['x']);
  });
});
