import { describe, expect, it } from 'vitest';
import type { SchemaChange } from '@bunnydb/contracts';
import type { MirrorEvent } from '../src/core/mirror/mirror-event.js';
import { SYNC_BEGUN, syncAnswer, watchSync } from '../src/core/mirror/sync-outcome.js';
import { deleteAsked, started, stepFailed } from './mirror-examples.js';

const synced = (command_id: string): MirrorEvent => ({
  type: 'schema_synced',
  body: {
    command_id,
    applied: ['add_check public.t.c'],
    skipped: [],
    failed: [{ object: 'validate_check public.t.c', reason: 'rows: 2' }],
    stale: [],
    service: 'schema',
    instance: 's',
  },
});
const change = (id: string, kind: string, object: string): SchemaChange => ({
  id,
  kind,
  object,
  group: 'checks',
  sql: '…',
  destructive: false,
  locks: 'none',
  reason: 'missing',
});
const endOf = (...events: readonly MirrorEvent[]) => events.reduce(watchSync, SYNC_BEGUN).end;

describe('whoever waits for a sync', () => {
  it('hears the answer to its own command, also to one that was thought lost', () => {
    const begun = [started('sync_schema', 's1'), started('build_structure', 'b1')];
    expect(endOf(...begun)).toBeNull();
    expect(endOf(...begun, synced('s0'))).toBeNull();
    expect(endOf(...begun, synced('s1'))).toMatchObject({ tag: 'synced' });
    const again = [...begun, started('sync_schema', 's2'), stepFailed('sync_schema', 's1')];
    expect(endOf(...again)).toBeNull();
    expect(endOf(...again, synced('s1'))).toMatchObject({ tag: 'synced' });
  });

  it('hears of a failure and of a delete, and nothing after the end', () => {
    const begun = started('sync_schema', 's1');
    expect(endOf(begun, stepFailed('sync_schema', 's1'), deleteAsked())).toMatchObject({
      tag: 'failed',
    });
    expect(endOf(begun, deleteAsked(), synced('s1'))).toEqual({ tag: 'deleted' });
  });

  it('is told each change with what was pending of it', () => {
    const event = synced('s1');
    if (event.type !== 'schema_synced') throw new Error('unreachable');
    const pending = [
      change('c1', 'validate_check', 'public.t.c'),
      change('c2', 'add_check', 'public.t.c'),
    ];
    expect(syncAnswer(event.body, pending)).toMatchObject({
      applied: [{ id: 'c2', kind: 'add_check' }],
      failed: [{ id: 'c1', outcome: 'rows: 2' }],
    });
    expect(syncAnswer(event.body, [])).toMatchObject({
      applied: [{ kind: 'add_check', object: 'public.t.c' }],
    });
  });
});
