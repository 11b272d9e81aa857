import {
  type Lsn,
  type QualifiedName,
  type ReplicaIdentity,
  isReplicaIdentity,
  lsnFromBigInt,
} from '@bunnydb/pg-model';

/** A table as pgoutput describes it. */
export interface Relation {
  readonly name: QualifiedName;
  readonly identity: ReplicaIdentity;
  readonly columns: readonly string[];
  readonly key: readonly string[];
}

/** A value as text; null; or undefined where pgoutput says "unchanged". */
export type Field = string | null | undefined;

export interface RowChange {
  readonly relation: Relation;
  readonly op: 'I' | 'U' | 'D';
  readonly row: readonly Field[];
  readonly old?: readonly Field[];
}

/** A transaction of the source. */
export interface SourceTransaction {
  readonly xid: number;
  readonly commitLsn: Lsn;
  readonly endLsn: Lsn;
  readonly changes: readonly RowChange[];
}

/** Reads whole transactions from messages of pgoutput, protocol version 1; truncates are not told. */
export function readTransactions(messages: readonly Buffer[]): readonly SourceTransaction[] {
  const relations = new Map<number, Relation>();
  const transactions: SourceTransaction[] = [];
  let xid = 0;
  let changes: RowChange[] = [];
  for (const message of messages) {
    const reader = new Reader(message);
    const letter = reader.letter();
    if (letter === 'B') {
      reader.skip(16);
      xid = reader.int32();
      changes = [];
    } else if (letter === 'R') {
      relations.set(reader.int32(), readRelation(reader));
    } else if (letter === 'I' || letter === 'U' || letter === 'D') {
      const relation = relations.get(reader.int32());
      if (!relation) throw new Error('a change of an unknown relation');
      changes.push(readChange(reader, letter, relation));
    } else if (letter === 'C') {
      reader.skip(1);
      transactions.push({ xid, commitLsn: reader.lsn(), endLsn: reader.lsn(), changes });
    }
  }
  return transactions;
}

function readRelation(reader: Reader): Relation {
  const name = { schema: reader.text(), table: reader.text() };
  const identity = reader.letter();
  if (!isReplicaIdentity(identity)) throw new Error('an unknown replica identity');
  const columns: string[] = [];
  const key: string[] = [];
  for (let left = reader.int16(); left > 0; left--) {
    const isKey = reader.letter() === '\x01';
    const column = reader.text();
    reader.skip(8);
    columns.push(column);
    if (isKey) key.push(column);
  }
  return { name, identity, columns, key };
}

function readChange(reader: Reader, op: RowChange['op'], relation: Relation): RowChange {
  const kind = reader.letter();
  if (kind === 'N' || op === 'D') return { relation, op, row: readTuple(reader) };
  const old = readTuple(reader).filter((_, index) =>
    relation.key.includes(relation.columns[index] ?? ''),
  );
  reader.letter();
  return { relation, op, row: readTuple(reader), old };
}

function readTuple(reader: Reader): readonly Field[] {
  return Array.from({ length: reader.int16() }, (): Field => {
    const kind = reader.letter();
    if (kind === 'n') return null;
    return kind === 'u' ? undefined : reader.value(reader.int32());
  });
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }

  letter(): string {
    return String.fromCharCode(this.#bytes.readUInt8(this.#at++));
  }

  int16(): number {
    return this.#bytes.readInt16BE((this.#at += 2) - 2);
  }

  int32(): number {
    return this.#bytes.readInt32BE((this.#at += 4) - 4);
  }

  lsn(): Lsn {
    return lsnFromBigInt(this.#bytes.readBigUInt64BE((this.#at += 8) - 8));
  }

  value(length: number): string {
    return this.#bytes.toString('utf8', this.#at, (this.#at += length));
  }

  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }
}
