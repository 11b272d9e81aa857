import { describe, expect, it } from 'vitest';
import type { ApplyStats, TableStats } from '@bunnydb/contracts';
import {
  NO_RATES,
  lagBytesOf,
  ratesBetween,
  totalsOf,
  withKnownCopies,
} from '../src/core/view/mirror-metrics.js';
import { mirrorObject, snapshotOf, tableObject } from '../src/core/view/mirror-object.js';
import { refuseWorkerEvent } from '../src/core/parse-worker-event.js';
import { DEFAULT_MIRROR_CONFIG } from '../src/core/mirror/mirror-config.js';
import {
  applyStats as apply,
  captureStats as capture,
  tableStats as table,
} from './stats-examples.js';
import { HISTORIES, NOW, stateAfter, told } from './mirror-examples.js';

const copy = {
  partitions_done: 1,
  partitions_total: 2,
  rows_done: 50,
  rows_estimated: 200,
  bytes_done: 500,
  bytes_estimated: 2_000,
};
const known = (status: TableStats['status'], rows = 0n) => ({
  source_table: 'public.users',
  destination_table: 'public.users',
  status,
  rows_copied: rows,
  error_message: null,
  next_retry_at: null,
});

describe('lag', () => {
  it('is the distance from the source to what the destination has', () => {
    expect(lagBytesOf({ capture: capture('0/180', '0/80'), apply: apply() })).toBe(0x80);
    expect(lagBytesOf({ capture: capture('0/180', '0/80'), apply: null })).toBe(0x100);
  });

  it('is never negative, and unknown until the source has told', () => {
    expect(lagBytesOf({ capture: capture('0/10', '0/10'), apply: apply() })).toBe(0);
    expect(lagBytesOf({ capture: null, apply: apply() })).toBeNull();
    expect(lagBytesOf({ capture: capture('nonsense', '0/0'), apply: null })).toBeNull();
  });
});

describe('rates', () => {
  it('are per second, over the span between two totals', () => {
    const earlier = totalsOf(apply(), 0);
    const later = totalsOf(apply({ changes: 300, transactions: 20 }), 2_000);
    expect(ratesBetween(earlier, later)).toMatchObject({
      rowsPerSecond: 100,
      transactionsPerSecond: 5,
    });
  });

  it('survive a session that counts from zero', () => {
    const later = totalsOf(apply({ changes: 10, transactions: 1 }), 1_000);
    expect(ratesBetween(totalsOf(apply(), 0), later).rowsPerSecond).toBe(10);
    expect(ratesBetween(later, later)).toEqual(NO_RATES);
  });
});

describe('the copy', () => {
  const live = (stats: ApplyStats | null) => ({
    stats: { capture: null, apply: stats },
    rates: { ...NO_RATES, copiedBytesPerSecond: 500 },
    held: false,
    unattended: null,
  });

  it('shows rows, bytes and when it will be done', () => {
    const stats = apply({ tables: [table({ status: 'copying', copy })] });
    expect(snapshotOf([known('copying')], live(stats))).toEqual({
      tables_done: 0,
      tables_total: 1,
      rows_done: 50,
      rows_total: 200,
      bytes_done: 500,
      bytes_total: 2_000,
      eta_seconds: 3,
    });
  });

  it('of a table shows when it will be done, at the pace of that table', () => {
    const told = table({ status: 'copying', copy });
    const before = table({ ...told, copy: { ...copy, bytes_done: 300 } });
    const rates = ratesBetween(
      totalsOf(apply({ tables: [before] }), 0),
      totalsOf(apply({ tables: [told] }), 2_000),
    );
    const etaOf = (status: 'copying' | 'running', at: typeof rates) =>
      tableObject(known(status), { ...told, status }, at).copy?.eta_seconds;
    // 1,500 of 2,000 bytes are left, at 100 a second.
    expect(etaOf('copying', rates)).toBe(15);
    expect(etaOf('copying', NO_RATES)).toBeNull();
    expect(etaOf('running', rates)).toBeNull();
  });

  it('is still known after the session that did it is gone', () => {
    const later = withKnownCopies(apply({ tables: [table({ copy })] }), apply());
    expect(tableObject(known('running', 40n), later.tables[0], NO_RATES).rows_synced).toBe(56);
    expect(tableObject(known('running', 40n), undefined, NO_RATES).rows_synced).toBe(40);
  });

  it('of a table that is copied again begins anew, also before the applier tells of it', () => {
    const before = apply({ tables: [table({ copy: { ...copy, rows_done: 200 } })] });
    expect(snapshotOf([known('resyncing', 200n)], live(before))).toMatchObject({
      tables_done: 0,
      rows_done: 0,
      rows_total: 200,
    });
    const begun = apply({ tables: [table({ status: 'resyncing', copy })] });
    expect(snapshotOf([known('resyncing', 200n)], live(begun))).toMatchObject({
      tables_done: 0,
      rows_done: 50,
      rows_total: 200,
    });
    expect(snapshotOf([known('held', 200n)], live(before))).toMatchObject({ tables_done: 1 });
  });

  it('an estimate that was too low or too high does not outlive the table', () => {
    const stats = apply({ tables: [table({ copy })] });
    const done = snapshotOf([known('running', 50n)], live(stats));
    expect(done).toMatchObject({ rows_total: 50, rows_done: 50, eta_seconds: 0 });
  });
});

describe('the mirror object', () => {
  it('is pausing until the last worker lets go', () => {
    const row = {
      mirror_id: 'm1',
      name: 'shop',
      source_peer: 'src',
      destination_peer: 'dst',
      state: stateAfter(HISTORIES.paused),
      config: DEFAULT_MIRROR_CONFIG,
      error_count: 0,
      pending_schema_changes: 3,
      created_at: NOW,
      updated_at: NOW,
    };
    const stats = { capture: null, apply: null };
    const silent = { stats, rates: NO_RATES, held: true, unattended: null };
    const view = (held: boolean) => mirrorObject(row, [], { ...silent, held });
    expect(view(true).status).toBe('pausing');
    expect(view(false)).toMatchObject({ status: 'paused', last_lsn: '0/10', lag_bytes: null });
    const running = { ...row, state: stateAfter(HISTORIES.held) };
    const tables = [known('held'), known('running'), known('error'), known('error')];
    expect(mirrorObject(running, tables, silent)).toMatchObject({
      status: 'running',
      phase: 'streaming changes; 1 table held; 2 tables in error',
      pending_schema_changes: 3,
      tables_waiting: 3,
    });
    const troubled = { ...row, state: stateAfter(HISTORIES.troubled) };
    expect(mirrorObject(troubled, [], silent)).toMatchObject({
      status: 'error',
      error_message: 'the source cannot be reached',
      error_hint: 'Start it.',
      next_retry_at: null,
    });
    const unattended = { message: 'nobody is there', hint: 'Start one.' };
    expect(mirrorObject(running, tables, { ...silent, unattended })).toMatchObject({
      status: 'running',
      phase: 'waiting: nobody is there',
      error_message: 'nobody is there',
      error_hint: 'Start one.',
    });
  });
});

describe('the word of a worker', () => {
  it('that cannot be stored or understood is told apart', () => {
    const good = told('copy_started', { tables: ['public.users'] });
    expect(refuseWorkerEvent(good)).toBeUndefined();
    const bad: readonly unknown[] = [
      { ...good, type: 'copy_begun' },
      { ...good, type: 'constructor' },
      { ...good, body: null },
      { ...good, body: [] },
      { ...good, body: { tables: ['\0'] } },
      { ...good, service: undefined },
    ];
    for (const event of bad) {
      expect(refuseWorkerEvent(event as typeof good)).toEqual(expect.any(String));
    }
  });
});
