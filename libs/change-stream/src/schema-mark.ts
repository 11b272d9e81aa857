import { MirrorError } from '@bunnydb/failure';
import {
  type Lsn,
  type ReplicaIdentity,
  formatLsn,
  isReplicaIdentity,
  parseLsn,
} from '@bunnydb/pg-model';
import { Header, type HeaderSource } from './headers.js';

/** A column as pgoutput's Relation message describes it; type numbers are those of the source's catalog. */
export interface MarkedColumn {
  readonly name: string;
  readonly type_oid: number;
  readonly type_modifier: number;
  /** Part of the replica identity. */
  readonly is_key: boolean;
}

/** A table's shape from here on: what pgoutput tells before the first change of a table, and again when anything about it changed. */
export interface RelationMark {
  readonly kind: 'relation';
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly identity: ReplicaIdentity;
  /** What the mirror carries, in the order of the tuples; generated and excluded columns are not among them. */
  readonly columns: readonly MarkedColumn[];
}

/** An object that a DDL command touched, as `pg_event_trigger_ddl_commands()` or `pg_event_trigger_dropped_objects()` names it. */
export interface DdlObject {
  /** `table`, `index`, `table constraint`, `type`, … */
  readonly type: string;
  readonly schema: string | null;
  /** The text of the object's identity, quoted as PostgreSQL quotes it. */
  readonly identity: string;
  /** The table that it belongs to, if there is one. */
  readonly table?: { readonly schema: string; readonly table: string };
  readonly dropped: boolean;
}

/** A DDL command of the source, told by the event trigger. Its text is not carried: it may hold values. */
export interface DdlMark {
  readonly kind: 'ddl';
  /** The command tag, such as `ALTER TABLE`. */
  readonly tag: string;
  readonly role: string;
  readonly search_path: string;
  readonly objects: readonly DdlObject[];
  /** How many more objects there were than are listed; absent if none. */
  readonly objects_left?: number;
}

export type SchemaMark = RelationMark | DdlMark;

/** The headers of a mark. It is a segment of its own and takes a `seq` of its own. */
export interface SchemaMarkHead {
  readonly epoch: string;
  readonly batch: string;
  readonly segment: number;
  readonly seq: number;
  /** Commit LSN of its transaction. */
  readonly lsn: Lsn;
}

export function encodeSchemaMarkHead(head: SchemaMarkHead): [string, string][] {
  return [
    [Header.Epoch, head.epoch],
    [Header.Batch, head.batch],
    [Header.Segment, String(head.segment)],
    [Header.Seq, `${head.seq},${head.seq}`],
    [Header.FirstLsn, formatLsn(head.lsn)],
    [Header.LastLsn, formatLsn(head.lsn)],
  ];
}

/** @throws MirrorError `protocol_violation` when a header is missing or malformed. */
export function decodeSchemaMarkHead(headers: HeaderSource): SchemaMarkHead {
  try {
    const segment = Number(headers.get(Header.Segment));
    const seq = Number(headers.get(Header.Seq).split(',')[0]);
    if (!Number.isSafeInteger(segment) || !Number.isSafeInteger(seq))
      throw new RangeError('numbers');
    return {
      epoch: headers.get(Header.Epoch),
      batch: headers.get(Header.Batch),
      segment,
      seq,
      lsn: parseLsn(headers.get(Header.LastLsn)),
    };
  } catch (cause) {
    throw malformed('a schema mark of the change stream has malformed headers', cause);
  }
}

/** The payload of a mark: JSON, so that people read it with the NATS CLI. */
export function encodeSchemaMark(mark: SchemaMark): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(mark));
}

/** @throws MirrorError `protocol_violation` when the payload is not a mark. */
export function decodeSchemaMark(payload: Uint8Array): SchemaMark {
  try {
    const mark = JSON.parse(new TextDecoder().decode(payload)) as SchemaMark;
    if (mark.kind === 'relation') {
      if (!isReplicaIdentity(mark.identity) || !Array.isArray(mark.columns))
        throw new RangeError('relation');
      return mark;
    }
    if (mark.kind !== 'ddl' || !Array.isArray(mark.objects)) throw new RangeError('kind');
    return mark;
  } catch (cause) {
    throw malformed('the payload of a schema mark is malformed', cause);
  }
}

/**
 * What two marks of the same table have in common exactly if rows of both have the same columns of the same types. Identity and key
 * are not part of it: every message tells its own.
 */
export function relationSignature(mark: Pick<RelationMark, 'oid' | 'columns'>): string {
  return JSON.stringify([
    mark.oid,
    mark.columns.map((column) => [column.name, column.type_oid, column.type_modifier]),
  ]);
}

function malformed(message: string, cause: unknown): MirrorError {
  return new MirrorError('protocol_violation', message, { cause });
}
