import { describe, expect, it } from 'vitest';
import type { CaptureStats, MetricSample } from '@bunnydb/contracts';
import type { RunPace } from '../src/core/capture-samples.js';
import { captureSamples } from '../src/core/capture-samples.js';
import { TableMessageBuffer } from '../src/core/table-message-buffer.js';
import { TableTraffic } from '../src/core/table-traffic.js';
import { WalGrowth } from '../src/core/wal-growth.js';
import type { Relation } from '../src/core/relation.js';

const ORDERS = { table: { schema: 'public', table: 'orders' } } as Relation;

function message(ops: { inserts?: number; updates?: number; deletes?: number }, bytes: number) {
  const buffer = new TableMessageBuffer(ORDERS, false, 0, new Uint8Array(0));
  Object.assign(buffer, ops, { length: bytes });
  return buffer;
}

const IDLE: RunPace = {
  unacknowledgedBytes: 0,
  isHeld: false,
  isStreamFull: false,
  batchBytes: { bounds: [1], counts: [0, 0], sum: 0 },
  storeSeconds: { bounds: [1], counts: [0, 0], sum: 0 },
};
const STATS: CaptureStats = {
  v: 1,
  mirror_id: 'm1',
  service: 'capture',
  at: '2026-01-01T00:00:00Z',
  source_lsn: '1/200',
  published_lsn: '1/180',
  confirmed_lsn: '1/100',
  retained_wal_bytes: 4_096,
  wal_room_bytes: null,
  retained_wal_growth_bytes_per_second: 7,
  stream_bytes: 10,
  stream_messages: 2,
  transactions: 3,
  changes: 4,
  bytes: 5,
};

function valueOf(samples: readonly MetricSample[], name: string): number | undefined {
  const sample = samples.find((candidate) => candidate.name === name);
  return sample && 'value' in sample ? sample.value : undefined;
}

describe('what capture tells in numbers', () => {
  it('rows and bytes count by table and operation, mixed messages by their shares', () => {
    const traffic = new TableTraffic();
    traffic.add(message({ inserts: 10 }, 1_000));
    traffic.add(message({ updates: 3, deletes: 1 }, 400));
    expect(traffic.all).toEqual([
      { table: 'public.orders', operation: 'insert', rows: 10, bytes: 1_000 },
      { table: 'public.orders', operation: 'update', rows: 3, bytes: 300 },
      { table: 'public.orders', operation: 'delete', rows: 1, bytes: 100 },
    ]);
  });

  it('a piece of a large row adds bytes and no row', () => {
    const traffic = new TableTraffic();
    traffic.add(message({}, 500));
    expect(traffic.all.reduce((sum, { rows }) => sum + rows, 0)).toBe(0);
    expect(traffic.all.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(500);
  });

  it('the growth of retained WAL is the slope of the last minutes, whatever it was before', () => {
    const growth = new WalGrowth();
    for (let second = 0; second < 3_600; second += 1) growth.note(1e9, second * 1_000);
    for (let second = 0; second < 1_200; second += 1)
      growth.note(1e9 + second * 5_000, (3_600 + second) * 1_000);
    expect(growth.bytesPerSecond).toBe(5_000);
  });

  it('the growth of retained WAL is not guessed from a moment', () => {
    const growth = new WalGrowth();
    growth.note(0, 0);
    growth.note(1e9, 30_000);
    expect(growth.bytesPerSecond).toBeNull();
  });

  it('lag is told at each station, and what is not known is not told', () => {
    const samples = captureSamples('shop', { stats: STATS, traffic: [], pace: IDLE });
    expect(valueOf(samples, 'bunny_capture_lag_bytes')).toBe(0x80);
    expect(valueOf(samples, 'bunny_slot_lag_bytes')).toBe(0x100);
    expect(valueOf(samples, 'bunny_slot_confirmed_lsn_bytes')).toBe(0x1_0000_0100);
    expect(valueOf(samples, 'bunny_slot_retained_wal_growth_bytes_per_second')).toBe(7);
    expect(valueOf(samples, 'bunny_slot_wal_room_bytes')).toBeNaN();
  });
});
