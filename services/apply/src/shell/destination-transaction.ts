import { MirrorError, faultPoint } from '@bunnydb/failure';
import type { GroupOutcome, PipelinedSession, PreparedStatement } from '@bunnydb/pg-client';
import { type Lsn, parseLsn } from '@bunnydb/pg-model';
import type { Advance } from '../core/advance.js';
import type { MirrorTables } from '../core/mirror-tables.js';
import type { WorkTally } from '../core/work-tally.js';
import { CHECK_FINGERPRINT, fingerprintParameters } from './destination-catalog.js';
import type { DestinationSession } from './destination-session.js';
import { ADD_COUNTS, ADVANCE_POSITION, lsnParameter } from './position-row.js';
import { TableWriter } from './table-writer.js';
import { preciseNowMs } from './transaction-trace.js';
import type { WriteLabel } from './write-label.js';

/** Positions in the destination's own WAL, as of just after a commit. */
export interface WalState {
  readonly insertLsn: Lsn;
  readonly flushLsn: Lsn;
}

/** How a destination transaction went. */
export type TransactionOutcome =
  | {
      readonly ok: true;
      readonly wal: WalState;
      /** When everything but the COMMIT was done. */
      readonly writtenAtMs: number;
    }
  | { readonly ok: false; readonly error: unknown; readonly label: WriteLabel | undefined };

/**
 * Destination transactions: BEGIN, what `write` sends, the position, COMMIT, all written without waiting. A second one may be sent before the
 * first is answered. Its position is conditional on the first's, so that it fails if the first did, however that failed.
 */
export class DestinationTransactions {
  readonly #session: PipelinedSession;
  readonly #mirrorId: Buffer;
  readonly #epoch: Buffer;
  readonly #firesTriggers: boolean;
  readonly #writer: TableWriter;
  readonly #begin: PreparedStatement;
  readonly #commit: PreparedStatement;
  readonly #advance: PreparedStatement;
  readonly #addCounts: PreparedStatement;
  readonly #checkFingerprint: PreparedStatement;
  readonly #readWal: PreparedStatement;

  constructor(
    destination: DestinationSession,
    tables: MirrorTables,
    owner: { readonly mirrorId: string; readonly epoch: string },
  ) {
    const { session } = destination;
    this.#session = session;
    this.#mirrorId = Buffer.from(owner.mirrorId);
    this.#epoch = Buffer.from(owner.epoch);
    this.#firesTriggers = destination.firesTriggers;
    this.#writer = new TableWriter(session, tables, owner.mirrorId);
    this.#begin = session.prepare('begin');
    this.#commit = session.prepare('commit');
    this.#advance = session.prepare(ADVANCE_POSITION);
    this.#addCounts = session.prepare(ADD_COUNTS);
    this.#checkFingerprint = session.prepare(CHECK_FINGERPRINT);
    this.#readWal = session.prepare(READ_WAL);
  }

  /**
   * Sends a transaction; the promise settles when it is sent, `outcome` when it is answered. When `write` throws, nothing of it stays.
   */
  async send(
    write: (writer: TableWriter) => Promise<void>,
    advance: Advance,
  ): Promise<{ readonly outcome: Promise<TransactionOutcome> }> {
    const label: WriteLabel = { action: 'transaction' };
    this.#session.execute(this.#begin, [], { label });
    if (this.#firesTriggers) this.#session.run('set constraints all deferred', { label });
    this.#writer.beginTransaction();
    try {
      await write(this.#writer);
    } catch (error) {
      await this.rollBack();
      throw error;
    }
    faultPoint('apply.inside_transaction');
    let writtenAtMs = 0;
    this.#finish(advance, () => (writtenAtMs = preciseNowMs()));
    let wal: WalState | undefined;
    this.#session.execute(this.#readWal, [], { onRow: (row) => (wal = walOf(row)) });
    const answered = this.#session.sync();
    return { outcome: answered.then((outcome) => toOutcome(outcome, wal, writtenAtMs)) };
  }

  /** Ends what a failed transaction left open, and forgets what depends on the tables' columns. */
  async rollBack(): Promise<void> {
    await this.#session.sync();
    this.#session.run('rollback');
    await this.#session.sync();
    this.#writer.reset();
    await this.#session.sync();
  }

  /** Adds to the tables' counters, in a transaction of its own: a crash may lose a second's worth of counts, but never of rows. */
  async addCounts(counts: WorkTally): Promise<boolean> {
    this.#session.execute(this.#addCounts, [this.#mirrorId, countsParameter(counts)]);
    const outcome = await this.#session.sync();
    return outcome.ok;
  }

  /** How far the destination's WAL is flushed. */
  async readWal(): Promise<WalState> {
    let wal: WalState | undefined;
    this.#session.execute(this.#readWal, [], { onRow: (row) => (wal = walOf(row)) });
    const outcome = toOutcome(await this.#session.sync(), wal);
    if (!outcome.ok) throw outcome.error;
    return outcome.wal;
  }

  #finish(advance: Advance, onWritten: () => void): void {
    const tables = [...this.#writer.reliedOn];
    if (tables.length > 0) {
      this.#session.execute(this.#checkFingerprint, fingerprintParameters(tables), {
        label: { action: 'fingerprint' } satisfies WriteLabel,
      });
    }
    this.#session.execute(
      this.#advance,
      [
        this.#mirrorId,
        this.#epoch,
        lsnParameter(advance.from),
        lsnParameter(advance.to),
        Buffer.from(String(advance.streamSeq)),
        advance.commitTime === null ? null : Buffer.from(advance.commitTime),
      ],
      { label: { action: 'position' } satisfies WriteLabel, onComplete: onWritten },
    );
    this.#session.execute(this.#commit, [], {
      label: { action: 'transaction' } satisfies WriteLabel,
    });
  }
}

/** The counts as `ADD_COUNTS` takes them. */
export function countsParameter(counts: WorkTally): Buffer {
  return Buffer.from(
    JSON.stringify(
      counts.tables.map(({ table, inserted, updated, deleted }) => ({
        schema: table.schema,
        table: table.table,
        inserted,
        updated,
        deleted,
      })),
    ),
  );
}

function toOutcome(
  outcome: GroupOutcome,
  wal: WalState | undefined,
  writtenAtMs = 0,
): TransactionOutcome {
  if (!outcome.ok) {
    return { ok: false, error: outcome.error, label: labelOf(outcome.sink?.label) };
  }
  if (!wal)
    throw new MirrorError('protocol_violation', 'the destination did not tell its WAL position');
  return { ok: true, wal, writtenAtMs };
}

/** Every label in this service is a `WriteLabel`; the session hands back what it was given. */
function labelOf(label: unknown): WriteLabel | undefined {
  return label as WriteLabel | undefined;
}

function walOf(row: readonly (string | null)[]): WalState {
  const [insertLsn, flushLsn] = row;
  return { insertLsn: parseLsn(insertLsn ?? ''), flushLsn: parseLsn(flushLsn ?? '') };
}

/** The insert position is read after the commit, so that it lies behind the commit's record. */
const READ_WAL = `select pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn()`;
