import { FailureKind, MirrorError, faultPoint, reportOf } from '@bunnydb/failure';
import { type Lsn, ZERO_LSN, formatQualifiedName, maxLsn, parseLsn } from '@bunnydb/pg-model';
import { scopeOf } from '../core/lane-failure.js';
import type { Resync } from '../core/lane-note.js';
import { type LaneSignal, noteOf, stepLane } from '../core/lane-state.js';
import type { CopyTarget } from './copy-ledger.js';
import { copyTables } from './copy-tables.js';
import { isOfFormerShape } from './former-shape.js';
import type { LaneChange, LaneEntry } from './lane-book.js';
import { LaneReplay } from './lane-replay.js';
import { askShadow } from './lane-shadow.js';
import type { LaneWorld } from './lane-world.js';

/** What a lane tells while it works. */
export interface LaneEvents {
  /** The lane has done with this table. */
  readonly onDone: (table: string) => void;
  /** The table's own failure: it is out of the lane. */
  readonly onFailed: (table: string, error: unknown) => void;
}

/** Copies tables, or fills their shadows, under one snapshot. A table that cannot be copied is told and left out. */
export async function runCopyLane(
  world: LaneWorld,
  entries: readonly LaneEntry[],
  events: LaneEvents,
  signal: AbortSignal,
): Promise<void> {
  const targets = await targetsOf(world, entries, events, signal);
  if (targets.length === 0) return;
  const { spec, epoch, source, destination } = world;
  const copying = copyTables(
    {
      spec,
      epoch,
      source,
      destination,
      signal,
      onProgress: (progress) => world.tellCopy(progress),
      onTableState: (table, status, rows) => {
        world.tellState(formatQualifiedName(table), status, { rows });
      },
      onSnapshot: () => faultPoint('lane.after_snapshot'),
      onCopied: (table, lsn) => {
        const name = formatQualifiedName(table);
        const target = targets.find(({ mapping }) => formatQualifiedName(mapping.source) === name);
        if (target?.purpose === 'shadow') {
          const shadow = target.mapping.destination;
          world.shadows.set(name, { shadow, copyLsn: parseLsn(lsn) });
        }
        events.onDone(name);
      },
      onTableFailure: (table, error) => {
        if (scopeOf(reportOf(error).kind) === 'session') return false;
        events.onFailed(formatQualifiedName(table), error);
        return true;
      },
    },
    targets,
  );
  await world.stayFor(copying);
}

/** Replays what is parked for a table; when little is left, the main lane takes it in. */
export async function runReplayLane(
  world: LaneWorld,
  entry: LaneEntry,
  signal: AbortSignal,
): Promise<void> {
  const { copyLsn, mapping } = entry;
  if (copyLsn === null) throw new MirrorError('unexpected', 'a table is to be replayed uncopied');
  const replay = await openReplay(world, entry, { mapping, copyLsn }, signal);
  try {
    await replay.catchUp();
    if (await world.reach(copyLsn, signal)) await replay.catchUp();
  } catch (error) {
    signal.throwIfAborted();
    if (!(await isOfFormerShape(world, entry, error, replay.refusedColumns))) throw error;
    await copyAgain(world, entry);
    return;
  } finally {
    await replay.close();
  }
  signal.throwIfAborted();
  await world.mainLane.join(mapping.source);
}

/** A copy holds what the source has of such rows now. */
async function copyAgain(world: LaneWorld, { table }: LaneEntry): Promise<void> {
  const strategy = world.spec.options.resync_strategy;
  const resync: Resync = { id: '', strategy, together: false, step: 'copy' };
  const changed = await step(world, [table], { tag: 'resync', resync }, () => ({
    copyLsn: null,
    reason: null,
    nextRetryAtMs: null,
    attempts: 0,
  }));
  if (changed.length === 0) return;
  const { id: mirror } = world.spec;
  world.messaging.log.warn(
    { mirror, table },
    'rows that wait have a column which the source has dropped, and are refused; the table is copied again',
  );
  world.tellState(table, 'resyncing');
}

/**
 * Brings full shadows up to date and has them put in the place of their tables, all in one transaction. That they are about to be is noted before,
 * so that a session that follows a crash goes on with the swap, which may have come about, rather than begin anew.
 */
export async function runSwapLane(
  world: LaneWorld,
  entries: readonly LaneEntry[],
  events: LaneEvents,
  signal: AbortSignal,
): Promise<void> {
  const tables = entries.map(({ table }) => table);
  if (entries.some(({ state }) => state.tag === 'resyncing' && state.resync.step === 'copy')) {
    if (!(await catchUpShadows(world, entries, events, signal))) return;
    // The snapshot's LSN comes with it: after a crash nobody else knows it.
    const changed = await step(world, tables, { tag: 'shadow_full' }, (table) => {
      const filled = world.shadows.get(table);
      return filled ? { copyLsn: filled.copyLsn } : {};
    });
    if (changed.length === 0) return;
  }
  faultPoint('lane.before_swap');
  await askShadow(
    { messaging: world.messaging, spec: world.spec, signal },
    'swap',
    entries.map(({ mapping }) => mapping.source),
  );
  faultPoint('lane.after_swap');
  for (const table of tables) world.shadows.delete(table);
  for (const table of await step(world, tables, { tag: 'swapped' }))
    world.tellState(table, 'catching_up');
}

/** Whether the shadow of a swap that failed is still worth anything. */
export function keepsShadow(error: unknown): boolean {
  return KEEPS_SHADOW.has(reportOf(error).kind);
}

const KEEPS_SHADOW: ReadonlySet<FailureKind> = new Set([
  FailureKind.LockTimeout,
  FailureKind.StatementTimeout,
  FailureKind.SerializationConflict,
  FailureKind.MessagingUnavailable,
]);

/** Where each table's rows go; an empty shadow is asked for where one is needed. */
async function targetsOf(
  world: LaneWorld,
  entries: readonly LaneEntry[],
  events: LaneEvents,
  signal: AbortSignal,
): Promise<readonly CopyTarget[]> {
  const asker = { messaging: world.messaging, spec: world.spec, signal };
  const targets: CopyTarget[] = [];
  for (const { table, state, mapping } of entries) {
    if (state.tag !== 'resyncing') targets.push({ mapping, purpose: 'lane' });
    else if (state.resync.strategy === 'truncate') targets.push({ mapping, purpose: 'resync' });
    else {
      try {
        const { source } = mapping;
        const shadows = await askShadow(asker, 'create', [source]);
        const destination = shadows.get(table);
        if (!destination) throw new MirrorError('protocol_violation', 'a shadow has no name');
        targets.push({ mapping: { ...mapping, destination }, purpose: 'shadow' });
      } catch (error) {
        signal.throwIfAborted();
        events.onFailed(table, error);
      }
    }
  }
  return targets;
}

/** False when a table's shadow failed. */
async function catchUpShadows(
  world: LaneWorld,
  entries: readonly LaneEntry[],
  events: LaneEvents,
  signal: AbortSignal,
): Promise<boolean> {
  // What was parked for the first while the last was replayed is little after a second round.
  const rounds = entries.length > 1 ? 2 : 1;
  for (let round = 1; round <= rounds; round++) {
    for (const entry of entries) {
      try {
        await catchUpShadow(world, entry, signal);
      } catch (error) {
        if (signal.aborted || scopeOf(reportOf(error).kind) === 'session') throw error;
        world.shadows.delete(entry.table);
        events.onFailed(entry.table, error);
        return false;
      }
    }
  }
  // A reader must not see the table ahead of the others.
  const reached = [...world.shadows]
    .filter(([table]) => entries.some((entry) => entry.table === table))
    .reduce((lsn, [, shadow]) => maxLsn(lsn, shadow.copyLsn), ZERO_LSN);
  await world.reach(reached, signal);
  return true;
}

async function catchUpShadow(
  world: LaneWorld,
  entry: LaneEntry,
  signal: AbortSignal,
): Promise<void> {
  const filled = world.shadows.get(entry.table);
  if (!filled) {
    // It was about to be swapped when another table failed, or a crash came: it is all but caught up, and does the rest after the swap.
    if (entry.state.tag === 'resyncing' && entry.state.resync.step === 'swap') return;
    throw new MirrorError('unexpected', 'a table is to be swapped without a shadow');
  }
  const mapping = { ...entry.mapping, destination: filled.shadow };
  const replay = await openReplay(world, entry, { mapping, copyLsn: filled.copyLsn }, signal);
  try {
    await replay.catchUp();
  } finally {
    await replay.close();
  }
}

async function openReplay(
  world: LaneWorld,
  entry: LaneEntry,
  into: { readonly mapping: CopyTarget['mapping']; readonly copyLsn: Lsn },
  signal: AbortSignal,
): Promise<LaneReplay> {
  return await LaneReplay.open({
    ...into,
    spec: world.spec,
    epoch: world.epoch,
    table: entry.mapping.source,
    skippedLsns: entry.skippedLsns,
    destination: world.destination,
    signal,
    onApplied: (tally) => world.tellRows(tally),
  });
}

/** Moves all of the tables, or none. */
async function step(
  world: LaneWorld,
  tables: readonly string[],
  signal: LaneSignal,
  more: (table: string) => LaneChange = () => ({}),
): Promise<readonly string[]> {
  return await world.book.change(
    tables,
    (entry): LaneChange | undefined => {
      const state = stepLane(entry.state, signal);
      if (state.tag === 'refused') return undefined;
      return { ...more(entry.table), state, note: noteOf(state, entry.note) };
    },
    { all: true },
  );
}
