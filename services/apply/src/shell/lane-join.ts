import { type MirrorError, faultPoint } from '@bunnydb/failure';
import { type ConnectionSettings, closeSession, connectClient } from '@bunnydb/pg-client';
import { ZERO_LSN } from '@bunnydb/pg-model';
import type { Remedy } from '../core/batch-failure.js';
import type { MirrorTable } from '../core/mirror-tables.js';
import { type SkipRule, isSkipped, planSteps } from '../core/work-step.js';
import { WorkTally } from '../core/work-tally.js';
import type { SqlClient } from './bookkeeping.js';
import type { Advance } from '../core/advance.js';
import type { DestinationTransactions } from './destination-transaction.js';
import { remedyFor } from './in-flight.js';
import { readParked } from './parked-changes.js';
import type { TableNotes } from './table-notes.js';
import type { TableWriter, WriteMode } from './table-writer.js';
import { writeFailure } from './write-failure.js';

export interface LaneJoinOptions {
  readonly mirrorId: string;
  /** The table as the destination's bookkeeping has it. */
  readonly table: MirrorTable;
  readonly destination: ConnectionSettings;
  readonly signal: AbortSignal;
  readonly transactions: DestinationTransactions;
  readonly notes: TableNotes;
  /** Where the main lane stands; it does not move. */
  readonly standstill: Advance;
  /** Reads the table's columns at the destination again. */
  readonly refreshTable: () => Promise<void>;
}

/**
 * Brings a table back into the main lane: replays what is still parked of it, forgets that, and sets it `running`, all in one transaction
 * of the main lane's session. It runs between two transactions of the main lane, so that all that was ever parked is committed: a second session reads it.
 * The transaction is fenced like any other by the position, which it writes without moving it. Before its COMMIT nothing has happened;
 * after it the table is in the main lane, whether anybody lives to see the answer or not.
 *
 * @returns what was replayed.
 * @throws MirrorError what the destination refuses; the table stays outside.
 */
export async function joinLane(options: LaneJoinOptions): Promise<WorkTally> {
  const { refreshTable, destination, signal } = options;
  // The lane may have put another table in its place.
  await refreshTable();
  const reader = await connectClient(destination, { role: 'destination', signal });
  try {
    const first = await tryJoin(options, reader, 'fast');
    if (first.tally) return first.tally;
    if (!first.mayPass) throw first.failure;
    await refreshTable();
    const second = await tryJoin(options, reader, 'exact');
    if (second.tally) return second.tally;
    throw second.failure;
  } finally {
    await closeSession(reader);
  }
}

type JoinAttempt =
  | { readonly tally: WorkTally }
  | { readonly tally?: undefined; readonly failure: MirrorError; readonly mayPass: boolean };

async function tryJoin(
  options: LaneJoinOptions,
  reader: SqlClient,
  mode: WriteMode,
): Promise<JoinAttempt> {
  const { transactions, notes, table, standstill } = options;
  const { source } = table.mapping;
  const tally = new WorkTally();
  try {
    const sent = await transactions.send(async (writer) => {
      const lastId = await replay(options, { reader, writer, mode, tally });
      notes.writeJoin(source, lastId);
      faultPoint('lane.before_join_commit');
    }, standstill);
    const outcome = await sent.outcome;
    if (outcome.ok) {
      faultPoint('lane.after_join_commit');
      return { tally };
    }
    await transactions.rollBack();
    const failure = writeFailure(outcome.error, outcome.label);
    return { failure, mayPass: MAY_PASS.has(remedyFor({ outcome })) };
  } catch (error) {
    const outcome = { ok: false as const, error, label: undefined };
    const failure = writeFailure(error, undefined);
    return { failure, mayPass: MAY_PASS.has(remedyFor({ outcome })) };
  }
}

/** Replays what is parked; returns the last id. */
async function replay(
  { mirrorId, table }: LaneJoinOptions,
  to: {
    readonly reader: SqlClient;
    readonly writer: TableWriter;
    readonly mode: WriteMode;
    readonly tally: WorkTally;
  },
): Promise<bigint> {
  const { source } = table.mapping;
  const { reader, writer, mode, tally } = to;
  const skipped = table.skippedLsns ?? new Set();
  const rule: SkipRule = {
    position: ZERO_LSN,
    copyLsnOf: () => table.copyLsn,
    skippedLsnsOf: () => skipped,
  };
  let lastId = 0n;
  for await (const piece of readParked(
    reader,
    { mirrorId, table: source },
    { bytesMax: PIECE_BYTES },
  )) {
    lastId = piece.lastId;
    if (writer.hasFailed) continue;
    if (piece.kind === 'rows') {
      const sources = piece.sources.map((unit) => ({
        ...unit,
        messages: unit.messages.map((message) => ({
          ...message,
          head: { ...message.head, table: source },
        })),
      }));
      const steps = planSteps(sources, rule);
      tally.addSteps(steps);
      await writer.write(steps, mode, tally);
    } else if (isSkipped(piece.first, rule)) {
      for await (const bytes of piece.bytesOf) void bytes;
    } else {
      tally.addRow(source, piece.first.head.ops);
      await writer.writeLargeRow(source, piece.first.head, piece.bytesOf, tally);
    }
  }
  return lastId;
}

/** What another way of writing, or the same once more, may help. */
const MAY_PASS: ReadonlySet<Remedy> = new Set<Remedy>(['exact', 'again']);
const PIECE_BYTES = 4 * 1024 * 1024;
