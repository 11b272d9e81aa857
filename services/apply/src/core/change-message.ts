import {
  type CommitMessageHead,
  Header,
  type HeaderSource,
  type SchemaMark,
  type SchemaMarkHead,
  type TableMessageHead,
  type TransactionMark,
  decodeCommitHead,
  decodeSchemaMark,
  decodeSchemaMarkHead,
  decodeTableHead,
  decodeTransactions,
} from '@bunnydb/change-stream';
import { MirrorError } from '@bunnydb/failure';

/** Rows of one table, as the stream holds them. */
export interface TableMessage {
  readonly kind: 'table';
  readonly streamSeq: number;
  readonly head: TableMessageHead;
  readonly payload: Uint8Array;
}

/** The end of a batch. */
export interface CommitMessage {
  readonly kind: 'commit';
  readonly streamSeq: number;
  readonly head: CommitMessageHead;
  readonly transactions: readonly TransactionMark[];
  readonly traceParent: string;
}

/** A change of the source's structure, at its place among the changes. */
export interface MarkMessage {
  readonly kind: 'mark';
  readonly streamSeq: number;
  readonly head: SchemaMarkHead;
  readonly mark: SchemaMark;
}

export type ChangeMessage = TableMessage | CommitMessage | MarkMessage;

/** A message before it is read. */
export interface RawMessage {
  readonly subject: string;
  readonly streamSeq: number;
  readonly headers: HeaderSource;
  readonly payload: Uint8Array;
}

/** Whether capture wrote it: anyone who reaches the server can publish on a mirror's subjects, and such a message has no batch. */
export function isOurs(raw: RawMessage): boolean {
  return raw.headers.get(Header.Batch) !== '';
}

/**
 * Reads a message of the change stream.
 *
 * @throws MirrorError `protocol_violation` when its headers or lines are malformed.
 */
export function readMessage(raw: RawMessage): ChangeMessage {
  const { streamSeq, headers, payload } = raw;
  refuseNewer(headers);
  // No table's subject ends so: a leading underscore is encoded.
  if (raw.subject.endsWith('._schema')) {
    const head = decodeSchemaMarkHead(headers);
    return { kind: 'mark', streamSeq, head, mark: decodeSchemaMark(payload) };
  }
  if (!raw.subject.endsWith('._commit'))
    return { kind: 'table', streamSeq, head: decodeTableHead(headers), payload };
  return {
    kind: 'commit',
    streamSeq,
    head: decodeCommitHead(headers),
    transactions: decodeTransactions(new TextDecoder().decode(payload)),
    traceParent: headers.get(Header.TraceParent),
  };
}

/** A capture that is newer than this may mean something else by the same headers. */
function refuseNewer(headers: HeaderSource): void {
  const version = headers.get(Header.Version);
  if (version === '' || version === STREAM_VERSION) return;
  throw new MirrorError(
    'protocol_violation',
    'a newer version wrote the change stream; upgrade apply',
    {
      detail: { version },
    },
  );
}

const STREAM_VERSION = '1';
