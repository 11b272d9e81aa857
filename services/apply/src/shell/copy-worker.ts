import { FailureKind, MirrorError, faultPoint } from '@bunnydb/failure';
import {
  type ConnectionSettings,
  closeSession,
  killSession,
  spliceCopy,
  sqlstateOf,
  toMirrorError,
} from '@bunnydb/pg-client';
import { formatQualifiedName, quoteQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import type { CopyRange } from '../core/copy-range.js';
import {
  type CopyStatementParts,
  copyInStatement,
  copyOutStatement,
  countStatement,
  insertEmptyRowsStatement,
} from '../core/copy-statement.js';
import { onSide } from './copy-failure.js';
import { type LedgerEntry, beginTable, finishTable, insertRange } from './copy-ledger.js';
import type { TableCopy } from './copy-plan.js';
import type { CopySnapshot } from './copy-snapshot.js';
import { openCopyWriter } from './copy-writer.js';
import { requireSameRows } from './snapshot-reach.js';

export interface CopyWorkerOptions {
  readonly mirrorId: string;
  readonly epoch: string;
  readonly snapshot: CopySnapshot;
  readonly destination: ConnectionSettings;
  readonly signal: AbortSignal;
  /** Called often; the receiver throttles. */
  readonly onBytes: (table: TableCopy, bytes: number, rows: number) => void;
  readonly onRange: (table: TableCopy) => void;
}

/** One pair of sessions, source and destination, through which ranges are copied one after another. */
export class CopyWorker {
  readonly #options: CopyWorkerOptions;
  #source: pg.Client | undefined;
  #destination: pg.Client | undefined;

  constructor(options: CopyWorkerOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => this.kill(), { once: true });
  }

  /** Opens the pair, unless it is open. */
  async open(): Promise<void> {
    const { snapshot, destination, signal } = this.#options;
    signal.throwIfAborted();
    this.#source ??= await snapshot.openReader();
    this.#destination ??= (await openCopyWriter(destination, signal)).client;
    // An abort that came between the two found one of them not yet there.
    if (signal.aborted) this.kill();
    signal.throwIfAborted();
  }

  /** Empties a table and marks it as being copied. */
  async begin(table: TableCopy): Promise<void> {
    await this.#with(table, async () => {
      await beginTable(this.#writer(), this.#entry(table), table.isDestinationPartitioned);
    });
  }

  /** Copies a range, in text if the binary form is refused; rows and ledger row commit together. */
  async copy(table: TableCopy, range: CopyRange): Promise<void> {
    await this.#with(table, async () => {
      const isBinary = table.format === 'binary';
      try {
        await this.#copyOnce(table, range);
      } catch (error) {
        if (!isBinary || !isBinaryRefusal(error)) throw error;
        table.format = 'text';
        this.kill();
        await this.open();
        await this.#copyOnce(table, range);
      }
      this.#options.onRange(table);
    });
    faultPoint('copy.between_ranges');
  }

  /** Gives the planner its statistics and marks the table as copied; returns its rows. */
  async finish(table: TableCopy): Promise<number> {
    return await this.#with(table, async () => {
      await this.#writer().query(`analyze ${quoteQualifiedName(table.mapping.destination)}`);
      faultPoint('copy.before_table_done');
      return await finishTable(this.#writer(), this.#entry(table), this.#options.snapshot.lsn);
    });
  }

  async close(): Promise<void> {
    const clients = [this.#source, this.#destination].filter((client) => client !== undefined);
    this.#source = undefined;
    this.#destination = undefined;
    await Promise.all(clients.map(closeSession));
  }

  /** Ends both sessions at once, whatever they do. */
  kill(): void {
    if (this.#source) killSession(this.#source);
    if (this.#destination) killSession(this.#destination);
    this.#source = undefined;
    this.#destination = undefined;
  }

  async #copyOnce(table: TableCopy, range: CopyRange): Promise<void> {
    const { snapshot } = this.#options;
    const counted = { bytes: 0, rows: 0 };
    try {
      await requireSameRows(this.#reader(), range.relation);
      await this.#writer().query('begin');
      const { rows, bytes } = await this.#transfer(table, range, counted);
      await insertRange(this.#writer(), this.#entry(table), {
        range,
        lsn: snapshot.lsn,
        rows,
        bytes,
      });
      await this.#writer().query('commit');
      table.progress.finishRange(rows, counted.rows);
    } catch (error) {
      table.progress.dropRange(counted.bytes, counted.rows);
      throw error;
    }
  }

  async #transfer(
    table: TableCopy,
    range: CopyRange,
    counted: { bytes: number; rows: number },
  ): Promise<{ rows: number; bytes: number }> {
    const parts: CopyStatementParts = {
      range,
      destination: table.mapping.destination,
      columns: table.columns,
      format: table.format,
      rowFilter: table.mapping.row_filter,
    };
    if (table.columns.length === 0) return await this.#transferEmptyRows(parts);
    return await spliceCopy({
      source: this.#reader(),
      destination: this.#writer(),
      copyOut: copyOutStatement(parts),
      copyIn: copyInStatement(parts),
      signal: this.#options.signal,
      onBytes: (bytes, rows) => {
        counted.bytes += bytes;
        counted.rows += rows;
        this.#options.onBytes(table, bytes, rows);
      },
    });
  }

  /** COPY cannot name zero columns, so rows that have none to copy are counted and made again. */
  async #transferEmptyRows(parts: CopyStatementParts): Promise<{ rows: number; bytes: number }> {
    const { rows } = await onSide('source', () =>
      this.#reader().query<{ rows: string }>(countStatement(parts)),
    );
    const count = Number(rows[0]?.rows ?? 0);
    await this.#writer().query(insertEmptyRowsStatement(parts.destination), [count]);
    return { rows: count, bytes: 0 };
  }

  #reader(): pg.Client {
    return connected(this.#source, this.#options.signal, 'source');
  }

  #writer(): pg.Client {
    return connected(this.#destination, this.#options.signal, 'destination');
  }

  #entry({ mapping, purpose }: TableCopy): LedgerEntry {
    const { mirrorId, epoch } = this.#options;
    return { mirrorId, epoch, mapping, purpose };
  }

  /** Names the table in what goes wrong; what is not judged yet came from the destination. */
  async #with<Result>(table: TableCopy, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      this.#options.signal.throwIfAborted();
      const judged =
        error instanceof MirrorError ? error : toMirrorError(error, { role: 'destination' });
      throw judged.withDetail({ table: formatQualifiedName(table.mapping.source) });
    }
  }
}

function connected(
  client: pg.Client | undefined,
  signal: AbortSignal,
  role: 'source' | 'destination',
): pg.Client {
  signal.throwIfAborted();
  if (client) return client;
  throw new MirrorError(
    role === 'source' ? FailureKind.SourceUnreachable : FailureKind.DestinationUnreachable,
    `the ${role}: the copy session is closed`,
  );
}

/** Whether a server said that it cannot write or read a type's binary form. */
function isBinaryRefusal(error: unknown): boolean {
  const sqlstate = error instanceof MirrorError ? sqlstateOf(error.cause) : sqlstateOf(error);
  return sqlstate !== undefined && BINARY_REFUSALS.has(sqlstate);
}

/** invalid_binary_representation, bad_copy_file_format, undefined_function (no send or receive function), datatype_mismatch. */
const BINARY_REFUSALS = new Set(['22P03', '22P04', '42883', '42804']);
