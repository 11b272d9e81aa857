/**
 * One mirror's session: from the desired state "run" until the signal aborts or something fails that a retry policy has to judge.
 *
 *     look at source and stream ──► refuse (a gap, a foreign server, a lost slot): the failure is told, nothing is read
 *              │ start LSN
 *              ▼
 *          run the slot ──► revalidate (NATS came back, a publish was refused): look again
 *                       ──► rewind (the applier found a gap): look again, start at the slot instead of the stream's end
 *                       ──► stopped, or a failure
 *
 * What is durable: the slot's confirmed position (never ahead of the destination's flushed one) and, less so, the stream. This process keeps
 * nothing. A worked run: the slot stands at 0/100, the destination has flushed 0/100, the stream ends with a commit message of
 * `Bunny-Last-Lsn` 0/180. We start at 0/180 with `Bunny-Prev-Lsn` 0/180. Had the stream been lost, we would start at 0/100 with
 * `Bunny-Prev-Lsn` 0/100, and the applier would skip what it has.
 *
 * What could go wrong: two readers. The slot admits one at a time, and the stream's expected sequence refuses the one that looked
 * earlier; either way it comes back here and looks again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DestinationPosition,
  type MirrorSpec,
  type ProgressWanted,
  Query,
  type RewindReply,
  type RewindRequest,
  progressSubject,
} from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import type { Messaging, OpenSession, SessionContext } from '@bunnydb/messaging';
import {
  type ConnectionSettings,
  type ReplicationConnection,
  openReplication,
  settingsOf,
} from '@bunnydb/pg-client';
import { type Lsn, formatLsn, parseLsn } from '@bunnydb/pg-model';
import type { LivenessDoor, MetricDoor } from '@bunnydb/service-shell';
import { batchLimits } from '../core/batch-limits.js';
import { type SourceFacts, decideStart } from '../core/start-position.js';
import { CaptureRun, type RunEnd } from './capture-run.js';
import { ensureChangeStream, readStreamFacts } from './change-stream.js';
import { reportStats } from './report-stats.js';
import { readSlotFacts, readSourceFacts } from './source-facts.js';

export interface CaptureSessionOptions {
  readonly messaging: Messaging;
  /** Opens a sealed secret. */
  readonly open: (sealed: string) => string;
  readonly metrics?: MetricDoor;
  readonly liveness?: LivenessDoor;
}

/** Makes the function that runs a mirror's session. */
export function captureSession(options: CaptureSessionOptions): OpenSession {
  return async (spec, context) => {
    const { messaging } = options;
    const settings = settingsOf(spec.source, options.open, sessionName(spec));
    let looks = 0;
    let fromSlot = false;
    while (!context.signal.aborted) {
      const onBatchStored = (): void => {
        looks = 0;
        context.markHealthy();
      };
      const end = await runOnce({ ...options, spec, context, settings, fromSlot, onBatchStored });
      if (end.tag === 'stopped') return;
      fromSlot = end.tag === 'rewind';
      if (end.tag !== 'revalidate') continue;
      messaging.log.warn(
        { mirror: spec.id, kind: end.reason.kind },
        'capture looks at the stream again',
      );
      // Looking again and again without a batch in between does not help: the policy of the failure has to judge.
      if (++looks > LOOKS_MAX) throw end.reason;
      await sleep(LOOK_AGAIN_MS * (looks - 1), undefined, { signal: context.signal }).catch(
        () => undefined,
      );
    }
  };
}

interface RunRequest extends CaptureSessionOptions {
  readonly spec: MirrorSpec;
  readonly context: SessionContext;
  readonly settings: ConnectionSettings;
  readonly fromSlot: boolean;
  readonly onBatchStored: () => void;
}

async function runOnce(request: RunRequest): Promise<RunEnd> {
  const { messaging, spec, context, settings } = request;
  let connection: ReplicationConnection | undefined;
  let run: CaptureRun | undefined;
  try {
    await ensureChangeStream(messaging, spec);
    connection = await openReplication(settings, { signal: context.signal });
    run = await prepareRun(request, connection);
    return await follow(run, connection, request);
  } catch (error) {
    if (context.signal.aborted) return { tag: 'stopped' };
    throw error;
  } finally {
    if (run) await run.close();
    else await connection?.close();
  }
}

/** Looks at everything, and decides. */
async function prepareRun(
  request: RunRequest,
  connection: ReplicationConnection,
): Promise<CaptureRun> {
  const { messaging, spec, context, settings, fromSlot } = request;
  const source = await takeSlotOver(connection, await readSourceFacts(connection, spec), spec);
  const stream = await readStreamFacts(messaging, spec);
  const decision = decideStart({
    identity: spec.source_identity,
    source,
    stream,
    destinationLsn: await askDestination(messaging, spec.id),
    fromSlot,
  });
  if (decision.tag === 'refuse') {
    throw decision.failure.withDetail({ slot: spec.slot_name, publication: spec.publication_name });
  }
  messaging.log.info(
    { mirror: spec.id, start_lsn: formatLsn(decision.lsn), from_slot: fromSlot },
    'capture starts',
  );
  return new CaptureRun({
    messaging,
    spec,
    settings,
    source,
    stream,
    startLsn: decision.lsn,
    confirmedLsn: decision.confirmedLsn,
    limits: batchLimits(messaging.nc.info?.max_payload ?? DEFAULT_MAX_PAYLOAD),
    onSteady: () => context.markHealthy(),
    onBatchStored: request.onBatchStored,
  });
}

async function follow(
  run: CaptureRun,
  connection: ReplicationConnection,
  { messaging, spec, context, metrics, liveness }: RunRequest,
): Promise<RunEnd> {
  const stop = (): void => run.end({ tag: 'stopped' });
  context.signal.addEventListener('abort', stop, { once: true });
  const stopAnswering = messaging.respondJson<RewindRequest, RewindReply>(
    `${Query.CaptureRewind}.${spec.id}`,
    () => {
      setImmediate(() => run.end({ tag: 'rewind' }));
      return { ok: true, restarted_from_lsn: formatLsn(run.slot.progress.confirmed) };
    },
  );
  const stopProgress = messaging.subscribeJson<ProgressWanted>(
    progressSubject(spec.id),
    ({ lsn }) => run.wantProgress(parseLsn(lsn)),
  );
  const stopStats = reportStats({ run, messaging, spec, metrics });
  const pulse = liveness?.watch(`capture of ${spec.id}`, {
    silenceMaxMs: STUCK_MS,
    isWaiting: waitsOrMoves(run),
  });
  try {
    if (context.signal.aborted) return { tag: 'stopped' };
    run.start(connection);
    return await run.ended;
  } finally {
    pulse?.end();
    stopStats();
    stopProgress();
    stopAnswering();
    context.signal.removeEventListener('abort', stop);
  }
}

/** For the watch over the run: nothing is wrong while it waits for somebody, or while batches are stored. */
function waitsOrMoves(run: CaptureRun): () => boolean {
  let seen = run.storedLsn;
  return () => {
    const hasMoved = run.storedLsn !== seen;
    seen = run.storedLsn;
    return hasMoved || run.isWaiting;
  };
}

/**
 * Takes the slot from a reader of this mirror that still holds it: the lease has passed to us, so that one has died or hangs. A
 * reader of another name is left alone; the server then answers that the slot is in use.
 */
async function takeSlotOver(
  connection: ReplicationConnection,
  facts: SourceFacts,
  spec: MirrorSpec,
): Promise<SourceFacts> {
  const { slot } = facts;
  if (!slot || slot.activePid === null) return facts;
  const detail = { slot: spec.slot_name, pid: slot.activePid };
  if (slot.activeName !== sessionName(spec)) {
    throw new MirrorError('slot_in_use', 'another session reads the replication slot', { detail });
  }
  await connection.query(`select pg_catalog.pg_terminate_backend(${slot.activePid})`);
  const deadline = Date.now() + TAKE_OVER_MS;
  for (;;) {
    const now = await readSlotFacts(connection, spec.slot_name);
    if (now === undefined || now.activePid === null) return { ...facts, slot: now };
    if (Date.now() >= deadline) {
      throw new MirrorError('slot_in_use', 'an older session still holds the slot', { detail });
    }
    await sleep(TAKE_OVER_POLL_MS);
  }
}

/** What the destination has, if an applier answers; it is only one more thing to compare. */
async function askDestination(messaging: Messaging, mirrorId: string): Promise<Lsn | undefined> {
  try {
    const subject = `${Query.ApplyPosition}.${mirrorId}`;
    const reply = await messaging.request<Partial<DestinationPosition>>(
      subject,
      {},
      { timeoutMs: ASK_TIMEOUT_MS },
    );
    return reply.flushed_lsn === undefined ? undefined : parseLsn(reply.flushed_lsn);
  } catch {
    return undefined;
  }
}

/** What `pg_stat_activity` shows for a mirror's reader; also how a reader of this mirror is told from a stranger. */
export function sessionName(spec: Pick<MirrorSpec, 'id'>): string {
  return `bunnydb capture ${spec.id}`.slice(0, 63);
}

const DEFAULT_MAX_PAYLOAD = 1024 * 1024;
const LOOKS_MAX = 3;
const LOOK_AGAIN_MS = 250;
const TAKE_OVER_MS = 10_000;
/** Longer than any pause of the batching's own. */
const STUCK_MS = 60_000;
const TAKE_OVER_POLL_MS = 50;
const ASK_TIMEOUT_MS = 1_000;
