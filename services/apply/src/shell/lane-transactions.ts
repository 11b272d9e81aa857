import type { MirrorSpec } from '@bunnydb/contracts';
import type { PipelinedSession, PreparedStatement } from '@bunnydb/pg-client';
import type { QualifiedName } from '@bunnydb/pg-model';
import type { MirrorTables } from '../core/mirror-tables.js';
import type { WorkTally } from '../core/work-tally.js';
import { CHECK_FINGERPRINT, fingerprintParameters } from './destination-catalog.js';
import type { DestinationSession } from './destination-session.js';
import { countsParameter } from './destination-transaction.js';
import { DELETE_PARKED } from './parked-changes.js';
import { ADD_COUNTS, HOLD_EPOCH } from './position-row.js';
import { TableWriter } from './table-writer.js';
import type { WriteLabel } from './write-label.js';

export interface LaneOwner {
  readonly spec: MirrorSpec;
  /** With which the session has taken the mirror's position. */
  readonly epoch: string;
  /** Source name of the lane's table. */
  readonly table: QualifiedName;
}

/** Why a lane's transaction was refused. */
export interface LaneRefusal {
  readonly error: unknown;
  readonly label: WriteLabel | undefined;
}

/**
 * A lane's destination transactions: BEGIN, the rows, the parked changes that they were go, the counts, COMMIT; one at a time. Rows and deletion commit
 * together, so that each parked change is replayed exactly once. The last statement before COMMIT holds the epoch: a session that takes the
 * mirror over finds the transaction either committed or refused.
 */
export class LaneTransactions {
  readonly #session: PipelinedSession;
  readonly #owner: LaneOwner;
  readonly #firesTriggers: boolean;
  readonly #writer: TableWriter;
  readonly #begin: PreparedStatement;
  readonly #checkFingerprint: PreparedStatement;
  readonly #deleteParked: PreparedStatement;
  readonly #addCounts: PreparedStatement;
  readonly #holdEpoch: PreparedStatement;
  readonly #commit: PreparedStatement;

  constructor(destination: DestinationSession, tables: MirrorTables, owner: LaneOwner) {
    const { session } = destination;
    this.#session = session;
    this.#owner = owner;
    this.#firesTriggers = destination.firesTriggers;
    this.#writer = new TableWriter(session, tables, owner.spec.id);
    this.#begin = session.prepare('begin');
    this.#checkFingerprint = session.prepare(CHECK_FINGERPRINT);
    this.#deleteParked = session.prepare(DELETE_PARKED);
    this.#addCounts = session.prepare(ADD_COUNTS);
    this.#holdEpoch = session.prepare(HOLD_EPOCH);
    this.#commit = session.prepare('commit');
  }

  /** Commits what `write` sends, without the parked changes up to `lastId`; a refusal is rolled back and returned. */
  async commit(
    write: (writer: TableWriter) => Promise<void>,
    done: { readonly lastId: bigint; readonly tally: WorkTally },
  ): Promise<LaneRefusal | undefined> {
    const label: WriteLabel = { action: 'transaction' };
    this.#session.execute(this.#begin, [], { label });
    if (this.#firesTriggers) this.#session.run('set constraints all deferred', { label });
    this.#writer.beginTransaction();
    try {
      await write(this.#writer);
      this.#finish(done);
      const outcome = await this.#session.sync();
      if (outcome.ok) return undefined;
      await this.#rollBack();
      return { error: outcome.error, label: labelOf(outcome.sink?.label) };
    } catch (error) {
      if (!this.#session.isLost) await this.#rollBack();
      return { error, label: undefined };
    }
  }

  #finish({ lastId, tally }: { readonly lastId: bigint; readonly tally: WorkTally }): void {
    const { spec, epoch, table } = this.#owner;
    const mirrorId = Buffer.from(spec.id);
    if (this.#writer.reliedOn.size > 0) {
      this.#session.execute(
        this.#checkFingerprint,
        fingerprintParameters([...this.#writer.reliedOn]),
        { label: { action: 'fingerprint' } satisfies WriteLabel },
      );
    }
    const label: WriteLabel = { action: 'transaction' };
    this.#session.execute(
      this.#deleteParked,
      [mirrorId, Buffer.from(table.schema), Buffer.from(table.table), Buffer.from(`${lastId}`)],
      { label },
    );
    this.#session.execute(this.#addCounts, [mirrorId, countsParameter(tally)], { label });
    this.#session.execute(this.#holdEpoch, [mirrorId, Buffer.from(epoch)], {
      label: { action: 'position' } satisfies WriteLabel,
    });
    this.#session.execute(this.#commit, [], { label });
  }

  /** Ends what a refused transaction left open, and forgets what depends on the table's columns. */
  async #rollBack(): Promise<void> {
    await this.#session.sync();
    this.#session.run('rollback');
    await this.#session.sync();
    this.#writer.reset();
    await this.#session.sync();
  }
}

/** Every label in this service is a `WriteLabel`; the session hands back what it was given. */
function labelOf(label: unknown): WriteLabel | undefined {
  return label as WriteLabel | undefined;
}
