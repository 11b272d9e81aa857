import { MirrorError } from '@bunnydb/failure';
import { type Lsn, formatLsn, parseLsn } from '@bunnydb/pg-model';
import { Header, type HeaderSource } from './headers.js';

/** One source transaction, as the commit message lists it. */
export interface TransactionMark {
  readonly xid: number;
  /** Where the commit record starts. */
  readonly commitLsn: Lsn;
  /** Where the commit record ends: the position after this transaction. */
  readonly endLsn: Lsn;
  /** RFC 3339, microseconds, UTC. */
  readonly commitTime: string;
  /** Number of the last change of this transaction in the batch. */
  readonly lastSeq: number;
}

export interface CommitMessageHead {
  readonly epoch: string;
  readonly batch: string;
  /** End of what came before this batch; see "Positions" in `docs/protocol/change-stream.md`. */
  readonly prevLsn: Lsn;
  readonly firstLsn: Lsn;
  readonly lastLsn: Lsn;
  /** Stream sequence of the batch's first message. */
  readonly firstSeq: number;
  readonly messages: number;
  readonly changes: number;
  readonly bytes: number;
}

export function encodeCommitHead(head: CommitMessageHead): [string, string][] {
  return [
    [Header.Epoch, head.epoch],
    [Header.Batch, head.batch],
    [Header.PrevLsn, formatLsn(head.prevLsn)],
    [Header.FirstLsn, formatLsn(head.firstLsn)],
    [Header.LastLsn, formatLsn(head.lastLsn)],
    [Header.FirstSeq, String(head.firstSeq)],
    [Header.Messages, String(head.messages)],
    [Header.Changes, String(head.changes)],
    [Header.Bytes, String(head.bytes)],
  ];
}

/** @throws MirrorError `protocol_violation` when a header is missing or malformed. */
export function decodeCommitHead(headers: HeaderSource): CommitMessageHead {
  try {
    return {
      epoch: headers.get(Header.Epoch),
      batch: headers.get(Header.Batch),
      prevLsn: parseLsn(headers.get(Header.PrevLsn)),
      firstLsn: parseLsn(headers.get(Header.FirstLsn)),
      lastLsn: parseLsn(headers.get(Header.LastLsn)),
      firstSeq: count(headers.get(Header.FirstSeq)),
      messages: count(headers.get(Header.Messages)),
      changes: count(headers.get(Header.Changes)),
      bytes: count(headers.get(Header.Bytes)),
    };
  } catch (cause) {
    throw new MirrorError(
      'protocol_violation',
      'a commit message of the change stream has malformed headers',
      { cause },
    );
  }
}

export function encodeTransactions(transactions: readonly TransactionMark[]): string {
  return transactions
    .map(
      (t) =>
        `${t.xid}\t${formatLsn(t.commitLsn)}\t${formatLsn(t.endLsn)}\t${t.commitTime}\t${t.lastSeq}\n`,
    )
    .join('');
}

/** @throws MirrorError `protocol_violation` when a line is malformed, or the last one is cut off. */
export function decodeTransactions(payload: string): TransactionMark[] {
  if (payload === '') return [];
  try {
    if (!payload.endsWith('\n')) throw new RangeError('cut off');
    return payload.slice(0, -1).split('\n').map(decodeTransaction);
  } catch (cause) {
    throw new MirrorError('protocol_violation', 'a line of a commit message is malformed', {
      cause,
    });
  }
}

function decodeTransaction(line: string): TransactionMark {
  const [xid, commitLsn, endLsn, commitTime, lastSeq] = line.split('\t');
  if (!xid || !commitLsn || !endLsn || !commitTime || !lastSeq) throw new RangeError('a field');
  return {
    xid: count(xid),
    commitLsn: parseLsn(commitLsn),
    endLsn: parseLsn(endLsn),
    commitTime,
    lastSeq: count(lastSeq),
  };
}

function count(text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isSafeInteger(value) || value < 0) throw new RangeError('not a count');
  return value;
}
