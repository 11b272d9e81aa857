import { describe, expect, it } from 'vitest';
import type { Alert, OpenAlert } from '../src/core/alert/alert.js';
import { CLEAR_MS, NO_MEMORY, stepAlerts } from '../src/core/alert/alert-watch.js';
import {
  type AlertLimits,
  type MirrorWatch,
  OTHER_TABLES,
  mirrorAlerts,
  progressMark,
} from '../src/core/alert/mirror-alerts.js';
import { failure } from './mirror-examples.js';
import { applyStats, captureStats, tableStats } from './stats-examples.js';

const GIB = 1024 ** 3;
const LIMITS: AlertLimits = {
  walBytesMax: 50 * GIB,
  forecastSeconds: 10_800,
  noProgressSeconds: 300,
};
const WELL: MirrorWatch = {
  status: 'running',
  failure: null,
  stats: { capture: captureStats('0/200', '0/200'), apply: applyStats({ flushed_lsn: '0/200' }) },
  troubledTables: [],
  stillSinceMs: 0,
  heardAtMs: 0,
};
const alertsOf = (over: Partial<MirrorWatch>, nowMs = 0): Alert[] =>
  mirrorAlerts({ ...WELL, ...over }, LIMITS, nowMs);
const slot = (over: Partial<ReturnType<typeof captureStats>>): Partial<MirrorWatch> => ({
  stats: { ...WELL.stats, capture: { ...captureStats('0/200', '0/200'), ...over } },
});

describe('what needs somebody', () => {
  it('a mirror that is well needs nobody', () => {
    expect(alertsOf({}, 100_000)).toEqual([]);
  });

  it('a mirror in error is a warning while it tries again, and critical when it waits for a person', () => {
    const waiting = { failure: failure(), nextRetryAt: '2026-01-01T00:00:00Z' };
    const [warning] = alertsOf({ status: 'error', failure: waiting });
    expect(warning).toMatchObject({ condition: 'mirror_error', severity: 'warning' });
    const stopped = { failure: failure('stop'), nextRetryAt: null };
    const [critical] = alertsOf({ status: 'error', failure: stopped });
    expect(critical).toMatchObject({ severity: 'critical', details: { next_retry_at: null } });
  });

  it('each held table is an alert of its own, up to a bound', () => {
    const table = (name: string) => ({ table: name, status: 'held' as const, error: 'why' });
    expect(alertsOf({ troubledTables: [table('public.a'), table('public.b')] })).toMatchObject([
      { condition: 'table_held', subject: 'public.a', details: { error: 'why' } },
      { condition: 'table_held', subject: 'public.b' },
    ]);
    const many = Array.from({ length: 500 }, (_, index) => table(`public.t${index}`));
    const told = alertsOf({ troubledTables: many });
    expect(told).toHaveLength(21);
    expect(told.at(-1)?.subject).toBe(OTHER_TABLES);
  });

  it('a slot that is full in three hours is told with the forecast, one that is later is not', () => {
    const growing = {
      retained_wal_bytes: 10 * GIB,
      retained_wal_growth_bytes_per_second: 1_000_000,
    };
    const [soon] = alertsOf(slot({ ...growing, wal_room_bytes: 10_000 * 1_000_000 }));
    expect(soon).toMatchObject({
      condition: 'slot_growth',
      severity: 'warning',
      summary: 'the slot holds 10.0 GiB of WAL back and is given up by the source in about 2.8 h',
      details: { full_in_seconds: 10_000 },
    });
    expect(alertsOf(slot({ ...growing, wal_room_bytes: 20_000 * 1_000_000 }))).toEqual([]);
    const [now] = alertsOf(slot({ ...growing, wal_room_bytes: 600 * 1_000_000 }));
    expect(now).toMatchObject({ severity: 'critical' });
  });

  it('a source without a limit of its own is judged by the limit for alerts', () => {
    const retained = { retained_wal_bytes: 49 * GIB, wal_room_bytes: null };
    const [alert] = alertsOf(
      slot({ ...retained, retained_wal_growth_bytes_per_second: GIB / 3_600 }),
    );
    expect(alert?.summary).toContain('reaches the limit for alerts in about 60 min');
    expect(alertsOf(slot({ ...retained, retained_wal_growth_bytes_per_second: -5 }))).toEqual([]);
    const beyond = { retained_wal_bytes: 51 * GIB, retained_wal_growth_bytes_per_second: -5 };
    expect(alertsOf(slot(beyond))).toMatchObject([{ severity: 'critical' }]);
  });

  it('the little that any slot holds back is no matter, however fast it grows', () => {
    const small = { retained_wal_bytes: 1024 ** 2, wal_room_bytes: 10 };
    expect(alertsOf(slot({ ...small, retained_wal_growth_bytes_per_second: 1e9 }))).toEqual([]);
  });

  it('a mirror that is behind and has not moved for five minutes is told, an idle one is not', () => {
    const behind = { stats: { ...WELL.stats, capture: captureStats('0/300', '0/200') } };
    expect(alertsOf({ ...behind, heardAtMs: 300_000 }, 300_000)).toEqual([]);
    expect(alertsOf({ ...behind, heardAtMs: 301_000 }, 301_000)).toMatchObject([
      { condition: 'no_progress', severity: 'critical', details: { lag_bytes: 0x100 } },
    ]);
    expect(alertsOf({ heardAtMs: 999_000 }, 999_000)).toEqual([]);
    expect(alertsOf({ ...behind, status: 'paused', heardAtMs: 0 }, 999_000)).toEqual([]);
  });

  it('a mirror of which no worker tells anything is told', () => {
    expect(alertsOf({}, 301_000)).toMatchObject([
      { condition: 'no_progress', summary: 'no worker has told anything of the mirror for 5 min' },
    ]);
  });

  it('a copy moves by its bytes, a stream by its position', () => {
    const copy = (bytes_done: number) =>
      applyStats({
        tables: [
          tableStats({
            copy: {
              partitions_done: 0,
              partitions_total: 1,
              rows_done: 0,
              rows_estimated: 0,
              bytes_done,
              bytes_estimated: 0,
            },
          }),
        ],
      });
    const mark = (apply: ReturnType<typeof applyStats>) => progressMark({ capture: null, apply });
    expect(mark(copy(1))).not.toBe(mark(copy(2)));
    expect(mark(copy(1))).toBe(mark(copy(1)));
    expect(mark(applyStats({ applied_lsn: '0/101' }))).not.toBe(mark(applyStats()));
  });

  it('a mirror that is being deleted needs nobody', () => {
    expect(alertsOf({ status: 'terminating' }, 999_000)).toEqual([]);
  });
});

const WARNING: Alert = {
  condition: 'mirror_error',
  subject: '',
  severity: 'warning',
  summary: 'the mirror is in error',
  details: {},
};
const opened = (alert: Alert, id = 'a1'): OpenAlert => ({
  ...{ id, since: '2026-01-01T00:00:00Z' },
  condition: alert.condition,
  subject: alert.subject,
  severity: alert.severity,
  summary: alert.summary,
});

/** A world in which time passes and what is decided stands. */
function world() {
  let memory = NO_MEMORY;
  let open: OpenAlert[] = [];
  let nowMs = 0;
  const told: string[] = [];
  return {
    told,
    look: (current: readonly Alert[]) => {
      const step = stepAlerts(memory, current, open, nowMs);
      memory = step.memory;
      told.push(...step.resolve.map(() => 'resolved'), ...step.raise.map((a) => a.severity));
      open = [
        ...open.filter(({ id }) => !step.resolve.includes(id)),
        ...step.raise.map((alert, index) => opened(alert, `a${nowMs}-${index}`)),
      ];
      nowMs += 5_000;
    },
    /** Another process, or this one after a restart: what was told is known, for how long is not. */
    restart: () => {
      memory = NO_MEMORY;
    },
  };
}

describe('what is told of it', () => {
  it('is told once when it has held for a while, and once when it has been gone for a while', () => {
    const { look, told } = world();
    for (let turn = 0; turn < 60; turn += 1) look([WARNING]);
    expect(told).toEqual(['warning']);
    for (let turn = 0; turn < 60; turn += 1) look([]);
    expect(told).toEqual(['warning', 'resolved']);
  });

  it('is not told when it was over before anybody could have looked', () => {
    const { look, told } = world();
    for (let turn = 0; turn < 100; turn += 1) look(turn % 5 === 0 ? [] : [WARNING]);
    expect(told).toEqual([]);
  });

  it('is one alert while it comes and goes', () => {
    const { look, told } = world();
    for (let turn = 0; turn < 10; turn += 1) look([WARNING]);
    for (let turn = 0; turn < 200; turn += 1) look(turn % 2 === 0 ? [] : [WARNING]);
    expect(told).toEqual(['warning']);
  });

  it('is told at once when it waits for a person', () => {
    const { look, told } = world();
    look([{ ...WARNING, severity: 'critical' }]);
    expect(told).toEqual(['critical']);
  });

  it('is told again when it becomes worse, and not when it becomes better', () => {
    const { look, told } = world();
    for (let turn = 0; turn < 10; turn += 1) look([WARNING]);
    for (let turn = 0; turn < 10; turn += 1) look([{ ...WARNING, severity: 'critical' }]);
    for (let turn = 0; turn < 10; turn += 1) look([WARNING]);
    expect(told).toEqual(['warning', 'resolved', 'critical']);
  });

  it('is not told again after a restart', () => {
    const { look, restart, told } = world();
    for (let turn = 0; turn < 10; turn += 1) look([WARNING]);
    restart();
    for (let turn = 0; turn < 30; turn += 1) look([WARNING]);
    expect(told).toEqual(['warning']);
    restart();
    for (let turn = 0; turn < 30; turn += 1) look([]);
    expect(told).toEqual(['warning', 'resolved']);
    expect(CLEAR_MS).toBeGreaterThan(30_000);
  });
});
