import type { MarkedColumn, RelationMark } from '@bunnydb/change-stream';
import { MirrorError } from '@bunnydb/failure';
import { type QualifiedName, type ReplicaIdentity, isReplicaIdentity } from '@bunnydb/pg-model';
import { endOfText, readUint16, readUint32 } from './big-endian.js';

/** A table as pgoutput's Relation message describes it, with what the mirror takes of it. */
export interface Relation {
  readonly oid: number;
  readonly table: QualifiedName;
  readonly identity: ReplicaIdentity;
  /** Names of the columns that are carried on, in the order of the tuples. */
  readonly columns: readonly string[];
  /** Names of the replica identity's columns. */
  readonly key: readonly string[];
  /** Per column of a tuple: 1 if it is carried on. */
  readonly carried: Uint8Array;
  /** Per column of a tuple: 1 if it is part of the old key. */
  readonly oldKey: Uint8Array;
  /** False for a table that the publication holds but the mirror does not want. */
  readonly wanted: boolean;
  /** Two relations with the same signature have the same layout: rows of both may share a message. */
  readonly signature: string;
  /** What the change stream is told of it, if it is wanted. */
  readonly mark: RelationMark;
}

/** Which tables and columns a mirror takes. */
export interface RelationScope {
  /** Whether a table is part of the mirror. */
  wants(table: QualifiedName, oid: number): boolean;
  /** Whether the mirror names a table of this name. */
  names(table: QualifiedName): boolean;
  /** Whether a column is left out although the publication sends it. */
  excludes(table: QualifiedName, column: string): boolean;
}

/** Reads a Relation message, from the byte after its type to `end`. */
export function parseRelation(
  bytes: Uint8Array,
  start: number,
  end: number,
  scope: RelationScope,
): Relation {
  const oid = readUint32(bytes, start);
  const schemaEnd = endOfText(bytes, start + 4, end);
  const tableEnd = endOfText(bytes, schemaEnd, end);
  // PostgreSQL sends an empty name for its own schema, pg_catalog.
  const schema = text(bytes, start + 4, schemaEnd - 1) || 'pg_catalog';
  const table = { schema, table: text(bytes, schemaEnd, tableEnd - 1) };
  const identity = String.fromCharCode(bytes[tableEnd] ?? 0);
  if (!isReplicaIdentity(identity)) throw malformed();
  const count = readUint16(bytes, tableEnd + 1);
  const columns = parseColumns(bytes, tableEnd + 3, end, count);
  const wanted = scope.wants(table, oid);
  const kept = columns.map((column) => wanted && !scope.excludes(table, column.name));
  const key = columns.filter((column, index) => column.isKey && kept[index]);
  return {
    oid,
    table,
    identity,
    columns: columns.filter((_, index) => kept[index]).map((column) => column.name),
    key: key.map((column) => column.name),
    carried: Uint8Array.from(kept, Number),
    oldKey: Uint8Array.from(columns, (column, index) => Number(column.isKey && kept[index])),
    wanted,
    signature: JSON.stringify([oid, schema, table.table, identity, columns]),
    mark: {
      kind: 'relation',
      oid,
      ...table,
      identity,
      columns: columns.filter((_, index) => kept[index]).map(markedColumn),
    },
  };
}

interface Column {
  readonly name: string;
  readonly isKey: boolean;
  readonly typeOid: number;
  readonly typeModifier: number;
}

function markedColumn(column: Column): MarkedColumn {
  return {
    name: column.name,
    type_oid: column.typeOid,
    type_modifier: column.typeModifier,
    is_key: column.isKey,
  };
}

function parseColumns(bytes: Uint8Array, start: number, end: number, count: number): Column[] {
  const columns: Column[] = [];
  let at = start;
  for (let index = 0; index < count; index++) {
    const nameEnd = endOfText(bytes, at + 1, end);
    if (nameEnd + 8 > end) throw malformed();
    columns.push({
      isKey: ((bytes[at] ?? 0) & KEY_FLAG) !== 0,
      name: text(bytes, at + 1, nameEnd - 1),
      typeOid: readUint32(bytes, nameEnd),
      // Signed: -1 stands for none.
      typeModifier: readUint32(bytes, nameEnd + 4) | 0,
    });
    at = nameEnd + 8;
  }
  return columns;
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return new TextDecoder().decode(bytes.subarray(start, end));
}

function malformed(): MirrorError {
  return new MirrorError('protocol_violation', 'pgoutput sent a malformed Relation message');
}

const KEY_FLAG = 1;
