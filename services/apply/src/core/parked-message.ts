import {
  Header,
  type TransactionMark,
  decodeTableHead,
  decodeTransactions,
  encodeTableHead,
  encodeTransactions,
} from '@bunnydb/change-stream';
import type { TableMessage } from './change-message.js';

/** A message as it is kept while its table is outside the main lane. */
export interface ParkedMessage {
  readonly message: TableMessage;
  /** Those of its batch that have rows in it. */
  readonly transactions: readonly TransactionMark[];
  /**
   * Messages of one unit are to be read together, since they may hold each other's earlier changes; a unit is never larger than what a
   * session may hold.
   */
  readonly unit: string;
  /** Whether the unit is one row that is too large to be held. */
  readonly isLargeRow: boolean;
}

/** The parts of a parked message that are stored beside the payload. */
export interface ParkedHead {
  readonly head: string;
  readonly transactions: string;
}

/** A message's headers as JSON, under their names in the stream, and the lines of its transactions. */
export function encodeParked(parked: ParkedMessage): ParkedHead {
  return {
    head: JSON.stringify({
      ...Object.fromEntries(encodeTableHead(parked.message.head)),
      [UNIT]: parked.unit,
      ...(parked.isLargeRow ? { [LARGE_ROW]: '1' } : {}),
    }),
    transactions: encodeTransactions(parked.transactions),
  };
}

/** @throws MirrorError `protocol_violation` when it was not written by `encodeParked`. */
export function decodeParked(stored: ParkedHead, payload: Uint8Array): ParkedMessage {
  const headers = new Map(Object.entries(JSON.parse(stored.head) as Record<string, string>));
  const head = decodeTableHead({ get: (name) => headers.get(name) ?? '' });
  return {
    // A parked message is not in the stream any more.
    message: { kind: 'table', streamSeq: 0, head, payload },
    transactions: decodeTransactions(stored.transactions),
    unit: headers.get(UNIT) ?? headers.get(Header.Batch) ?? '',
    isLargeRow: headers.get(LARGE_ROW) === '1',
  };
}

/** The transactions that have rows in a message: the others say nothing about it. */
export function transactionsWithin(
  { head }: TableMessage,
  transactions: readonly TransactionMark[],
): readonly TransactionMark[] {
  return transactions.filter(
    ({ commitLsn }) => commitLsn >= head.firstLsn && commitLsn <= head.lastLsn,
  );
}

/** The transactions of several messages of a batch, each once, in their order. */
export function mergeTransactions(parked: readonly ParkedMessage[]): readonly TransactionMark[] {
  const marks = new Map<bigint, TransactionMark>();
  for (const { transactions } of parked)
    for (const mark of transactions) marks.set(mark.commitLsn, mark);
  return [...marks.values()].sort((a, b) => (a.commitLsn < b.commitLsn ? -1 : 1));
}

const UNIT = 'unit';
const LARGE_ROW = 'large_row';
