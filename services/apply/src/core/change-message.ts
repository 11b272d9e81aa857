import {
  type CommitMessageHead,
  Header,
  type HeaderSource,
  type TableMessageHead,
  type TransactionMark,
  decodeCommitHead,
  decodeTableHead,
  decodeTransactions,
} from '@bunnydb/change-stream';

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

export type ChangeMessage = TableMessage | CommitMessage;

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
