import {
  type SchemaMark,
  type TruncateFlags,
  encodeCommitHead,
  encodeSchemaMark,
  encodeSchemaMarkHead,
  encodeTableHead,
  Header,
} from '@bunnydb/change-stream';
import { commitSubject, schemaMarkSubject, tableSubject } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { type Lsn, maxLsn } from '@bunnydb/pg-model';
import type { BatchTrace } from './batch-trace.js';
import { BufferPool } from './buffer-pool.js';
import type { MessageSink } from './outgoing-message.js';
import type { Relation } from './relation.js';
import { TableMessageBuffer } from './table-message-buffer.js';
import { TableTraffic } from './table-traffic.js';
import { TransactionLines } from './transaction-lines.js';

export interface BatchLimits {
  /** Largest payload of one message. */
  readonly messageBytesMax: number;
  /** A batch of this size is closed at the next commit. */
  readonly batchBytesMax: number;
  /** What all open messages together may hold; beyond it they are sent although they are not full. */
  readonly openBytesMax: number;
}

export interface BatchAssemblerOptions {
  readonly mirrorName: string;
  /** The capture session; see `Bunny-Epoch`. */
  readonly epoch: string;
  /** End of what came before the first batch. */
  readonly prevLsn: Lsn;
  readonly sink: MessageSink;
  readonly limits: BatchLimits;
  /** Opens a trace of a batch, if anybody traces. */
  readonly startTrace?: (batch: string, startedAtMs: number) => BatchTrace | undefined;
  /** The clock, for traces only. */
  readonly nowMs?: () => number;
}

export interface BatchCounters {
  transactions: number;
  changes: number;
  bytes: number;
}

/**
 * Gathers changes into batches, as `docs/protocol/change-stream.md` tells: per segment and table a buffer that becomes a message
 * when it is full or when the batch closes, and one commit message at the end. A transaction of any size goes through:
 * its messages leave as they fill.
 */
export class BatchAssembler {
  readonly pool: BufferPool;
  readonly counters: BatchCounters = { transactions: 0, changes: 0, bytes: 0 };
  readonly traffic = new TableTraffic();
  readonly #options: BatchAssemblerOptions;
  readonly #open = new Map<number, TableMessageBuffer>();
  readonly #lines = new TransactionLines();
  #prevLsn: Lsn;
  #endLsn: Lsn;
  #firstLsn: Lsn | undefined;
  #batchNumber = 0;
  #messages = 0;
  #firstSequence = 0;
  #segment = 0;
  #segmentIsEmpty = true;
  #seq = 0;
  #batchBytes = 0;
  #openBytes = 0;
  #trace: BatchTrace | undefined;
  /** When the first message of the batch was opened; 0 before. */
  #startedAtMs = 0;

  constructor(options: BatchAssemblerOptions) {
    this.#options = options;
    this.#prevLsn = options.prevLsn;
    this.#endLsn = options.prevLsn;
    this.pool = new BufferPool(options.limits.messageBytesMax);
  }

  /** End of the last batch that was handed to the sink. */
  get sentLsn(): Lsn {
    return this.#prevLsn;
  }

  /** Whether anything waits that was not handed to the sink as a whole batch. */
  get isEmpty(): boolean {
    return this.#lines.count === 0 && this.#messages === 0 && this.#open.size === 0;
  }

  /** Whether the batch should be closed at this commit whatever else is under way. */
  get isFull(): boolean {
    const lines = this.#lines.bytes;
    return (
      this.#batchBytes + lines >= this.#options.limits.batchBytesMax ||
      lines >= this.#options.limits.messageBytesMax - LINE_BYTES_MAX
    );
  }

  /** Whether the batch is large enough to be closed although more is coming. */
  get isWorthClosing(): boolean {
    return (this.#batchBytes + this.#lines.bytes) * 4 >= this.#options.limits.batchBytesMax;
  }

  /** The number of the next change. */
  nextSeq(): number {
    this.counters.changes++;
    return ++this.#seq;
  }

  /** The open message of a table and layout, with room for so many bytes; undefined if a message cannot hold them at all. */
  messageFor(relation: Relation, hasOld: boolean, bytes: number): TableMessageBuffer | undefined {
    const key = layoutKey(relation, hasOld);
    const open = this.#open.get(key);
    if (open) {
      const before = open.bytes.length;
      if (open.reserve(bytes, this.pool)) {
        this.#openBytes += open.bytes.length - before;
        if (this.#openBytes <= this.#options.limits.openBytesMax) return open;
        this.#sendOpen();
      } else {
        this.#open.delete(key);
        this.#openBytes -= before;
        this.#send(open);
      }
    }
    if (bytes > this.pool.fullBytes) return undefined;
    return this.#openMessage(key, relation, hasOld, bytes);
  }

  /** A message of its own for a piece of a row that no message can hold; what was open for the layout is sent before it. */
  startPiece(relation: Relation, hasOld: boolean): TableMessageBuffer {
    const key = layoutKey(relation, hasOld);
    const open = this.#open.get(key);
    if (open) {
      this.#open.delete(key);
      this.#openBytes -= open.bytes.length;
      this.#send(open);
    }
    this.#segmentIsEmpty = false;
    const buffer = this.pool.take(this.pool.fullBytes);
    return new TableMessageBuffer(relation, hasOld, this.#segment, buffer);
  }

  sendPiece(piece: TableMessageBuffer): void {
    this.#batchBytes += piece.length;
    this.#send(piece);
  }

  /** A row was written to a message of `messageFor`, up to this offset. */
  rowWritten(message: TableMessageBuffer, length: number): void {
    this.#batchBytes += length - message.length;
    message.length = length;
  }

  /** Order between tables matters from here on. */
  startSegment(): void {
    this.#sendOpen();
    if (this.#segmentIsEmpty) return;
    this.#segment++;
    this.#segmentIsEmpty = true;
  }

  /** A TRUNCATE: a segment of its own, one message per table. */
  truncate(relations: readonly Relation[], flags: TruncateFlags, commitLsn: Lsn): void {
    this.startSegment();
    const seq = this.nextSeq();
    for (const relation of relations) {
      const message = new TableMessageBuffer(relation, false, this.#segment, new Uint8Array(0));
      message.truncate = flags;
      message.startRow(seq, commitLsn);
      this.#segmentIsEmpty = false;
      this.#send(message);
    }
    this.startSegment();
  }

  /** A schema mark: a segment of its own, so that all before it comes before it and all after it after. */
  mark(mark: SchemaMark, commitLsn: Lsn): void {
    this.startSegment();
    const payload = encodeSchemaMark(mark);
    if (payload.length > this.pool.fullBytes) throw tooLargeForMessage(mark);
    const batch = this.#startBatch();
    const head = encodeSchemaMarkHead({
      epoch: this.#options.epoch,
      batch,
      segment: this.#segment,
      seq: ++this.#seq,
      lsn: commitLsn,
    });
    this.#batchBytes += payload.length;
    this.counters.bytes += payload.length;
    this.#options.sink.send({
      subject: schemaMarkSubject(this.#options.mirrorName),
      headers: this.#traced(head),
      payload,
      buffer: null,
      id: `${batch}-${this.#messages++}`,
      lastLsn: null,
      trace: null,
    });
    this.#segmentIsEmpty = false;
    this.startSegment();
  }

  /** The end of a transaction that had changes. */
  commit(xid: number, commitLsn: Lsn, endLsn: Lsn, commitMicros: number): void {
    this.#firstLsn ??= commitLsn;
    this.#lines.add(xid, commitLsn, endLsn, commitMicros, this.#seq);
    this.#endLsn = endLsn;
    this.counters.transactions++;
  }

  /** Closes the batch at a transaction's end: sends what is open and the commit message. */
  close(): void {
    if (this.#lines.count === 0) return;
    this.#sendOpen();
    this.#sendCommit(this.#endLsn);
  }

  /** Tells that everything up to this LSN has been seen and none of it concerns the mirror. Only between batches. */
  progress(lsn: Lsn): void {
    if (!this.isEmpty) throw new Error('progress inside a batch');
    this.#firstLsn = this.#prevLsn;
    this.#sendCommit(maxLsn(lsn, this.#prevLsn));
  }

  #openMessage(
    key: number,
    relation: Relation,
    hasOld: boolean,
    bytes: number,
  ): TableMessageBuffer {
    if (this.#startedAtMs === 0) this.#startedAtMs = this.#options.nowMs?.() ?? 0;
    const buffer = this.pool.take(bytes);
    this.#openBytes += buffer.length;
    const message = new TableMessageBuffer(relation, hasOld, this.#segment, buffer);
    this.#open.set(key, message);
    this.#segmentIsEmpty = false;
    return message;
  }

  #sendOpen(): void {
    if (this.#open.size === 0) return;
    const messages = [...this.#open.values()];
    this.#open.clear();
    this.#openBytes = 0;
    for (const message of messages) this.#send(message);
  }

  #send(message: TableMessageBuffer): void {
    const batch = this.#startBatch();
    const { schema, table } = message.relation.table;
    this.counters.bytes += message.length;
    this.traffic.add(message);
    this.#options.sink.send({
      subject: tableSubject(this.#options.mirrorName, schema, table),
      headers: this.#traced(encodeTableHead(message.head(this.#options.epoch, batch))),
      payload: message.bytes.subarray(0, message.length),
      buffer: message.bytes,
      id: `${batch}-${this.#messages++}`,
      lastLsn: null,
      trace: null,
    });
  }

  #sendCommit(lastLsn: Lsn): void {
    const batch = this.#startBatch();
    const transactions = this.#lines.count;
    const firstLsn = this.#firstLsn ?? this.#prevLsn;
    const head = encodeCommitHead({
      epoch: this.#options.epoch,
      batch,
      prevLsn: this.#prevLsn,
      firstLsn,
      lastLsn,
      firstSeq: this.#firstSequence,
      messages: this.#messages,
      changes: this.#seq,
      bytes: this.#batchBytes,
    });
    const lines = this.#lines.take();
    this.#trace?.closed({
      ...{ changes: this.#seq, transactions, lines, firstLsn, lastLsn },
      messages: this.#messages + 1,
      bytes: this.#batchBytes,
    });
    this.#options.sink.send({
      subject: commitSubject(this.#options.mirrorName),
      headers: this.#traced(head),
      payload: new TextEncoder().encode(lines),
      buffer: null,
      id: `${batch}-${this.#messages}`,
      lastLsn,
      trace: this.#trace ?? null,
    });
    this.#prevLsn = lastLsn;
    this.#resetBatch();
  }

  /** The batch's name; at its first message, the batch begins in the stream. */
  #startBatch(): string {
    if (this.#messages === 0) this.#firstSequence = this.#options.sink.nextSequence;
    const batch = `${this.#options.epoch}-${this.#batchNumber}`;
    if (this.#messages === 0) this.#trace = this.#startTrace(batch);
    return batch;
  }

  #startTrace(batch: string): BatchTrace | undefined {
    // A batch of nothing (progress, a mark) begins with its own message.
    const startedAtMs = this.#startedAtMs || (this.#options.nowMs?.() ?? 0);
    return this.#options.startTrace?.(batch, startedAtMs);
  }

  #traced(headers: [string, string][]): [string, string][] {
    if (this.#trace) headers.push([Header.TraceParent, this.#trace.traceParent]);
    return headers;
  }

  #resetBatch(): void {
    this.#batchNumber++;
    this.#messages = 0;
    this.#segment = 0;
    this.#segmentIsEmpty = true;
    this.#seq = 0;
    this.#batchBytes = 0;
    this.#firstLsn = undefined;
    this.#trace = undefined;
    this.#startedAtMs = 0;
  }
}

/** One open message per table and layout; an OID has 32 bits, so the number stays exact. */
function layoutKey(relation: Relation, hasOld: boolean): number {
  return relation.oid * 2 + (hasOld ? 1 : 0);
}

/** Checks that a message can hold a table's headers beside a useful amount of rows. */
export function assertHeadersFit(relation: Relation, messageBytesMax: number): void {
  // Columns may be told three times (columns, key, old key); a byte of a name takes at most three in a header.
  const names = relation.columns.reduce((sum, name) => sum + name.length + 1, 0);
  if (names * 3 < messageBytesMax && names < HEADER_NAMES_MAX) return;
  throw new MirrorError('invalid_input', 'a table has more column names than a message can tell', {
    detail: { schema: relation.table.schema, table: relation.table.table },
  });
}

function tooLargeForMessage(mark: SchemaMark): MirrorError {
  return new MirrorError('invalid_input', 'a table has more columns than a message can tell', {
    detail: mark.kind === 'relation' ? { schema: mark.schema, table: mark.table } : {},
  });
}

/** Longest line of a commit message: xid, two LSNs, a time and a number. */
const LINE_BYTES_MAX = 128;
const HEADER_NAMES_MAX = 60_000;
