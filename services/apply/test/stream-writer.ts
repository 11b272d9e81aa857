import {
  type SchemaMark,
  type TransactionMark,
  type TruncateFlags,
  encodeCommitHead,
  encodeSchemaMark,
  encodeSchemaMarkHead,
  encodeTableHead,
  encodeTransactions,
} from '@bunnydb/change-stream';
import {
  changeStreamName,
  changeSubjects,
  commitSubject,
  schemaMarkSubject,
  tableSubject,
} from '@bunnydb/contracts';
import type { Messaging } from '@bunnydb/messaging';
import {
  type Lsn,
  type QualifiedName,
  ReplicaIdentity,
  escapeCopyValue,
  lsnFromBigInt,
} from '@bunnydb/pg-model';
import { headers as newHeaders } from '@nats-io/transport-node';

/** A column whose value an update does not carry (unchanged TOAST). */
export const KEPT = Symbol('kept');
export type Value = string | number | null | typeof KEPT;

export interface Change {
  readonly table: SourceTable;
  readonly op: 'I' | 'U' | 'D' | 'T' | 'M';
  readonly row: readonly Value[];
  readonly old?: readonly Value[];
  readonly flags?: TruncateFlags;
  readonly truncated?: readonly SourceTable[];
  readonly mark?: SchemaMark;
}

/** A table of an imaginary source; its methods make changes as capture would see them. */
export class SourceTable {
  readonly name: QualifiedName;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly identity: ReplicaIdentity;

  constructor(
    name: string | QualifiedName,
    columns: readonly string[],
    key: readonly string[] = columns.slice(0, 1),
    identity: ReplicaIdentity = ReplicaIdentity.Default,
  ) {
    this.name = typeof name === 'string' ? { schema: 'public', table: name } : name;
    this.columns = columns;
    this.key = identity === ReplicaIdentity.Full ? columns : key;
    this.identity = identity;
  }

  insert(...row: readonly Value[]): Change {
    return { table: this, op: 'I', row };
  }

  update(...row: readonly Value[]): Change {
    return { table: this, op: 'U', row };
  }

  /** An update with the old key (all columns under REPLICA IDENTITY FULL). */
  updateFrom(old: readonly Value[], ...row: readonly Value[]): Change {
    return { table: this, op: 'U', row, old };
  }

  /** The table's shape from here on; all columns are of one type. */
  shape(oid: number, typeOid = 25): Change {
    const columns = this.columns.map((column) => ({
      name: column,
      type_oid: typeOid,
      type_modifier: -1,
      is_key: this.key.includes(column),
    }));
    const { name, identity } = this;
    return {
      table: this,
      op: 'M',
      row: [],
      mark: { kind: 'relation', oid, ...name, identity, columns },
    };
  }

  /** A DDL command that touched the table. */
  ddl(tag = 'ALTER TABLE'): Change {
    const { schema, table } = this.name;
    const object = { type: 'table', schema, identity: `${schema}.${table}`, dropped: false };
    const objects = [{ ...object, table: this.name }];
    return {
      table: this,
      op: 'M',
      row: [],
      mark: { kind: 'ddl', tag, role: 'someone', search_path: '', objects },
    };
  }

  /** Give every column under FULL, else the key in its place and null for the rest. */
  delete(...row: readonly Value[]): Change {
    return { table: this, op: 'D', row };
  }
}

export function truncate(
  tables: readonly SourceTable[],
  flags: TruncateFlags = { cascade: false, restartIdentity: false },
): Change {
  const [table] = tables;
  if (!table) throw new Error('truncate of nothing');
  return { table, op: 'T', row: [], flags, truncated: tables };
}

interface Message {
  readonly subject: string;
  readonly headers: [string, string][];
  readonly payload: Uint8Array;
}

export interface BatchOptions {
  /** Leave the commit message out, as a reader that dies does. */
  readonly withoutCommit?: boolean;
  readonly prevLsn?: Lsn;
  /** Cut rows larger than this over several messages. */
  readonly pieceBytes?: number;
  readonly rowsPerMessage?: number;
}

/** Writes a change stream as capture does, from changes that a test makes up. */
export class StreamWriter {
  readonly #messaging: Messaging;
  readonly #mirror: { readonly id: string; readonly name: string };
  #epoch = 1_000n;
  #batch = 0;
  #lsn = 0x1000n;

  constructor(messaging: Messaging, mirror: { readonly id: string; readonly name: string }) {
    this.#messaging = messaging;
    this.#mirror = mirror;
  }

  get lsn(): Lsn {
    return lsnFromBigInt(this.#lsn);
  }

  async createStream(): Promise<void> {
    await this.#messaging.jsm.streams.add({
      name: changeStreamName(this.#mirror.id),
      subjects: [changeSubjects(this.#mirror.name)],
      max_bytes: 512 * 1024 * 1024,
    });
  }

  /** A new capture session. */
  nextEpoch(): void {
    this.#epoch += 1n;
  }

  /** Source transactions that nobody will ever hear of. */
  skipLsn(bytes = 0x100n): void {
    this.#lsn += bytes;
  }

  /** Goes back, as a rewound reader does. */
  rewindTo(lsn: Lsn): void {
    this.#lsn = lsn;
  }

  /** Publishes a batch of whole transactions; returns the position behind it. */
  async write(
    transactions: readonly (readonly Change[])[],
    options: BatchOptions = {},
  ): Promise<Lsn> {
    for (const message of this.encode(transactions, options)) {
      const header = newHeaders();
      for (const [name, value] of message.headers) header.append(name, value);
      await this.#messaging.js.publish(message.subject, message.payload, { headers: header });
    }
    return this.lsn;
  }

  /** The messages of a batch; `Bunny-First-Seq` is right only if they are published next. */
  encode(
    transactions: readonly (readonly Change[])[],
    options: BatchOptions = {},
  ): readonly Message[] {
    const prevLsn = options.prevLsn ?? this.lsn;
    const batch = `${this.#epoch}-${this.#batch++}`;
    const builder = new BatchBuilder(this.#mirror.name, String(this.#epoch), batch, options);
    const marks: TransactionMark[] = transactions.map((changes, index) => {
      const commitLsn = lsnFromBigInt(this.#lsn + 0x10n);
      for (const change of changes) builder.add(change, commitLsn);
      this.#lsn += 0x30n;
      return {
        xid: 700 + index,
        commitLsn,
        endLsn: this.lsn,
        commitTime: '2026-01-02T03:04:05.678901Z',
        lastSeq: builder.seq,
      };
    });
    if (transactions.length === 0) this.#lsn += 0x30n;
    const messages = builder.finish();
    this.#sequence += messages.length + (options.withoutCommit === true ? 0 : 1);
    if (options.withoutCommit === true) return messages;
    const head = encodeCommitHead({
      epoch: String(this.#epoch),
      batch,
      prevLsn,
      firstLsn: marks[0]?.commitLsn ?? prevLsn,
      lastLsn: this.lsn,
      firstSeq: this.#sequence - messages.length,
      messages: messages.length,
      changes: builder.seq,
      bytes: messages.reduce((sum, message) => sum + message.payload.length, 0),
    });
    const payload = Buffer.from(encodeTransactions(marks));
    return [...messages, { subject: commitSubject(this.#mirror.name), headers: head, payload }];
  }

  /** Stream sequence of the last message. */
  #sequence = 0;

  /** The stream was made anew. */
  forgetSequence(): void {
    this.#sequence = 0;
  }

  get sequence(): number {
    return this.#sequence;
  }
}

interface OpenMessage {
  readonly table: SourceTable;
  readonly hasOld: boolean;
  readonly lines: string[];
  readonly seqs: number[];
  readonly lsns: Lsn[];
  readonly ops: { inserts: number; updates: number; deletes: number };
  hasUnchanged: boolean;
}

class BatchBuilder {
  readonly #mirror: string;
  readonly #epoch: string;
  readonly #batch: string;
  readonly #options: BatchOptions;
  readonly #messages: Message[] = [];
  readonly #open = new Map<string, OpenMessage>();
  #segment = 0;
  seq = 0;

  constructor(mirror: string, epoch: string, batch: string, options: BatchOptions) {
    this.#mirror = mirror;
    this.#epoch = epoch;
    this.#batch = batch;
    this.#options = options;
  }

  add(change: Change, commitLsn: Lsn): void {
    this.seq += 1;
    if (change.mark) {
      this.#flush();
      this.#messages.push({
        subject: schemaMarkSubject(this.#mirror),
        payload: encodeSchemaMark(change.mark),
        headers: encodeSchemaMarkHead({
          epoch: this.#epoch,
          batch: this.#batch,
          segment: this.#segment,
          seq: this.seq,
          lsn: commitLsn,
        }),
      });
      this.#segment += 1;
      return;
    }
    if (change.op === 'T') {
      this.#flush();
      for (const table of change.truncated ?? [])
        this.#push(openMessage(table, false), commitLsn, change);
      this.#segment += 1;
      return;
    }
    const hasOld = change.old !== undefined;
    const { schema, table } = change.table.name;
    const key = JSON.stringify([schema, table, hasOld, change.table.columns]);
    const open = this.#open.get(key) ?? openMessage(change.table, hasOld);
    this.#open.set(key, open);
    const unchanged = change.row.flatMap((value, index) => (value === KEPT ? [index + 1] : []));
    const values = [...change.row, ...(change.old ?? [])].map((value) =>
      escapeCopyValue(value === KEPT || value === null ? null : String(value)),
    );
    open.lines.push(
      `${[change.op, this.seq, unchanged.length > 0 ? unchanged.join(',') : '\\N', ...values].join('\t')}\n`,
    );
    open.seqs.push(this.seq);
    open.lsns.push(commitLsn);
    open.hasUnchanged ||= unchanged.length > 0;
    if (change.op === 'I') open.ops.inserts += 1;
    else if (change.op === 'U') open.ops.updates += 1;
    else open.ops.deletes += 1;
    if (open.lines.length < (this.#options.rowsPerMessage ?? Infinity)) return;
    this.#open.delete(key);
    this.#push(open, commitLsn);
  }

  finish(): readonly Message[] {
    this.#flush();
    return this.#messages;
  }

  #flush(): void {
    for (const open of this.#open.values()) this.#push(open, open.lsns[0] ?? lsnFromBigInt(0n));
    if (this.#open.size > 0) this.#segment += 1;
    this.#open.clear();
  }

  #push(open: OpenMessage, lsn: Lsn, truncation?: Change): void {
    const payload = Buffer.from(open.lines.join(''));
    const size = this.#options.pieceBytes ?? Math.max(payload.length, 1);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < Math.max(payload.length, 1); at += size)
      pieces.push(payload.subarray(at, at + size));
    pieces.forEach((piece, index) => {
      this.#messages.push({
        subject: tableSubject(this.#mirror, open.table.name.schema, open.table.name.table),
        payload: piece,
        headers: encodeTableHead({
          epoch: this.#epoch,
          batch: this.#batch,
          segment: this.#segment,
          table: open.table.name,
          columns: open.table.columns,
          key: open.table.key,
          identity: open.table.identity,
          old: open.hasOld ? open.table.key : [],
          ops: index === 0 ? open.ops : { inserts: 0, updates: 0, deletes: 0 },
          firstSeq: index === 0 ? (open.seqs[0] ?? this.seq) : 0,
          lastSeq: index === 0 ? (open.seqs.at(-1) ?? this.seq) : 0,
          hasUnchanged: open.hasUnchanged,
          continues: index < pieces.length - 1,
          truncate: truncation?.flags ?? null,
          firstLsn: open.lsns[0] ?? lsn,
          lastLsn: open.lsns.at(-1) ?? lsn,
        }),
      });
    });
  }
}

function openMessage(table: SourceTable, hasOld: boolean): OpenMessage {
  return {
    table,
    hasOld,
    lines: [],
    seqs: [],
    lsns: [],
    ops: { inserts: 0, updates: 0, deletes: 0 },
    hasUnchanged: false,
  };
}
