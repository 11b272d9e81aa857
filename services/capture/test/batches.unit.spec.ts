import { encodeTransactions } from '@bunnydb/change-stream';
import { type Lsn, lsnFromBigInt } from '@bunnydb/pg-model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TransactionLines } from '../src/core/transaction-lines.js';
import { coreOf } from './memory-sink.js';
import { begin, commit, insert, relation, remove, truncate, update } from './pgoutput-bytes.js';

const KEYED = [
  { name: 'id', isKey: true },
  { name: 'v', isKey: false },
];

function fixture(options: Parameters<typeof coreOf>[0] = {}) {
  const core = coreOf(options);
  const say = (...messages: Buffer[]): void => {
    for (const bytes of messages) core.decoder.message(bytes, 0, bytes.length);
  };
  return { ...core, say };
}

/** The same, when the shapes of tables `a` and `b` have been told by a batch before; `rest` is what came since. */
function toldFixture() {
  const core = fixture();
  core.say(
    begin(10n, 1),
    relation(1, 'public', 'a', 'd', KEYED),
    relation(2, 'public', 'b', 'd', KEYED),
    truncate([1, 2], 0),
    commit(10n, 20n),
  );
  core.assembler.close();
  const before = core.sink.messages.length;
  return { ...core, before, rest: () => core.sink.stored.slice(before) };
}

describe('a batch', () => {
  it('groups rows by table, counts them and ends with its transactions', () => {
    const { sink, assembler, say, before, rest } = toldFixture();
    say(
      begin(100n, 11),
      insert(1, ['1', 'x']),
      insert(2, ['1', 'y']),
      update(1, ['1', 'z']),
      commit(100n, 110n, 1_500_000n),
      begin(200n, 12),
      update(1, ['2', 'z'], ['1', null]),
      remove(2, ['1', null]),
      commit(200n, 210n, 2_000_001n),
    );
    assembler.close();
    const [a, b, moved, end] = rest();
    expect(a?.payload.toString()).toBe('I\t1\t\\N\t1\tx\nU\t3\t\\N\t1\tz\n');
    expect(a?.table).toMatchObject({
      segment: 0,
      columns: ['id', 'v'],
      key: ['id'],
      identity: 'd',
      old: [],
      ops: { inserts: 1, updates: 1, deletes: 0 },
      firstSeq: 1,
      lastSeq: 3,
      firstLsn: 100n,
      lastLsn: 100n,
    });
    expect(b?.payload.toString()).toBe('I\t2\t\\N\t1\ty\nD\t5\t\\N\t1\t\\N\n');
    expect(moved?.table).toMatchObject({ old: ['id'], firstLsn: 200n, lastLsn: 200n });
    expect(moved?.payload.toString()).toBe('U\t4\t\\N\t2\tz\t1\n');
    expect(end?.commit?.head).toMatchObject({
      prevLsn: 20n,
      firstLsn: 100n,
      lastLsn: 210n,
      firstSeq: before + 1,
      messages: 3,
      changes: 5,
    });
    expect(end?.payload.toString()).toBe(
      '11\t0/64\t0/6E\t2000-01-01T00:00:01.500000Z\t3\n12\t0/C8\t0/D2\t2000-01-01T00:00:02.000001Z\t5\n',
    );
    expect(sink.messages.slice(before).map((message) => message.id)).toEqual([
      '1-1-0',
      '1-1-1',
      '1-1-2',
      '1-1-3',
    ]);
  });

  it('joins the batch before it', () => {
    const { sink, assembler, say } = fixture();
    say(begin(100n, 1), relation(1, 'public', 'a', 'd', KEYED), insert(1, ['1', null]));
    say(commit(100n, 110n));
    assembler.close();
    say(begin(120n, 2), insert(1, ['2', null]), commit(120n, 130n));
    assembler.close();
    const heads = sink.stored.flatMap((m) => (m.commit ? [m.commit.head] : []));
    expect(heads.map((h) => [h.batch, h.prevLsn, h.lastLsn, h.firstSeq])).toEqual([
      ['1-0', 0n, 110n, 1],
      ['1-1', 110n, 130n, 4],
    ]);
  });

  it('gives a truncate a segment of its own', () => {
    const { assembler, say, rest } = toldFixture();
    say(
      begin(100n, 1),
      insert(1, ['1', null]),
      truncate([1, 2], 3),
      truncate([2], 0),
      insert(2, ['2', null]),
      commit(100n, 110n),
    );
    assembler.close();
    const tables = rest().flatMap((m) => (m.table ? [m.table] : []));
    expect(tables.map((t) => [t.segment, t.table.table, t.truncate, t.firstSeq])).toEqual([
      [0, 'a', null, 1],
      [1, 'a', { cascade: true, restartIdentity: true }, 2],
      [1, 'b', { cascade: true, restartIdentity: true }, 2],
      [2, 'b', { cascade: false, restartIdentity: false }, 3],
      [3, 'b', null, 4],
    ]);
  });

  it('starts a segment when a table changes or another one takes its name', () => {
    const { assembler, say, rest } = toldFixture();
    say(
      begin(100n, 1),
      insert(1, ['1', null]),
      relation(1, 'public', 'a', 'd', KEYED),
      insert(1, ['2', null]),
      relation(1, 'public', 'a', 'd', [...KEYED, { name: 'w', isKey: false }]),
      insert(1, ['3', null, null]),
      relation(1, 'public', 'a_old', 'd', [...KEYED, { name: 'w', isKey: false }]),
      relation(9, 'public', 'a', 'd', KEYED),
      insert(9, ['4', null]),
      commit(100n, 110n),
    );
    assembler.close();
    const tables = rest().flatMap((m) => (m.table ? [m.table] : []));
    // Between them are the segments of the marks that tell the new shapes.
    expect(tables.map((t) => [t.segment, t.columns.length, t.ops.inserts])).toEqual([
      [0, 2, 2],
      [2, 3, 1],
      [4, 2, 1],
    ]);
  });

  it('sends full messages before the transaction ends, and the end once', () => {
    const { sink, assembler, say } = fixture({ limits: { messageBytesMax: 1_024 } });
    say(begin(100n, 1), relation(1, 'public', 'a', 'd', KEYED));
    for (let id = 1; id <= 100; id++) say(insert(1, [String(id), 'x'.repeat(50)]));
    expect(sink.messages.length).toBeGreaterThan(3);
    say(commit(100n, 110n));
    assembler.close();
    expect(sink.changes).toHaveLength(100);
    expect(sink.stored.filter((m) => m.commit)).toHaveLength(1);
  });

  it('holds no more open than it may, however many tables a transaction touches', () => {
    const { sink, assembler, say } = fixture({ limits: { openBytesMax: 64 * 1024 } });
    say(begin(100n, 1));
    for (let oid = 1; oid <= 500; oid++) {
      say(relation(oid, 'public', `t${oid}`, 'd', KEYED), insert(oid, ['1', 'x'.repeat(100)]));
      say(insert(oid, ['2', 'y'.repeat(3_000)]));
    }
    say(commit(100n, 110n));
    assembler.close();
    expect(sink.changes).toHaveLength(1_000);
  });

  it('passes over what the mirror does not want', () => {
    const scope = {
      wants: ({ table }: { table: string }) => table !== 'b',
      excludes: (_: unknown, column: string) => column === 'v',
    };
    const { sink, assembler, say } = fixture({ scope });
    say(
      begin(100n, 1),
      relation(1, 'public', 'a', 'f', [
        { name: 'id', isKey: true },
        { name: 'v', isKey: true },
      ]),
      relation(2, 'public', 'b', 'd', KEYED),
      insert(1, ['1', 'secret']),
      insert(2, ['1', 'x']),
      commit(100n, 110n),
      begin(120n, 2),
      insert(2, ['2', 'x']),
      truncate([2], 0),
      commit(120n, 130n),
    );
    assembler.close();
    expect(sink.changes.map((c) => c.columns)).toEqual([['1']]);
    const end = sink.stored.at(-1)?.commit;
    expect(end?.lines.map((line) => line.xid)).toEqual([1]);
  });

  it('tells progress between batches and never inside one', () => {
    const { sink, assembler, say } = fixture({ prevLsn: lsnFromBigInt(90n) });
    assembler.progress(lsnFromBigInt(95n));
    expect(sink.stored[0]?.commit).toMatchObject({
      head: { prevLsn: 90n, lastLsn: 95n, messages: 0 },
      lines: [],
    });
    say(begin(100n, 1), relation(1, 'public', 'a', 'd', KEYED), insert(1, ['1', null]));
    expect(() => assembler.progress(lsnFromBigInt(99n))).toThrow('inside a batch');
  });

  it('refuses a change without a description and an end without a beginning', () => {
    const { say } = fixture();
    say(begin(100n, 1));
    expect(() => say(insert(5, ['1']))).toThrow('has not described');
    expect(() => say(commit(101n, 110n))).toThrow('does not fit');
  });
});

describe('the lines of a commit message', () => {
  it('are those of the change stream library', () => {
    const lsn = fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }).map((value) => value as Lsn);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), lsn, lsn, fc.integer({ min: 0, max: 2 ** 50 }), fc.nat())),
        (transactions) => {
          const lines = new TransactionLines();
          for (const one of transactions) lines.add(...one);
          const marks = transactions.map(([xid, commitLsn, endLsn, micros, lastSeq]) => ({
            xid,
            commitLsn,
            endLsn,
            commitTime: isoMicros(micros),
            lastSeq,
          }));
          expect(lines.take()).toBe(encodeTransactions(marks));
        },
      ),
    );
  });
});

function isoMicros(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const start = new Date(Date.UTC(2000, 0, 1) + seconds * 1_000).toISOString().slice(0, 19);
  return `${start}.${String(micros % 1_000_000).padStart(6, '0')}Z`;
}
