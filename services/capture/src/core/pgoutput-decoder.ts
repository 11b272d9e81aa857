import { MirrorError } from '@bunnydb/failure';
import { type Lsn, ZERO_LSN, formatQualifiedName, maxLsn } from '@bunnydb/pg-model';
import { type BatchAssembler, assertHeadersFit } from './batch-assembler.js';
import { endOfText, readLsn, readTimestampMicros, readUint32 } from './big-endian.js';
import { MemorySpool, PassingRow, type Spool, SpooledUpdate } from './large-change.js';
import { DDL_PREFIX, parseDdlMessage } from './ddl-message.js';
import { type Relation, type RelationScope, parseRelation } from './relation.js';
import { Op, RowWriter } from './row-writer.js';
import { SchemaMarks } from './schema-marks.js';
import { isOldTuple, skipTuple } from './tuple-format.js';

export interface DecoderOptions {
  readonly assembler: BatchAssembler;
  readonly scope: RelationScope;
  /** Whose DDL messages are taken. */
  readonly mirrorId: string;
  /** Where large updates are laid aside. */
  readonly spool: Spool;
  readonly messageBytesMax: number;
}

/**
 * Reads pgoutput's messages (protocol version 1: whole transactions in commit order) and writes their rows to the batch.
 *
 * The source sends `Begin`, the changes, `Commit`; a `Relation` comes before the first change of a table and again after
 * anything about it changed. Bytes are read where they lie and are only valid during the call.
 */
export class PgoutputDecoder {
  readonly #assembler: BatchAssembler;
  readonly #rows: RowWriter;
  readonly #marks: SchemaMarks;
  readonly #options: DecoderOptions;
  readonly #relations = new Map<number, Relation>();
  readonly #oidByName = new Map<string, number>();
  /** The relation of the change before: mostly that of the next one, too. */
  #last: Relation | undefined;
  #xid = 0;
  #commitLsn: Lsn = ZERO_LSN;
  #inTransaction = false;
  #hasChanges = false;
  #seenLsn: Lsn = ZERO_LSN;
  #large: PassingRow | SpooledUpdate | undefined;
  #writing: Generator<void, void, void> | undefined;

  constructor(options: DecoderOptions) {
    this.#options = options;
    this.#assembler = options.assembler;
    this.#rows = new RowWriter(options.assembler);
    this.#marks = new SchemaMarks(options.assembler, options.messageBytesMax);
  }

  /** Whether the next message is the first after a transaction's end. */
  get atBoundary(): boolean {
    return !this.#inTransaction;
  }

  /** End of the last transaction or message that was seen, whether it had changes for the mirror or not. */
  get seenLsn(): Lsn {
    return this.#seenLsn;
  }

  /** Whether a large update waits to be written; see `step`. Nothing may be handed in meanwhile. */
  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  /** Writes the next piece of a large update. */
  step(): void {
    if (this.#writing?.next().done) this.#writing = undefined;
  }

  /** Handles one whole message; true when it ended a transaction. */
  message(bytes: Uint8Array, start: number, end: number): boolean {
    switch (bytes[start]) {
      case Op.Insert:
        this.#handleInsert(bytes, start, end);
        return false;
      case Op.Update:
        this.#handleUpdate(bytes, start, end);
        return false;
      case Op.Delete:
        this.#handleDelete(bytes, start, end);
        return false;
      case Kind.Begin:
        this.#handleBegin(bytes, start);
        return false;
      case Kind.Commit:
        this.#handleCommit(bytes, start);
        return true;
      case Kind.Relation:
        this.#handleRelation(bytes, start, end);
        return false;
      case Kind.Truncate:
        this.#handleTruncate(bytes, start);
        return false;
      case Kind.Message:
        this.#handleMessage(bytes, start, end);
        return false;
      case Kind.Type:
      case Kind.Origin:
        return false;
      default:
        throw violation('pgoutput sent a message of unknown kind');
    }
  }

  /** Starts a change that is too large to be handed over whole; its bytes follow through `largePiece`. Only changes can be. */
  largeStart(bytes: Uint8Array, start: number): void {
    const op = bytes[start];
    if (op === Kind.Message) return;
    if (op !== Op.Insert && op !== Op.Update && op !== Op.Delete) {
      throw violation('pgoutput sent a message of unexpected size');
    }
    const relation = this.#relationOf(readUint32(bytes, start + 1));
    if (!relation.wanted) return;
    this.#hasChanges = true;
    const head = { op, relation, commitLsn: this.#commitLsn };
    this.#large =
      op === Op.Update
        ? new SpooledUpdate(this.#assembler, head, this.#options.spool)
        : new PassingRow(this.#assembler, head);
  }

  /** More bytes of the large change, from the byte after its relation (`LARGE_HEAD_BYTES`) on. */
  largePiece(bytes: Uint8Array, start: number, end: number): void {
    this.#large?.push(bytes, start, end);
  }

  largeEnd(): void {
    if (this.#large instanceof SpooledUpdate) this.#writing = this.#large.write();
    else this.#large?.end();
    this.#large = undefined;
  }

  #handleBegin(bytes: Uint8Array, start: number): void {
    this.#commitLsn = readLsn(bytes, start + 1);
    this.#xid = readUint32(bytes, start + 17);
    this.#inTransaction = true;
    this.#hasChanges = false;
  }

  #handleCommit(bytes: Uint8Array, start: number): void {
    const commitLsn = readLsn(bytes, start + 2);
    if (!this.#inTransaction || commitLsn !== this.#commitLsn) {
      throw violation('pgoutput sent a Commit that does not fit its Begin');
    }
    const endLsn = readLsn(bytes, start + 10);
    this.#inTransaction = false;
    this.#seenLsn = endLsn;
    if (!this.#hasChanges) return;
    this.#assembler.commit(this.#xid, commitLsn, endLsn, readTimestampMicros(bytes, start + 18));
  }

  #handleInsert(bytes: Uint8Array, start: number, end: number): void {
    this.#change(Op.Insert, bytes, start, end, start + 6, 0);
  }

  #handleUpdate(bytes: Uint8Array, start: number, end: number): void {
    const first = start + 6;
    if (!isOldTuple(bytes[start + 5])) {
      this.#change(Op.Update, bytes, start, end, first, 0);
      return;
    }
    // The new tuple follows the old one, after its kind letter.
    const row = skipTuple(bytes, first, end) + 1;
    this.#change(Op.Update, bytes, start, end, row, first);
  }

  #handleDelete(bytes: Uint8Array, start: number, end: number): void {
    this.#change(Op.Delete, bytes, start, end, start + 6, 0);
  }

  #change(op: Op, bytes: Uint8Array, start: number, end: number, row: number, old: number): void {
    const relation = this.#relationOf(readUint32(bytes, start + 1));
    if (!relation.wanted) return;
    this.#hasChanges = true;
    if (this.#rows.write(op, relation, this.#commitLsn, bytes, end, row, old)) return;
    this.#writeLarge(op, relation, bytes, start + LARGE_HEAD_BYTES, end);
  }

  /** A change that came in whole but is larger than a message. */
  #writeLarge(op: Op, relation: Relation, bytes: Uint8Array, start: number, end: number): void {
    const head = { op, relation, commitLsn: this.#commitLsn };
    if (op !== Op.Update) {
      const row = new PassingRow(this.#assembler, head);
      row.push(bytes, start, end);
      row.end();
      return;
    }
    const update = new SpooledUpdate(this.#assembler, head, new MemorySpool());
    update.push(bytes, start, end);
    for (const _ of update.write());
  }

  #handleRelation(bytes: Uint8Array, start: number, end: number): void {
    const relation = parseRelation(bytes, start + 1, end, this.#options.scope);
    assertHeadersFit(relation, this.#options.messageBytesMax);
    const known = this.#relations.get(relation.oid);
    // The same layout again keeps the object, since the open message of the table refers to it.
    if (known?.signature === relation.signature) return;
    // A table that took the name of another one (renamed or dropped) must not share its messages either.
    const name = formatQualifiedName(relation.table);
    const namesake = this.#oidByName.get(name) ?? relation.oid;
    if (known || namesake !== relation.oid) this.#assembler.startSegment();
    this.#oidByName.set(name, relation.oid);
    this.#relations.set(relation.oid, relation);
    this.#marks.seeRelation(relation);
    this.#last = undefined;
  }

  #handleTruncate(bytes: Uint8Array, start: number): void {
    const count = readUint32(bytes, start + 1);
    const flags = bytes[start + 5] ?? 0;
    const relations: Relation[] = [];
    for (let index = 0; index < count; index++) {
      const relation = this.#relationOf(readUint32(bytes, start + 6 + 4 * index));
      if (relation.wanted) relations.push(relation);
    }
    if (relations.length === 0) return;
    this.#hasChanges = true;
    const truncate = {
      cascade: (flags & TRUNCATE_CASCADE) !== 0,
      restartIdentity: (flags & TRUNCATE_RESTART) !== 0,
    };
    this.#assembler.truncate(relations, truncate, this.#commitLsn);
  }

  /** A logical message: the heartbeat tells how far the source has come, the event trigger of this mirror that DDL ran. */
  #handleMessage(bytes: Uint8Array, start: number, end: number): void {
    const prefixEnd = endOfText(bytes, start + 10, end);
    const prefix = new TextDecoder().decode(bytes.subarray(start + 10, prefixEnd - 1));
    if (prefix === DDL_PREFIX && this.#inTransaction) {
      // The content comes after its length.
      this.#handleDdl(bytes.subarray(prefixEnd + 4, end));
    } else if (prefix === HEARTBEAT_PREFIX && !this.#inTransaction) {
      this.#seenLsn = maxLsn(this.#seenLsn, readLsn(bytes, start + 2));
    }
  }

  #handleDdl(content: Uint8Array): void {
    const mark = parseDdlMessage(content, this.#options.mirrorId, this.#options.scope);
    if (!mark) return;
    this.#hasChanges = true;
    this.#marks.tellDdl(mark, this.#commitLsn);
  }

  /** The relation of a change that follows; its shape is told first, unless it was. */
  #relationOf(oid: number): Relation {
    if (this.#last?.oid === oid) return this.#last;
    const relation = this.#relations.get(oid);
    if (!relation) throw violation('pgoutput sent a change of a table that it has not described');
    this.#marks.tellShape(relation, this.#commitLsn);
    this.#last = relation;
    return relation;
  }
}

/** The kind of the change and its relation: what `largeStart` reads before the pieces follow. */
export const LARGE_HEAD_BYTES = 5;

/** Prefix of the logical messages that BunnyDB itself writes. */
export const HEARTBEAT_PREFIX = 'bunny';

function violation(description: string): MirrorError {
  return new MirrorError('protocol_violation', description);
}

const Kind = {
  Begin: 0x42,
  Commit: 0x43,
  Origin: 0x4f,
  Relation: 0x52,
  Type: 0x59,
  Truncate: 0x54,
  Message: 0x4d,
} as const;
const TRUNCATE_CASCADE = 1;
const TRUNCATE_RESTART = 2;
