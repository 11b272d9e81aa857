import fc from 'fast-check';
import type { TableMessageHead, TransactionMark } from '@bunnydb/change-stream';
import { escapeCopyValue, lsnFromBigInt } from '@bunnydb/pg-model';
import { describe, expect, it } from 'vitest';
import { ChangeWindow } from '../src/core/changes/change-window.js';
import { readRow } from '../src/core/changes/row-change.js';

const HEAD: TableMessageHead = {
  epoch: '1',
  batch: '1-1',
  segment: 0,
  table: { schema: 'public', table: 'users' },
  columns: ['id', 'name', 'note'],
  key: ['id'],
  identity: 'd',
  old: [],
  ops: { inserts: 1, updates: 0, deletes: 0 },
  firstSeq: 1,
  lastSeq: 1,
  hasUnchanged: false,
  continues: false,
  truncate: null,
  firstLsn: lsnFromBigInt(1n),
  lastLsn: lsnFromBigInt(1n),
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const inserts = (first: number, count: number, head: Partial<TableMessageHead> = {}) => ({
  head: { ...HEAD, ops: { inserts: count, updates: 0, deletes: 0 }, firstSeq: first, ...head },
  payload: bytes(
    Array.from({ length: count }, (_, at) => `I\t${first + at}\t\\N\t${first + at}\ta\tb\n`).join(
      '',
    ),
  ),
});
const mark = (lastSeq: number, commitTime: string): TransactionMark => ({
  xid: 7,
  commitLsn: lsnFromBigInt(1n),
  endLsn: lsnFromBigInt(2n),
  commitTime,
  lastSeq,
});

describe('a row of the change stream', () => {
  it('shows any value as it was written, NULL apart from the text \\N', () => {
    const value = fc.option(fc.string({ unit: 'binary', maxLength: 60 }));
    fc.assert(
      fc.property(value, value, value, (id, name, note) => {
        const line = `I\t5\t\\N\t${[id, name, note].map(escapeCopyValue).join('\t')}`;
        const { seq, change } = readRow(HEAD, bytes(line));
        expect(seq).toBe(5);
        expect(change).toMatchObject({ operation: 'insert', row: { id, name, note }, cut: [] });
      }),
    );
  });

  it('of an update tells the old values, and which columns are as they were', () => {
    const head = { ...HEAD, old: ['id'] };
    const { change } = readRow(head, bytes('U\t1\t3\t2\tada\t\\N\t1'));
    expect(change).toMatchObject({
      operation: 'update',
      row: { id: '2', name: 'ada' },
      old: { id: '1' },
      unchanged: ['note'],
    });
    expect(change.row).not.toHaveProperty('note');
  });

  it('of a delete has what the source tells: the key, or the row under REPLICA IDENTITY FULL', () => {
    const line = bytes('D\t1\t\\N\t9\t\\N\t\\N');
    expect(readRow(HEAD, line).change.row).toEqual({ id: '9' });
    expect(readRow({ ...HEAD, identity: 'f' }, line).change.row).toEqual({
      id: '9',
      name: null,
      note: null,
    });
  });

  it('shows the beginning of a large value, whole characters of it, and says so', () => {
    for (const unit of ['é', '\\\\', 'a\\t']) {
      const { change } = readRow(HEAD, bytes(`I\t1\t\\N\t1\t${unit.repeat(3_000)}\tend`));
      expect(change.cut).toEqual(['name']);
      expect(change.row['name']?.length).toBeGreaterThan(900);
      expect(change.row['name']).toMatch(/^(é+|\\+|(a\t)+a?)$/);
      expect(change.row['note']).toBe('end');
    }
  });

  it('is refused when it has another shape than its headers say', () => {
    for (const line of ['X\t1\t\\N\t1\t2\t3', 'I\tone\t\\N\t1\t2\t3', 'I\t1\t\\N\t1', '']) {
      expect(() => readRow(HEAD, bytes(line))).toThrow('malformed');
    }
  });
});

describe('the changes of a table', () => {
  it('are shown when their batch is committed, each with the time of its transaction', () => {
    const window = new ChangeWindow('public.users', 10);
    const { head, payload } = inserts(1, 3);
    window.handleTable(head, payload);
    expect(window.take()).toBeUndefined();
    window.handleCommit({ batch: '1-1' }, [mark(1, 'first'), mark(9, 'second')], 42);
    const seen = window.take();
    expect(seen?.changes.map(({ at, row }) => [at, row['id']])).toEqual([
      ['first', '1'],
      ['second', '2'],
      ['second', '3'],
    ]);
    expect(seen).toMatchObject({ leftOut: 0, reached: 42 });
    expect(window.take()).toBeUndefined();
  });

  it('of a batch that was never committed are not shown', () => {
    const window = new ChangeWindow('public.users', 10);
    const abandoned = inserts(1, 2, { batch: '1-1' });
    window.handleTable(abandoned.head, abandoned.payload);
    const next = inserts(7, 1, { batch: '2-1' });
    window.handleTable(next.head, next.payload);
    window.handleCommit({ batch: '2-1' }, [mark(7, 't')], 9);
    expect(window.take()?.changes.map(({ row }) => row['id'])).toEqual(['7']);
  });

  it('come in the order of the source, whatever the order of the messages', () => {
    const window = new ChangeWindow('public.users', 10);
    const later = inserts(3, 1);
    const earlier = inserts(1, 2);
    window.handleTable(later.head, later.payload);
    window.handleTable(earlier.head, earlier.payload);
    window.handleCommit({ batch: '1-1' }, [mark(3, 't')], 9);
    expect(window.take()?.changes.map(({ row }) => row['id'])).toEqual(['1', '2', '3']);
  });

  it('that are more than anybody reads are counted, and the latest are shown', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 }), { maxLength: 4 }),
        (batches) => {
          const window = new ChangeWindow('public.users', 10);
          let count = 0;
          batches.forEach((messages, at) => {
            for (const rows of messages) {
              const { head, payload } = inserts(count + 1, rows, { batch: `b-${at}` });
              window.handleTable(head, payload);
              count += rows;
            }
            window.handleCommit({ batch: `b-${at}` }, [mark(count, 't')], at + 1);
          });
          const seen = window.take();
          const shown = seen?.changes.map(({ row }) => Number(row['id'])) ?? [];
          expect(shown.length).toBe(Math.min(10, count));
          expect((seen?.leftOut ?? 0) + shown.length).toBe(count);
          expect(shown).toEqual(
            Array.from({ length: shown.length }, (_, at) => count - shown.length + 1 + at),
          );
        },
      ),
    );
  });

  it('that span several messages are joined, up to a bound', () => {
    const pieces = (note: string): readonly string[] => [
      `I\t1\t\\N\t1\tada\t${note.slice(0, 5)}`,
      note.slice(5, -5),
      `${note.slice(-5)}\n`,
    ];
    const seen = (note: string) => {
      const window = new ChangeWindow('public.users', 10);
      pieces(note).forEach((piece, at) => {
        const first = { ...HEAD, continues: at < 2, firstSeq: at === 0 ? 1 : 0 };
        window.handleTable(
          { ...first, ops: { ...HEAD.ops, inserts: at === 0 ? 1 : 0 } },
          bytes(piece),
        );
      });
      window.handleCommit({ batch: '1-1' }, [mark(1, 't')], 3);
      return window.take()?.changes[0];
    };
    expect(seen('a note of some length')).toMatchObject({
      row: { id: '1', name: 'ada', note: 'a note of some length' },
      cut: [],
    });
    expect(seen('x'.repeat(500_000))).toMatchObject({
      row: { id: '1', name: 'ada' },
      cut: ['note'],
    });
  });

  it('whose beginning was missed are passed over, and a TRUNCATE is one of them', () => {
    const window = new ChangeWindow('public.users', 10);
    const none = { ...HEAD, firstSeq: 0, ops: { inserts: 0, updates: 0, deletes: 0 } };
    window.handleTable(none, bytes('the end of something\n'));
    window.handleTable(
      { ...HEAD, truncate: { cascade: false, restartIdentity: false } },
      new Uint8Array(),
    );
    window.handleCommit({ batch: '1-1' }, [mark(1, 't')], 3);
    expect(window.take()?.changes).toMatchObject([
      { operation: 'truncate', table: 'public.users' },
    ]);
  });
});
