import type { TableMapping } from '@bunnydb/contracts';
import { MirrorError, faultPoint } from '@bunnydb/failure';
import {
  type ConnectionSettings,
  closeSession,
  connectClient,
  sqlstateOf,
  toMirrorError,
} from '@bunnydb/pg-client';
import { type Lsn, ZERO_LSN, formatLsn } from '@bunnydb/pg-model';
import type pg from 'pg';
import { remedyOf } from '../core/batch-failure.js';
import { carriesSchema } from '../core/carried-schema.js';
import { MirrorTables } from '../core/mirror-tables.js';
import { type SkipRule, type StepSource, isSkipped, planSteps } from '../core/work-step.js';
import { WorkTally } from '../core/work-tally.js';
import { learnTables } from './destination-catalog.js';
import { type DestinationSession, openDestination } from './destination-session.js';
import { type LaneOwner, type LaneRefusal, LaneTransactions } from './lane-transactions.js';
import { type ParkedPiece, readParked } from './parked-changes.js';
import type { TableWriter, WriteMode } from './table-writer.js';
import { writeFailure } from './write-failure.js';

export interface LaneReplayOptions extends LaneOwner {
  /** Where the rows go: the destination table, or its shadow. */
  readonly mapping: TableMapping;
  /** Transactions that committed before it are in the table already. */
  readonly copyLsn: Lsn;
  /** Commit LSNs of transactions whose changes are not wanted. */
  readonly skippedLsns: readonly Lsn[];
  readonly destination: ConnectionSettings;
  readonly signal: AbortSignal;
  /** Rows are committed. */
  readonly onApplied: (tally: WorkTally) => void;
}

/**
 * Replays what is parked for one table, in order, with two sessions of its own: one reads, the other writes. The writers are the main lane's.
 *
 * What a transaction is made of is what the reader hands out: whole units up to a few megabytes, or one. When the server refuses one, what
 * is in it is replayed unit by unit and row by row (the exact path); what that refuses too is thrown, and nothing of it is committed.
 */
export class LaneReplay {
  readonly #options: LaneReplayOptions;
  readonly #destination: DestinationSession;
  readonly #reader: pg.Client;
  readonly #tables: MirrorTables;
  readonly #transactions: LaneTransactions;
  readonly #rule: SkipRule;
  readonly #cut: () => void;
  /** The last parked change that is replayed. */
  #lastId = 0n;
  #refusedColumns: readonly string[] = [];

  static async open(options: LaneReplayOptions): Promise<LaneReplay> {
    const { destination, spec, signal } = options;
    const writer = await openDestination(destination, spec, signal);
    try {
      const reader = await connectClient(destination, { role: 'destination', signal });
      return new LaneReplay(options, writer, reader);
    } catch (error) {
      await writer.session.close();
      throw error;
    }
  }

  private constructor(
    options: LaneReplayOptions,
    destination: DestinationSession,
    reader: pg.Client,
  ) {
    this.#options = options;
    this.#destination = destination;
    this.#reader = reader;
    const { mapping, copyLsn } = options;
    const skipped = new Set(options.skippedLsns);
    this.#tables = new MirrorTables([{ mapping, copyLsn }], {
      leavesOut: !carriesSchema(options.spec.options),
    });
    this.#transactions = new LaneTransactions(destination, this.#tables, options);
    this.#rule = {
      position: ZERO_LSN,
      copyLsnOf: () => copyLsn,
      skippedLsnsOf: () => skipped,
    };
    this.#cut = () => destination.session.destroy();
    options.signal.addEventListener('abort', this.#cut, { once: true });
    if (options.signal.aborted) this.#cut();
  }

  /** The columns, by their names now, of the rows that were refused last. */
  get refusedColumns(): readonly string[] {
    return this.#refusedColumns;
  }

  /** Replays until little is left. @throws MirrorError what cannot be replayed. */
  async catchUp(): Promise<void> {
    try {
      if (this.#lastId === 0n) await this.#begin();
      for (;;) {
        const bytes = await this.#replayAll();
        this.#options.signal.throwIfAborted();
        if (bytes < LITTLE_BYTES) return;
      }
    } catch (error) {
      this.#options.signal.throwIfAborted();
      throw toMirrorError(error, { role: 'destination' });
    }
  }

  async close(): Promise<void> {
    this.#options.signal.removeEventListener('abort', this.#cut);
    await Promise.all([this.#destination.session.close(), closeSession(this.#reader)]);
  }

  /** What the snapshot holds need not be read: it goes at once. */
  async #begin(): Promise<void> {
    const { spec, table, copyLsn } = this.#options;
    await this.#refreshTable();
    await this.#reader.query(
      `delete from _bunny.parked_change
        where mirror_id = $1 and source_schema = $2 and source_table = $3 and last_lsn < $4::pg_lsn`,
      [spec.id, table.schema, table.table, formatLsn(copyLsn)],
    );
  }

  /** Replays what is parked now and what comes meanwhile; returns how many bytes that were. */
  async #replayAll(): Promise<number> {
    let bytes = 0;
    for await (const piece of this.#read(TRANSACTION_BYTES_MAX)) {
      this.#options.signal.throwIfAborted();
      bytes += piece.bytes;
      const refusal = await this.#replay(piece, 'fast');
      if (!refusal) continue;
      if (!isWorthAnotherTry(refusal, 'fast')) throw this.#failureOf(refusal, piece);
      await this.#refreshTable();
      await this.#replayExactly(piece.lastId);
    }
    return bytes;
  }

  /** Replays unit by unit, row by row, what a refused transaction held. */
  async #replayExactly(lastId: bigint): Promise<void> {
    for (let attempt = 1; this.#lastId < lastId;) {
      const replayedBefore = this.#lastId;
      for await (const piece of this.#read(0)) {
        this.#options.signal.throwIfAborted();
        const refusal = await this.#replay(piece, 'exact');
        if (!refusal) {
          attempt = 1;
          if (this.#lastId >= lastId) return;
          continue;
        }
        if (attempt >= ATTEMPTS_MAX || !isWorthAnotherTry(refusal, 'exact'))
          throw this.#failureOf(refusal, piece);
        attempt += 1;
        await this.#refreshTable();
        break;
      }
      if (this.#lastId === replayedBefore && attempt === 1) return;
    }
  }

  #read(bytesMax: number): AsyncGenerator<ParkedPiece, void, undefined> {
    const { spec, table } = this.#options;
    const owner = { mirrorId: spec.id, table };
    return readParked(this.#reader, owner, { afterId: this.#lastId, bytesMax });
  }

  /** One destination transaction. */
  async #replay(piece: ParkedPiece, mode: WriteMode): Promise<LaneRefusal | undefined> {
    const tally = new WorkTally();
    const refusal = await this.#transactions.commit(
      (writer) => this.#write(writer, piece, mode, tally),
      { lastId: piece.lastId, tally },
    );
    if (refusal) return refusal;
    this.#lastId = piece.lastId;
    this.#options.onApplied(tally);
    faultPoint('lane.between_replays');
    return undefined;
  }

  async #write(
    writer: TableWriter,
    piece: ParkedPiece,
    mode: WriteMode,
    tally: WorkTally,
  ): Promise<void> {
    const { table } = this.#options;
    if (piece.kind === 'rows') {
      const steps = planSteps(
        piece.sources.map((source) => this.#named(source)),
        this.#rule,
      );
      tally.addSteps(steps);
      await writer.write(steps, mode, tally);
    } else if (isSkipped(piece.first, this.#rule)) {
      for await (const bytes of piece.bytesOf) void bytes;
    } else {
      const { head } = piece.first;
      tally.addRow(table, head.ops);
      await writer.writeLargeRow(table, head, piece.bytesOf, tally);
    }
  }

  /** A table may have been parked under another name that the source gave it meanwhile. */
  #named(source: StepSource): StepSource {
    const { table } = this.#options;
    const messages = source.messages.map((message) => ({
      ...message,
      head: { ...message.head, table },
    }));
    return { ...source, messages };
  }

  #failureOf({ error, label }: LaneRefusal, piece: ParkedPiece): MirrorError {
    const sources = piece.kind === 'rows' ? piece.sources : [];
    const messages =
      piece.kind === 'rows' ? sources.flatMap((source) => source.messages) : [piece.first];
    const { table } = this.#options;
    const columns = messages.flatMap(({ head }) => head.columns);
    this.#refusedColumns = columns.map((column) => this.#tables.nameNow(table, column));
    const [only] = sources.length === 1 ? sources : [];
    return writeFailure(error, label, only?.transactions);
  }

  async #refreshTable(): Promise<void> {
    await learnTables(this.#destination.session, this.#tables, this.#options.spec.id);
  }
}

function isWorthAnotherTry({ error, label }: LaneRefusal, mode: WriteMode): boolean {
  if (label?.action === 'position') return false;
  // The statements were right for the columns that the table had.
  if (label?.action === 'fingerprint') return true;
  if (error instanceof MirrorError)
    return mode === 'fast' && (error.kind === 'schema_mismatch' || error.kind === 'table_missing');
  const remedy = remedyOf(sqlstateOf(error));
  return remedy === 'again' || (remedy === 'exact' && mode === 'fast');
}

/** How much of what is parked is replayed in one transaction. */
const TRANSACTION_BYTES_MAX = 4 * 1024 * 1024;
/** A rest that the main lane may take without keeping the others waiting. */
const LITTLE_BYTES = 1024 * 1024;
const ATTEMPTS_MAX = 4;
