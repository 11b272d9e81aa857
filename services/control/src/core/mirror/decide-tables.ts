import type { TableMapping, TablePattern } from '@bunnydb/contracts';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { type Decision, accepted, refused } from '../decision.js';
import { decideRebuild, lossOf } from './decide-rebuild.js';
import { COPY_STATUSES } from './evolve-outside.js';
import { findTable, isSameMapping } from './find-table.js';
import type { ChangeTables, HoldTable, Resync, RetryTable } from './mirror-command.js';
import type { MirrorEvent, SchemaSyncWishes } from './mirror-event.js';
import type { MirrorState, Streaming } from './mirror-state.js';
import { mirrorStatus } from './mirror-status.js';
import { streamingOf } from './mirror-steps.js';

type MirrorDecision = Decision<MirrorEvent>;

/** Tries a table that waits again, or lets it pass over one transaction. */
export function decideRetryTable(state: MirrorState, wish: RetryTable): MirrorDecision {
  if (state.tag !== 'streaming') return notStreaming(state);
  const table = findTable(state.mirror.tables, wish.table);
  if (table === undefined) return unknownTable(wish.table);
  const status = state.outside?.[table]?.status ?? 'running';
  // One that waits tries again now and then, and is on its way while it does.
  const isTrying = status === 'catching_up' && wish.skipLsn !== undefined;
  if (status !== 'held' && status !== 'error' && !isTrying) {
    return refused(
      'conflict',
      `the table ${table} is ${status} and nothing of it waits to be retried`,
    );
  }
  return accepted(
    wish.skipLsn === undefined
      ? { type: 'table_retried', body: { table } }
      : { type: 'table_skip_requested', body: { table, commit_lsn: wish.skipLsn } },
  );
}

/** Lets the changes of a table wait, while all others go on. */
export function decideHoldTable(state: MirrorState, wish: HoldTable): MirrorDecision {
  if (state.tag !== 'streaming') return notStreaming(state);
  const table = findTable(state.mirror.tables, wish.table);
  if (table === undefined) return unknownTable(wish.table);
  const outside = state.outside?.[table];
  const isCopied = outside && (outside.isAsked || COPY_STATUSES.includes(outside.status));
  if (state.copy !== 'done' || state.rebuild || isCopied) {
    const detail = `the table ${table} is being copied; hold it when that is done, or pause the mirror`;
    return refused('conflict', detail);
  }
  if (outside?.status === 'held') {
    return refused('conflict', `the table ${table} is held already; retry releases it`);
  }
  return accepted({ type: 'table_hold_requested', body: { table } });
}

/** Copies a table again, or all; where what the copy would go on from is lost, that is made anew first. */
export function decideResync(state: MirrorState, wish: Resync): MirrorDecision {
  if (state.tag !== 'streaming') return notStreaming(state);
  const table = wish.table === undefined ? undefined : findTable(state.mirror.tables, wish.table);
  if (wish.table !== undefined && table === undefined) return unknownTable(wish.table);
  if (state.rebuild || lossOf(state)) return decideRebuild(state, wish);
  if (state.copy !== 'done') {
    return refused('conflict', 'the first copy is not done yet; wait until the mirror is running');
  }
  const obstacle = resyncObstacle(state, table);
  if (obstacle !== undefined) return refused('conflict', obstacle);
  return accepted({
    type: 'resync_requested',
    body: {
      tables: table === undefined ? [] : [table],
      strategy: wish.strategy ?? state.mirror.options.resync_strategy,
      at: wish.now.toISOString(),
    },
  });
}

/** Gives the mirror other tables, while it runs. */
export function decideTables(state: MirrorState, wish: ChangeTables): MirrorDecision {
  if (state.tag !== 'streaming') return notStreaming(state);
  const { mirror, edit } = state;
  if (edit && !isReplaceable(state)) {
    return refused('conflict', 'a change of the tables is under way; wait until it is done');
  }
  // A rebuild may wait for a table that cannot be published: that one can leave, and nothing streams that would have to be told.
  const mayOnlyLeave = !edit && state.rebuild?.work.tag === 'waiting';
  if (state.resync && !mayOnlyLeave) {
    return refused('conflict', 'the mirror is resyncing; change its tables when that is done');
  }
  if (!isSameList(mirror.tables, wish.basis)) {
    return refused('conflict', 'the tables of the mirror have changed meanwhile; ask again');
  }
  const [present, wanted] = [byName(mirror.tables), byName(wish.tables)];
  const other = [...wanted].find(([name, table]) => {
    const known = present.get(name);
    return known !== undefined && !isSameMapping(known, table);
  });
  if (other) {
    const detail = `the table ${other[0]} is mirrored with another mapping; remove it first, then add it anew`;
    return refused('conflict', detail);
  }
  const added = [...wanted.keys()].filter((name) => !present.has(name));
  const removed = [...present.keys()].filter((name) => !wanted.has(name));
  const isSame = patternsKey(mirror.patterns ?? []) === patternsKey(wish.patterns);
  // An edit that waits has begun to change things, so even the tables of before are a change then.
  if (added.length === 0 && removed.length === 0 && isSame && !edit) return accepted();
  const { tables, patterns, dropRemoved } = wish;
  if (mayOnlyLeave) {
    return added.length > 0 || dropRemoved
      ? refused('conflict', 'until the mirror is rebuilt, tables can only be taken out of it')
      : accepted({ type: 'tables_changed', body: { added: [], removed, patterns } });
  }
  return accepted({
    type: 'tables_change_requested',
    body: { tables, patterns, added, removed, drop_removed: dropRemoved, asked_by: 'person' },
  });
}

/** Makes changes of structure that a person chose; also while the mirror is paused. */
export function decideSyncSchema(state: MirrorState, wishes: SchemaSyncWishes): MirrorDecision {
  const streaming = streamingOf(state);
  if (!streaming) return notStreaming(state);
  if (streaming.sync) {
    return refused('conflict', 'the schema is being synced already; wait until that is done');
  }
  return accepted({ type: 'schema_sync_requested', body: wishes });
}

/** Why nothing can be asked of a mirror that goes. */
export function beingDeleted(state: MirrorState): MirrorDecision {
  return refused(
    'conflict',
    `the mirror is ${mirrorStatus(state)}: it is being deleted and cannot be changed any more`,
  );
}

function notStreaming(state: MirrorState): MirrorDecision {
  switch (state.tag) {
    case 'terminating':
      return beingDeleted(state);
    case 'paused':
      return refused('conflict', 'the mirror is paused; resume it first');
    default:
      return refused(
        'conflict',
        `the mirror is ${mirrorStatus(state)}; wait until its set-up is done`,
      );
  }
}

function resyncObstacle(state: Streaming, table: string | undefined): string | undefined {
  if (state.resync) return 'the mirror is resyncing already; wait until that is done';
  if (table === undefined) {
    return state.edit
      ? 'a change of the tables is under way; resync the mirror when that is done'
      : undefined;
  }
  const outside = state.outside?.[table];
  if (!outside) return undefined;
  if (outside.isAsked || COPY_STATUSES.includes(outside.status)) {
    const doing = outside.isAsked ? 'resyncing' : outside.status;
    return `the table ${table} is ${doing} already; wait until that is done`;
  }
  return undefined;
}

/** One that waits, for its next try or for the applier, may be given up for another. */
function isReplaceable({ edit }: Streaming): boolean {
  return edit?.stage === 'letting_go' || edit?.work.tag === 'waiting';
}

function unknownTable(table: string): MirrorDecision {
  return refused('not_found', `the mirror has no table ${table}`);
}

function byName(tables: readonly TableMapping[]): ReadonlyMap<string, TableMapping> {
  return new Map(tables.map((table) => [formatQualifiedName(table.source), table]));
}

/** The store does not keep the order of an object's members. */
function patternsKey(patterns: readonly TablePattern[]): string {
  return JSON.stringify(
    patterns.map(({ source_schema, destination_schema, exclude_columns, except = [] }) => [
      source_schema,
      destination_schema,
      exclude_columns,
      except,
    ]),
  );
}

function isSameList(a: readonly TableMapping[], b: readonly TableMapping[]): boolean {
  return (
    a.length === b.length &&
    a.every((table, index) => {
      const other = b[index];
      return other !== undefined && isSameMapping(table, other);
    })
  );
}
