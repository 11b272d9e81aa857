import { MirrorError } from '@bunnydb/failure';
import {
  type Lsn,
  type QualifiedName,
  type ReplicaIdentity,
  formatLsn,
  isReplicaIdentity,
  parseLsn,
} from '@bunnydb/pg-model';
import { Header, type HeaderSource } from './headers.js';
import { decodeName, decodeNames, encodeName, encodeNames } from './name-list.js';

export interface OpCounts {
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
}

export interface TruncateFlags {
  readonly cascade: boolean;
  readonly restartIdentity: boolean;
}

/** All that a table message says beside its payload. */
export interface TableMessageHead {
  readonly epoch: string;
  readonly batch: string;
  readonly segment: number;
  readonly table: QualifiedName;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly identity: ReplicaIdentity;
  /** Names of the old-key columns at the end of each row; empty if there are none. */
  readonly old: readonly string[];
  readonly ops: OpCounts;
  /** `seq` of the first and last row that starts in this message; both 0 if none does. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly hasUnchanged: boolean;
  readonly continues: boolean;
  readonly truncate: TruncateFlags | null;
  readonly firstLsn: Lsn;
  readonly lastLsn: Lsn;
}

/** The headers of a table message, as name and value pairs. */
export function encodeTableHead(head: TableMessageHead): [string, string][] {
  const pairs: [string, string][] = [
    [Header.Epoch, head.epoch],
    [Header.Batch, head.batch],
    [Header.Segment, String(head.segment)],
    [Header.Table, `${encodeName(head.table.schema)}.${encodeName(head.table.table)}`],
    [Header.Columns, encodeNames(head.columns)],
    [Header.Key, encodeNames(head.key)],
    [Header.Identity, head.identity],
    [Header.Ops, `${head.ops.inserts},${head.ops.updates},${head.ops.deletes}`],
    [Header.Seq, `${head.firstSeq},${head.lastSeq}`],
    [Header.FirstLsn, formatLsn(head.firstLsn)],
    [Header.LastLsn, formatLsn(head.lastLsn)],
  ];
  if (head.old.length > 0) pairs.push([Header.Old, encodeNames(head.old)]);
  if (head.hasUnchanged) pairs.push([Header.Unchanged, '1']);
  if (head.continues) pairs.push([Header.Continues, '1']);
  if (head.truncate) pairs.push([Header.Truncate, encodeTruncate(head.truncate)]);
  return pairs;
}

/**
 * Reads a table message's headers.
 *
 * @throws MirrorError `protocol_violation` when a header is missing or malformed.
 */
export function decodeTableHead(headers: HeaderSource): TableMessageHead {
  try {
    const [schema, table] = headers.get(Header.Table).split('.');
    const identity = headers.get(Header.Identity);
    const [inserts, updates, deletes] = numbers(headers.get(Header.Ops), 3);
    const [firstSeq, lastSeq] = numbers(headers.get(Header.Seq), 2);
    if (!schema || !table || !isReplicaIdentity(identity))
      throw new RangeError('table or identity');
    const truncate = headers.get(Header.Truncate);
    return {
      epoch: required(headers, Header.Epoch),
      batch: required(headers, Header.Batch),
      segment: Number(required(headers, Header.Segment)),
      table: { schema: decodeName(schema), table: decodeName(table) },
      columns: decodeNames(headers.get(Header.Columns)),
      key: decodeNames(headers.get(Header.Key)),
      identity,
      old: decodeNames(headers.get(Header.Old)),
      ops: { inserts: inserts ?? 0, updates: updates ?? 0, deletes: deletes ?? 0 },
      firstSeq: firstSeq ?? 0,
      lastSeq: lastSeq ?? 0,
      hasUnchanged: headers.get(Header.Unchanged) === '1',
      continues: headers.get(Header.Continues) === '1',
      truncate: truncate
        ? { cascade: truncate.includes('cascade'), restartIdentity: truncate.includes('restart') }
        : null,
      firstLsn: parseLsn(headers.get(Header.FirstLsn)),
      lastLsn: parseLsn(headers.get(Header.LastLsn)),
    };
  } catch (cause) {
    throw new MirrorError(
      'protocol_violation',
      'a table message of the change stream has malformed headers',
      { cause },
    );
  }
}

function encodeTruncate(flags: TruncateFlags): string {
  const words = [flags.cascade ? 'cascade' : '', flags.restartIdentity ? 'restart' : ''].filter(
    Boolean,
  );
  return words.length > 0 ? words.join(',') : 'plain';
}

function required(headers: HeaderSource, name: string): string {
  const value = headers.get(name);
  if (!value) throw new RangeError(name);
  return value;
}

function numbers(text: string, count: number): number[] {
  const values = text.split(',').map(Number);
  if (values.length !== count || values.some((value) => !Number.isSafeInteger(value)))
    throw new RangeError('numbers');
  return values;
}
