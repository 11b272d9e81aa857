import { FAILURE_POLICIES } from '@bunnydb/failure';
import { describe, expect, it } from 'vitest';
import { leavesGroup, nextRetryMs, scopeOf } from '../src/core/lane-failure.js';
import { EMPTY_NOTE, type Resync } from '../src/core/lane-note.js';
import {
  type LaneFacts,
  type LaneRow,
  nextDueMs,
  planLanes,
  signalOf,
} from '../src/core/lane-plan.js';
import type { LaneState } from '../src/core/lane-state.js';

const nothing: LaneFacts = { active: new Set(), filledShadows: new Set(), lanesMax: 4 };
const swap: Resync = { id: 'c', strategy: 'swap', together: true, step: 'copy' };

function row(table: string, state: LaneState, more: Partial<LaneRow> = {}): LaneRow {
  return { table, state, note: EMPTY_NOTE, nextRetryAtMs: null, ...more };
}
const resyncing = (resync: Resync): LaneState => ({ tag: 'resyncing', resync });
const waiting: LaneState = { tag: 'error', goesOnAs: { tag: 'catching_up' } };

describe('the plan of lanes', () => {
  it('copies all tables that wait under one snapshot, and replays the others, nearest to the end first', () => {
    const rows = [
      row('a', { tag: 'pending' }),
      row('b', { tag: 'copying' }),
      row('c', resyncing({ ...swap, strategy: 'truncate' })),
      row('d', resyncing(swap)),
      row('e', { tag: 'catching_up' }),
      row('f', { tag: 'running' }),
      row('g', waiting),
      row('h', { tag: 'held', goesOnAs: { tag: 'catching_up' } }),
    ];
    expect(planLanes(rows, nothing)).toEqual([
      { kind: 'replay', table: 'e' },
      { kind: 'copy', tables: ['a', 'b', 'c', 'd'] },
    ]);
  });

  it('starts no more lanes than may run, and none for a table that has one', () => {
    const rows = ['a', 'b', 'c'].map((table) => row(table, { tag: 'catching_up' }));
    const active = new Set(['a']);
    expect(planLanes(rows, { ...nothing, active, lanesMax: 1 })).toEqual([
      { kind: 'replay', table: 'b' },
    ]);
    expect(planLanes(rows, { ...nothing, lanesMax: 0 })).toEqual([]);
    expect(planLanes(rows, { ...nothing, lanesMax: -1 })).toEqual([]);
  });

  it('swaps tables that go together only when all of them are full', () => {
    const rows = [row('a', resyncing(swap)), row('b', resyncing(swap))];
    const one = new Set(['a']);
    expect(planLanes(rows, { ...nothing, filledShadows: one })).toEqual([
      { kind: 'copy', tables: ['b'] },
    ]);
    expect(planLanes(rows, { ...nothing, filledShadows: new Set(['a', 'b']) })).toEqual([
      { kind: 'swap', tables: ['a', 'b'] },
    ]);
  });

  it('lets the others of a swap wait for one that failed', () => {
    const failed: LaneState = { tag: 'error', goesOnAs: { tag: 'resyncing', resync: swap } };
    const rows = [row('a', resyncing(swap)), row('b', failed)];
    expect(planLanes(rows, { ...nothing, filledShadows: new Set(['a', 'b']) })).toEqual([]);
  });

  it('swaps tables that need not go together one by one, and goes on with a swap that a crash cut off', () => {
    const alone: Resync = { ...swap, together: false };
    const rows = [
      row('a', resyncing(alone)),
      row('b', resyncing({ ...alone, step: 'swap' })),
      row('c', resyncing(alone)),
    ];
    expect(planLanes(rows, { ...nothing, filledShadows: new Set(['a']) })).toEqual([
      { kind: 'swap', tables: ['a'] },
      { kind: 'swap', tables: ['b'] },
      { kind: 'copy', tables: ['c'] },
    ]);
  });
});

describe('what a row calls for', () => {
  const asked = (wish: 'retry' | 'skip' | 'resync') => ({
    ...EMPTY_NOTE,
    asked: {
      commandId: 'x',
      wish:
        wish === 'resync'
          ? ({ action: wish, strategy: 'truncate', together: false } as const)
          : wish === 'skip'
            ? ({ action: wish, commit_lsn: '0/1' } as const)
            : ({ action: wish } as const),
    },
  });

  it('is a retry when it is asked for or its time has come, and nothing before', () => {
    expect(signalOf(row('a', waiting), 10)).toBeUndefined();
    expect(signalOf(row('a', waiting, { nextRetryAtMs: 11 }), 10)).toBeUndefined();
    expect(signalOf(row('a', waiting, { nextRetryAtMs: 10 }), 10)).toEqual({ tag: 'retry' });
    expect(signalOf(row('a', waiting, { note: asked('retry') }), 10)).toEqual({ tag: 'retry' });
    expect(signalOf(row('a', waiting, { note: asked('skip') }), 10)).toEqual({ tag: 'retry' });
  });

  it('is no retry for a table that does not wait', () => {
    expect(signalOf(row('a', { tag: 'running' }, { note: asked('retry') }), 10)).toBeUndefined();
  });

  it('is a resync in any state, under the name of its command', () => {
    for (const state of [waiting, { tag: 'running' } as const])
      expect(signalOf(row('a', state, { note: asked('resync') }), 10)).toEqual({
        tag: 'resync',
        resync: { id: 'x', strategy: 'truncate', together: false, step: 'copy' },
      });
  });

  it('comes due at the earliest wait that is under way', () => {
    expect(nextDueMs([row('a', waiting)])).toBeNull();
    const rows = [
      row('a', waiting, { nextRetryAtMs: 30 }),
      row('b', waiting, { nextRetryAtMs: 20 }),
      row('c', { tag: 'running' }, { nextRetryAtMs: 10 }),
    ];
    expect(nextDueMs(rows)).toBe(20);
  });
});

describe('a failure in a lane', () => {
  it('of a server or of our right to the mirror is not the table’s', () => {
    for (const kind of [
      'source_unreachable',
      'destination_unreachable',
      'position_fenced',
    ] as const)
      expect(scopeOf(kind)).toBe('session');
    for (const kind of ['constraint_violated', 'slot_limit', 'schema_mismatch'] as const)
      expect(scopeOf(kind)).toBe('table');
  });

  it('is tried again by itself exactly if the policy of its kind says so', () => {
    const now = { nowMs: 1_000, random: 0 };
    for (const [kind, { action }] of Object.entries(FAILURE_POLICIES)) {
      const at = nextRetryMs(kind as keyof typeof FAILURE_POLICIES, 3, now);
      expect(at).toBe(action === 'retry_timed' ? 3_000 : null);
    }
  });

  it('keeps those that are to be swapped with the table waiting only for what soon heals by itself', () => {
    expect([1, 3, 4].map((attempt) => leavesGroup('disk_full', attempt))).toEqual([
      false,
      false,
      true,
    ]);
    expect(leavesGroup('swap_refused', 1)).toBe(true);
  });
});
