/** Builds pgoutput messages (protocol 1), as PostgreSQL's documentation of the logical replication message formats tells. */
export type Value = string | null | undefined;

/** `undefined` is a column that PostgreSQL left out because its TOASTed value is unchanged. */
export function tuple(kind: 'N' | 'K' | 'O', values: readonly Value[]): Buffer {
  return Buffer.concat([letter(kind), int16(values.length), ...values.map(column)]);
}

export function begin(commitLsn: bigint, xid: number): Buffer {
  return Buffer.concat([letter('B'), int64(commitLsn), int64(0n), int32(xid)]);
}

export function commit(commitLsn: bigint, endLsn: bigint, micros = 0n): Buffer {
  return Buffer.concat([
    letter('C'),
    Buffer.from([0]),
    int64(commitLsn),
    int64(endLsn),
    int64(micros),
  ]);
}

export interface RelationColumn {
  readonly name: string;
  readonly isKey: boolean;
}

export function relation(
  oid: number,
  schema: string,
  table: string,
  identity: string,
  columns: readonly RelationColumn[],
): Buffer {
  return Buffer.concat([
    letter('R'),
    int32(oid),
    text(schema),
    text(table),
    letter(identity),
    int16(columns.length),
    ...columns.map(({ name, isKey }) =>
      Buffer.concat([Buffer.from([isKey ? 1 : 0]), text(name), int32(25), int32(0xffffffff)]),
    ),
  ]);
}

export function insert(oid: number, values: readonly Value[]): Buffer {
  return Buffer.concat([letter('I'), int32(oid), tuple('N', values)]);
}

export function update(
  oid: number,
  values: readonly Value[],
  old?: readonly Value[],
  oldKind: 'K' | 'O' = 'K',
): Buffer {
  const before = old === undefined ? [] : [tuple(oldKind, old)];
  return Buffer.concat([letter('U'), int32(oid), ...before, tuple('N', values)]);
}

export function remove(oid: number, old: readonly Value[], kind: 'K' | 'O' = 'K'): Buffer {
  return Buffer.concat([letter('D'), int32(oid), tuple(kind, old)]);
}

export function truncate(oids: readonly number[], flags: number): Buffer {
  return Buffer.concat([
    letter('T'),
    int32(oids.length),
    Buffer.from([flags]),
    ...oids.map((oid) => int32(oid)),
  ]);
}

export function logicalMessage(isTransactional: boolean, prefix: string, content: string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([
    letter('M'),
    Buffer.from([isTransactional ? 1 : 0]),
    int64(0n),
    text(prefix),
    int32(bytes.length),
    bytes,
  ]);
}

/** The frame of the wire protocol around a message of the output plugin. */
export function xlogFrame(message: Buffer): Buffer {
  return Buffer.concat([
    letter('d'),
    int32(4 + 25 + message.length),
    letter('w'),
    int64(0n),
    int64(0n),
    int64(0n),
    message,
  ]);
}

export function keepaliveFrame(walEnd: bigint, replyRequested: boolean): Buffer {
  return Buffer.concat([
    letter('d'),
    int32(4 + 18),
    letter('k'),
    int64(walEnd),
    int64(0n),
    Buffer.from([replyRequested ? 1 : 0]),
  ]);
}

function column(value: Value): Buffer {
  if (value === null) return letter('n');
  if (value === undefined) return letter('u');
  const bytes = Buffer.from(value);
  return Buffer.concat([letter('t'), int32(bytes.length), bytes]);
}

function letter(char: string): Buffer {
  return Buffer.from(char, 'latin1');
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}
