import { describe, expect, it } from 'vitest';
import type { Mirror } from '../api/client.js';
import { eventFacts } from '../mirror/event-facts.js';
import { failedLsn } from '../mirror/failed-lsn.js';
import { inOrderOfNeed, needsPerson } from '../mirror/in-order-of-need.js';
import { positionsOf } from '../mirror/positions.js';
import { walForecast } from '../mirror/wal-forecast.js';

type Facts = Pick<
  Mirror,
  | 'name'
  | 'status'
  | 'next_retry_at'
  | 'error_message'
  | 'pending_schema_changes'
  | 'tables_waiting'
>;

const mirror = (name: string, more: Partial<Facts> = {}) =>
  ({
    name,
    status: 'running',
    next_retry_at: null,
    pending_schema_changes: 0,
    tables_waiting: 0,
    error_message: null,
    ...more,
  }) as Mirror;

describe('the list of mirrors', () => {
  it('begins with what needs a person, then what tries again, then what holds tables or waits for a decision', () => {
    const mirrors = [
      mirror('b'),
      mirror('a'),
      mirror('decide', { pending_schema_changes: 2 }),
      mirror('holds', { tables_waiting: 1 }),
      mirror('tries', { status: 'error', next_retry_at: '2026-01-01T00:00:00Z' }),
      mirror('stuck', { status: 'error' }),
    ];
    expect(inOrderOfNeed(mirrors).map(({ name }) => name)).toEqual([
      'stuck',
      'tries',
      'holds',
      'decide',
      'a',
      'b',
    ]);
  });

  it('calls for a person only where waiting does not help', () => {
    expect(needsPerson(mirror('x', { status: 'error' }))).toBe(true);
    const tries = mirror('x', { status: 'error', next_retry_at: '2026-01-01T00:00:00Z' });
    expect(needsPerson(tries)).toBe(false);
    expect(needsPerson(mirror('x', { status: 'paused' }))).toBe(false);
    expect(needsPerson(mirror('x', { error_message: 'no instance of apply is there' }))).toBe(true);
  });
});

describe('the forecast of retained WAL', () => {
  const MIB = 1024 ** 2;
  const series = (...kept: readonly (number | null)[]) =>
    kept.map((retained_wal_bytes, minute) => ({
      at: new Date(minute * 60_000).toISOString(),
      retained_wal_bytes,
    }));

  it('says how fast it grows, and when it is a burden or the source gives the slot up', () => {
    const growing = series(0, null, 1_200 * MIB);
    expect(walForecast(growing, null)).toBe('grows 10.0 MiB/s: 10 GiB in 15 min 4 s');
    expect(walForecast(growing, 300 * MIB)).toBe('grows 10.0 MiB/s: lost in 30 s');
  });

  it('takes breathing for no growth, and says nothing where nothing is known', () => {
    expect(walForecast(series(100 * MIB, 20 * MIB, 120 * MIB), null)).toBe('not growing');
    expect([[], series(null), series(5)].map((known) => walForecast(known, null))).toEqual([
      '',
      '',
      '',
    ]);
  });
});

describe('the way of a change', () => {
  it('has nobody ahead of those before, though each told of another moment', () => {
    expect(
      positionsOf({
        source_lsn: '0/FFFFFFFF',
        published_lsn: '1/0',
        applied_lsn: '1/10',
        flushed_lsn: '1/9',
      }),
    ).toEqual({ source: '1/10', captured: '1/10', applied: '1/10', flushed: '1/9' });
    expect(positionsOf({ source_lsn: '2/0', published_lsn: null })).toEqual({
      source: '2/0',
      captured: null,
      applied: null,
      flushed: null,
    });
  });
});

describe('a table that waits', () => {
  it('tells the transaction that it waits for, where its failure knows it', () => {
    const message =
      'the destination: a constraint was violated (table public.item, constraint item_code_key, commit lsn 0/1A2B3C4D): Remove the row.';
    expect(failedLsn(message)).toBe('0/1A2B3C4D');
    expect([failedLsn('the table waits for a change of structure'), failedLsn(null)]).toEqual([
      undefined,
      undefined,
    ]);
  });
});

describe('an event of the history', () => {
  it('tells how long a step took, how often it failed and when it is tried again', () => {
    expect(eventFacts({ step_seconds: 3.21, failures: 0 })).toEqual(['took 3.2 s']);
    expect(eventFacts({ failures: 2, next_retry_at: null })).toEqual([
      'failed twice',
      'waits for a person',
    ]);
    const [failed, again] = eventFacts({ attempt: 5, next_retry_at: '2001-01-01T00:00:00Z' });
    expect(failed).toBe('failed 5 times');
    expect(again).toMatch(/^tries again at .*2001/);
    expect(eventFacts({})).toEqual([]);
  });
});
