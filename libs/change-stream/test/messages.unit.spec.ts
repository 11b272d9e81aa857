import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReplicaIdentity, lsnFromBigInt } from '@bunnydb/pg-model';
import { MirrorError } from '@bunnydb/failure';
import {
  type CommitMessageHead,
  type TransactionMark,
  decodeCommitHead,
  decodeTransactions,
  encodeCommitHead,
  encodeTransactions,
} from '../src/commit-message.js';
import { decodeNames, encodeNames } from '../src/name-list.js';
import { type TableMessageHead, decodeTableHead, encodeTableHead } from '../src/table-message.js';

const identifier = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 63 }),
  fc.string({ unit: fc.constantFrom(',', '.', '%', '_', ' ', '\r', '\n', ':', 'é'), minLength: 1 }),
);
const names = fc.array(identifier, { maxLength: 8 });
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const lsn = fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }).map(lsnFromBigInt);
const epoch = fc.bigInt({ min: 1n, max: 9_999_999_999_999n }).map(String);

const tableHead: fc.Arbitrary<TableMessageHead> = fc.record({
  epoch,
  batch: epoch.map((text) => `${text}-1`),
  segment: count,
  table: fc.record({ schema: identifier, table: identifier }),
  columns: names,
  key: names,
  identity: fc.constantFrom(...Object.values(ReplicaIdentity)),
  old: names,
  ops: fc.record({ inserts: count, updates: count, deletes: count }),
  firstSeq: count,
  lastSeq: count,
  hasUnchanged: fc.boolean(),
  continues: fc.boolean(),
  truncate: fc.option(fc.record({ cascade: fc.boolean(), restartIdentity: fc.boolean() })),
  firstLsn: lsn,
  lastLsn: lsn,
});
const commitHead: fc.Arbitrary<CommitMessageHead> = fc.record({
  epoch,
  batch: epoch.map((text) => `${text}-1`),
  prevLsn: lsn,
  firstLsn: lsn,
  lastLsn: lsn,
  firstSeq: count,
  messages: count,
  changes: count,
  bytes: count,
});
const transaction: fc.Arbitrary<TransactionMark> = fc.record({
  xid: fc.integer({ min: 1, max: 0xffffffff }),
  commitLsn: lsn,
  endLsn: lsn,
  commitTime: fc.constant('2026-01-02T03:04:05.678901Z'),
  lastSeq: count,
});

/** As NATS gives headers back: an empty text for one that is not there. */
const received = (pairs: readonly [string, string][]) => {
  const map = new Map(pairs);
  return { get: (name: string) => map.get(name) ?? '' };
};
const without = (pairs: readonly [string, string][], name: string) =>
  received(pairs.filter(([key]) => key !== name));

describe('names in headers', () => {
  test('any list of identifiers survives', () => {
    fc.assert(
      fc.property(names, (list) => {
        expect(decodeNames(encodeNames(list))).toEqual(list);
      }),
    );
  });

  test('are plain ASCII without line ends, as a NATS header needs', () => {
    fc.assert(
      fc.property(names, (list) => {
        expect(encodeNames(list)).toMatch(/^[A-Za-z0-9_%,-]*$/);
      }),
    );
  });
});

describe('a table message', () => {
  test('keeps all that its head says', () => {
    fc.assert(
      fc.property(tableHead, (head) => {
        expect(decodeTableHead(received(encodeTableHead(head)))).toEqual(head);
      }),
    );
  });

  test('writes each header once, and none that is empty but the lists', () => {
    fc.assert(
      fc.property(tableHead, (head) => {
        const pairs = encodeTableHead(head);
        expect(new Set(pairs.map(([key]) => key)).size).toBe(pairs.length);
        for (const [key, value] of pairs) {
          if (key !== 'Bunny-Columns' && key !== 'Bunny-Key') expect(value).not.toBe('');
          expect(value).not.toMatch(/[\r\n]/);
        }
      }),
    );
  });

  test.each([
    'Bunny-Epoch',
    'Bunny-Batch',
    'Bunny-Segment',
    'Bunny-Table',
    'Bunny-Identity',
    'Bunny-Ops',
    'Bunny-Seq',
    'Bunny-First-Lsn',
    'Bunny-Last-Lsn',
  ])('without %s is refused as a protocol violation', (name) => {
    const [head] = fc.sample(tableHead, 1);
    if (!head) throw new Error('fast-check gave no sample');
    expect(violation(() => decodeTableHead(without(encodeTableHead(head), name)))).toBe(true);
  });
});

describe('a commit message', () => {
  test('keeps all that its head says', () => {
    fc.assert(
      fc.property(commitHead, (head) => {
        expect(decodeCommitHead(received(encodeCommitHead(head)))).toEqual(head);
      }),
    );
  });

  test('keeps its transactions, in their order', () => {
    fc.assert(
      fc.property(fc.array(transaction), (list) => {
        expect(decodeTransactions(encodeTransactions(list))).toEqual(list);
      }),
    );
  });

  test('without lines is progress: it lists no transaction', () => {
    expect(encodeTransactions([])).toBe('');
    expect(decodeTransactions('')).toEqual([]);
  });

  test.each([
    '1\t0/1\n',
    '1\t0/1\t0/2\tnow\t\n',
    '\n',
    '1\tnot-an-lsn\t0/2\tnow\t1\n',
    'x\t0/1\t0/2\tnow\t1\n',
    '1\t0/1\t0/2\tnow\t1',
  ])('with the line %j is refused as a protocol violation', (payload) => {
    expect(violation(() => decodeTransactions(payload))).toBe(true);
  });

  test.each(['Bunny-Prev-Lsn', 'Bunny-Last-Lsn', 'Bunny-First-Seq', 'Bunny-Messages'])(
    'without %s is refused',
    (name) => {
      const [head] = fc.sample(commitHead, 1);
      if (!head) throw new Error('fast-check gave no sample');
      expect(violation(() => decodeCommitHead(without(encodeCommitHead(head), name)))).toBe(true);
    },
  );
});

function violation(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    return error instanceof MirrorError && error.kind === 'protocol_violation';
  }
}
