import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { COMMAND_SERVICE, COMMAND_STREAM, commandSubject } from '@bunnydb/contracts';
import { type Messaging, isMissingResource } from '@bunnydb/messaging';
import type { Pulse, ServiceLog } from '@bunnydb/service-shell';
import { mirrorStream } from '../../core/control-event.js';
import { outstandingCommands } from '../../core/mirror/mirror-steps.js';
import type { CatalogTables } from '../catalog/catalog-tables.js';
import type { MirrorHandler } from '../catalog/control-store.js';
import { readDueMirrors, readMirrorsOutstanding } from '../catalog/read-mirrors.js';
import type { HeartbeatBoard } from './heartbeat-board.js';
import type { SpecPublisher } from './spec-publisher.js';
import type { StatsBoard } from './stats-board.js';
import type { TableStateMender } from './table-state-mender.js';

const TICK_MS = 500;
const RECONCILE_EVERY_MS = 30_000;
const LOOK_FOR_LOST_EVERY_MS = 15_000;
const LOOK_AT_TABLES_EVERY_MS = 3_000;
/** A command without an answer for this long is looked for in the queue. */
const OUTSTANDING_MS = 30_000;

const ACTOR = { metadata: { actor: 'control' } } as const;

export interface WakeOptions {
  readonly catalog: Kysely<CatalogTables>;
  readonly messaging: Messaging;
  readonly mirrors: MirrorHandler;
  readonly specs: SpecPublisher;
  readonly stats: StatsBoard;
  readonly heartbeats: HeartbeatBoard;
  readonly mender: TableStateMender;
  readonly log: ServiceLog;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  readonly pulse?: Pulse;
}

/**
 * Does what only the passing of time brings about, until the signal aborts: ends waits that are over, puts specs right that NATS lost,
 * sends commands again that NATS lost, notes states of tables that were never told. The times stand in the catalog, so nothing is forgotten over a restart.
 */
export async function wakeMirrors(options: WakeOptions): Promise<void> {
  const { log, signal, now } = options;
  const chores = [
    { everyMs: TICK_MS, run: endWaits, dueAt: 0 },
    { everyMs: RECONCILE_EVERY_MS, run: reconcileSpecs, dueAt: 0 },
    { everyMs: LOOK_FOR_LOST_EVERY_MS, run: findLostCommands, dueAt: 0 },
    { everyMs: LOOK_AT_TABLES_EVERY_MS, run: mendTableStates, dueAt: 0 },
  ];
  while (!signal.aborted) {
    for (const chore of chores) {
      options.pulse?.beat();
      if (signal.aborted || now().getTime() < chore.dueAt) continue;
      chore.dueAt = now().getTime() + chore.everyMs;
      try {
        await chore.run(options);
      } catch (error) {
        log.error({ chore: chore.run.name, error }, 'a chore of the process manager failed');
        chore.dueAt = now().getTime() + Math.max(chore.everyMs, 1_000);
      }
    }
    await sleep(TICK_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function endWaits({ catalog, mirrors, now }: WakeOptions): Promise<void> {
  for (const mirrorId of await readDueMirrors(catalog, now())) {
    await mirrors.handle(mirrorStream(mirrorId), { type: 'tick', now: now() }, ACTOR);
  }
}

async function reconcileSpecs(options: WakeOptions): Promise<void> {
  const { catalog, specs, stats, heartbeats, log } = options;
  const rows = await catalog.selectFrom('mirrors').select('mirror_id').execute();
  const mirrorIds = new Set(rows.map((row) => row.mirror_id));
  stats.keepOnly(mirrorIds);
  heartbeats.keepOnly(mirrorIds);
  const mended = await specs.reconcile();
  if (mended.length > 0) log.info({ mirrors: mended }, 'specs were put right');
}

async function mendTableStates({ mender, log }: WakeOptions): Promise<void> {
  const tables = await mender.look();
  if (tables > 0) log.warn({ tables }, 'states of tables that were never told were put right');
}

/**
 * A command stays in the queue until its answer is stored. One that is neither in the queue nor answered was lost with the queue, and
 * the step is started again. While others of its kind wait there, nothing can be said yet.
 */
async function findLostCommands(options: WakeOptions): Promise<void> {
  const { catalog, messaging, mirrors, now } = options;
  const sentBefore = new Date(now().getTime() - OUTSTANDING_MS);
  const rows = await readMirrorsOutstanding(catalog, sentBefore);
  for (const row of rows) {
    for (const { verb, commandId, sentAt } of outstandingCommands(row.state)) {
      if (sentAt >= sentBefore.toISOString()) continue;
      if (await isQueued(messaging, commandSubject(COMMAND_SERVICE[verb], verb))) continue;
      await mirrors.handle(mirrorStream(row.mirror_id), { type: 'note_lost', commandId }, ACTOR);
    }
  }
}

async function isQueued(messaging: Messaging, subject: string): Promise<boolean> {
  try {
    const info = await messaging.jsm.streams.info(COMMAND_STREAM, { subjects_filter: subject });
    return (info.state.subjects?.[subject] ?? 0) > 0;
  } catch (error) {
    if (isMissingResource(error)) return false;
    throw error;
  }
}
