import type { PipelinedSession, PreparedStatement } from '@bunnydb/pg-client';
import type { QualifiedName } from '@bunnydb/pg-model';
import type { TableNote } from '../core/table-note.js';
import { DELETE_PARKED } from './parked-changes.js';
import type { WriteLabel } from './write-label.js';

/** Writes `_bunny.table_state` inside the main lane's transactions; nothing is waited for. */
export class TableNotes {
  readonly #session: PipelinedSession;
  readonly #mirrorId: Buffer;
  readonly #noteShape: PreparedStatement;
  readonly #noteRename: PreparedStatement;
  readonly #park: PreparedStatement;
  readonly #join: PreparedStatement;
  readonly #deleteParked: PreparedStatement;

  constructor(session: PipelinedSession, mirrorId: string) {
    this.#session = session;
    this.#mirrorId = Buffer.from(mirrorId);
    this.#noteShape = session.prepare(NOTE_SHAPE);
    this.#noteRename = session.prepare(NOTE_RENAME);
    this.#park = session.prepare(PARK);
    this.#join = session.prepare(JOIN);
    this.#deleteParked = session.prepare(DELETE_PARKED);
  }

  write(note: TableNote): void {
    if (note.tag === 'shape') {
      this.#execute(this.#noteShape, note.table, [note.relation]);
      return;
    }
    if (note.tag === 'renamed') {
      const { schema, table } = note.renamedTo;
      this.#execute(this.#noteRename, note.table, [schema, table]);
      return;
    }
    this.#execute(this.#park, note.table, [
      note.state,
      note.failure === null ? null : JSON.stringify(note.failure),
      note.state === 'error' ? '1' : '0',
      note.nextRetryAt,
      note.renamedTo?.schema ?? null,
      note.renamedTo?.table ?? null,
    ]);
  }

  /** The table is in the main lane from this transaction on; what was parked up to the id is replayed in it. */
  writeJoin(table: QualifiedName, lastId: bigint): void {
    this.#execute(this.#deleteParked, table, [String(lastId)]);
    this.#execute(this.#join, table, []);
  }

  #execute(
    statement: PreparedStatement,
    { schema, table }: QualifiedName,
    values: readonly (string | null)[],
  ): void {
    const label: WriteLabel = { action: 'transaction' };
    this.#session.execute(
      statement,
      [
        this.#mirrorId,
        Buffer.from(schema),
        Buffer.from(table),
        ...values.map((value) => (value === null ? null : Buffer.from(value))),
      ],
      { label },
    );
  }
}

const THE_TABLE = 'mirror_id = $1::text and source_schema = $2::text and source_table = $3::text';

const NOTE_SHAPE = `
  update _bunny.table_state set relation = $4::text, updated_at = now() where ${THE_TABLE}`;

const NOTE_RENAME = `
  update _bunny.table_state set renamed_schema = $4::text, renamed_table = $5::text, updated_at = now() where ${THE_TABLE}`;

const PARK = `
  update _bunny.table_state
     set state = $4::text, reason = $5::json, attempts = $6::int, next_retry_at = $7::timestamptz,
         renamed_schema = coalesce($8::text, renamed_schema), renamed_table = coalesce($9::text, renamed_table), updated_at = now()
   where ${THE_TABLE}`;

const JOIN = `
  update _bunny.table_state
     set state = 'running', reason = null, attempts = 0, next_retry_at = null, skipped_lsns = '{}',
         last_synced_at = now(), updated_at = now()
   where ${THE_TABLE}`;
