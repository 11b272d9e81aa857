/**
 * One mirror's session: from the desired state "run" until the signal aborts or something fails that a retry policy has to judge.
 *
 *     take the position (epoch + 1: older sessions are fenced off) ──► the mirror's first copy ──► stream, lanes beside it
 *
 * Durable is only what stands in the destination: the position, moved in the same transaction as the rows, and the tables' states. A session
 * that dies at any point is followed by one that reads them and goes on from there; whether a COMMIT whose answer was lost
 * went through is told by the position row.
 *
 * While streaming three parties work at their own pace, bounded by bytes: `BatchReader` reads the change stream into the queue;
 * `ApplyLoop` commits batches at the destination; `PositionReport` tells what is durable there, so that capture can move the slot.
 * A worked run: the position is 0/500 and batch 9 leads to 0/620. Its rows and `lsn = 0/620` commit together; once the destination's
 * WAL is flushed past that commit, 0/620 is reported as flushed, and the slot moves to 0/620.
 *
 * Tables that are not `running` have their changes parked by the loop, and `LaneRunner` brings them back (ADR 0010). The first copy of a mirror does
 * without: as long as nothing was applied, everything is copied before anything streams.
 */
import type { MirrorSpec } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import type { Messaging, OpenSession, SessionContext } from '@bunnydb/messaging';
import {
  type ConnectionSettings,
  connectClient,
  settingsOf,
  toMirrorError,
} from '@bunnydb/pg-client';
import { formatQualifiedName, parseLsn } from '@bunnydb/pg-model';
import type { LivenessDoor, MetricDoor } from '@bunnydb/service-shell';
import { ApplyProgress } from '../core/apply-progress.js';
import { applicationName, copyApplicationName } from './application-name.js';
import { ensureBookkeeping } from './bookkeeping.js';
import { copyFirst } from './first-copy.js';
import { takePosition } from './position-row.js';
import { StatsReport } from './stats-report.js';
import { streamChanges } from './stream-changes.js';
import { hasOnlyFirstCopies, loadCounts, loadTables, registerTables } from './table-states.js';

export interface ApplySessionOptions {
  readonly messaging: Messaging;
  /** Opens a sealed secret. */
  readonly open: (sealed: string) => string;
  readonly metrics?: MetricDoor;
  readonly liveness?: LivenessDoor;
}

/** Makes the function that runs a mirror's session. */
export function applySession(options: ApplySessionOptions): OpenSession {
  return async (spec, context) => {
    try {
      await runSession(options, spec, context);
    } catch (error) {
      // Once the session is to end, how it ends is no failure.
      if (!context.signal.aborted) throw error;
    }
  };
}

async function runSession(
  { messaging, open, metrics, liveness }: ApplySessionOptions,
  spec: MirrorSpec,
  context: SessionContext,
): Promise<void> {
  const { signal } = context;
  const name = applicationName(spec.id);
  const destination = settingsOf(spec.destination, open, name);
  const { position, isFirstCopy } = await withClient(destination, signal, async (client) => {
    await ensureBookkeeping(client);
    const taken = await takePosition(client, spec);
    await registerTables(client, spec, taken.lsn);
    // Once anything was applied, a table that is to be copied is a lane beside the stream; before, there is nothing to stream beside.
    const isFirstCopy = taken.lsn === startLsn(spec) && (await hasOnlyFirstCopies(client, spec.id));
    return { position: taken, isFirstCopy };
  });
  const progress = new ApplyProgress(spec.id, spec.tables, position.commitTime);
  const report = new StatsReport({
    ...{ messaging, progress, metrics },
    mirror: spec,
    position: position.lsn,
  });
  try {
    const { epoch } = position;
    const source = settingsOf(spec.source, open, copyApplicationName(spec.id));
    if (isFirstCopy) await copyFirst({ spec, epoch, context, source, destination, progress });
    const tables = await withClient(destination, signal, async (client) => {
      for (const counts of await loadCounts(client, spec.id))
        progress.setCounts(counts.table, counts);
      return loadTables(client, spec);
    });
    progress.setPhase('streaming');
    for (const { mapping, state } of tables)
      progress.setTableStatus(formatQualifiedName(mapping.source), state ?? 'running');
    const session = { spec, context, messaging, source, destination, position, tables };
    await streamChanges({ ...session, progress, report, metrics, liveness });
  } finally {
    report.close();
  }
}

function startLsn(spec: MirrorSpec): ReturnType<typeof parseLsn> {
  if (!spec.source_identity)
    throw new MirrorError('unexpected', 'the mirror has no source identity yet');
  return parseLsn(spec.source_identity.start_lsn);
}

async function withClient<Result>(
  settings: ConnectionSettings,
  signal: AbortSignal,
  work: (client: Awaited<ReturnType<typeof connectClient>>) => Promise<Result>,
): Promise<Result> {
  const client = await connectClient(settings, {
    role: 'destination',
    signal,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
  });
  try {
    return await work(client);
  } catch (error) {
    throw toMirrorError(error, { role: 'destination' });
  } finally {
    await client.end().catch(() => undefined);
  }
}

const LOCK_TIMEOUT_MS = 60_000;
