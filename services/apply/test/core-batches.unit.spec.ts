import fc from 'fast-check';
import { lsnFromBigInt } from '@bunnydb/pg-model';
import { describe, expect, it } from 'vitest';
import { BatchAssembly } from '../src/core/batch-assembly.js';
import { remedyOf } from '../src/core/batch-failure.js';
import {
  type ChangeMessage,
  type CommitMessage,
  type TableMessage,
  readMessage,
} from '../src/core/change-message.js';
import { checkJoin, isHintValid } from '../src/core/join-check.js';
import { type MessageSpan, MessageSpans, interleave } from '../src/core/message-spans.js';
import { PositionTrack } from '../src/core/position-track.js';
import { type WorkStep, isSkipped, planSteps } from '../src/core/work-step.js';
import { WorkTally } from '../src/core/work-tally.js';

const lsn = (value: number) => lsnFromBigInt(BigInt(value));
let nextSeq = 1;

function rows(batch: string, text: string, head: Partial<TableMessage['head']> = {}): TableMessage {
  const lines = text.split('\n').filter(Boolean);
  const seqs = lines.map((line) => Number(line.split('\t')[1]));
  return {
    kind: 'table',
    streamSeq: nextSeq++,
    payload: new TextEncoder().encode(text),
    head: {
      epoch: '1',
      batch,
      segment: 0,
      table: { schema: 'public', table: 't' },
      columns: ['id'],
      key: ['id'],
      identity: 'd',
      old: [],
      ops: { inserts: lines.length, updates: 0, deletes: 0 },
      firstSeq: seqs[0] ?? 0,
      lastSeq: seqs.at(-1) ?? 0,
      hasUnchanged: false,
      continues: false,
      truncate: null,
      firstLsn: lsn(100),
      lastLsn: lsn(100),
      ...head,
    },
  };
}

function commit(
  batch: string,
  messages: readonly TableMessage[],
  from = 0,
  to = 200,
): CommitMessage {
  return {
    kind: 'commit',
    streamSeq: nextSeq++,
    traceParent: '',
    transactions: [],
    head: {
      epoch: '1',
      batch,
      prevLsn: lsn(from),
      firstLsn: lsn(from),
      lastLsn: lsn(to),
      firstSeq: messages[0]?.streamSeq ?? 0,
      messages: messages.length,
      changes: 0,
      bytes: 0,
    },
  };
}

function assemble(messages: readonly ChangeMessage[], heldBytesMax = 1_000): string[] {
  const assembly = new BatchAssembly(heldBytesMax);
  return messages.flatMap((message) => {
    const batch = assembly.add(message);
    return batch ? [`${batch.commit.head.batch} ${batch.kind}`] : [];
  });
}

describe('batches', () => {
  it('are handed out with their commit message', () => {
    const one = rows('a', 'I\t1\t\\N\tx\n');
    expect(assemble([one, commit('a', [one]), commit('b', [])])).toEqual(['a held', 'b held']);
  });

  it('that another one cuts off are dropped', () => {
    const half = rows('a', 'I\t1\t\\N\tx\n');
    const whole = rows('b', 'I\t1\t\\N\tx\n');
    expect(assemble([half, whole, commit('b', [whole])])).toEqual(['b held']);
  });

  it('whose beginning was not read are dropped', () => {
    const first = rows('a', 'I\t1\t\\N\tx\n');
    const second = rows('a', 'I\t2\t\\N\tx\n');
    expect(assemble([second, commit('a', [first, second])])).toEqual([]);
  });

  it('that outgrow memory are not held', () => {
    const messages = [rows('a', 'I\t1\t\\N\tx\n'), rows('a', 'I\t2\t\\N\tx\n')];
    expect(assemble([...messages, commit('a', messages)], 10)).toEqual(['a large']);
    const assembly = new BatchAssembly(10);
    for (const message of messages) assembly.add(message);
    expect(assembly.heldBytes).toBe(0);
  });
});

describe('joining', () => {
  it('a batch is applied, joins, or leaves a gap', () => {
    const { head } = commit('a', [], 100, 200);
    expect(
      [lsn(99), lsn(100), lsn(150), lsn(199), lsn(200), lsn(300)].map((at) => checkJoin(at, head)),
    ).toEqual(['gap', 'joins', 'joins', 'joins', 'applied', 'applied']);
  });

  it('the hint counts only for the commit message that wrote the position', () => {
    expect(isHintValid(lsn(200), commit('a', [], 100, 200).head)).toBe(true);
    expect(isHintValid(lsn(150), commit('a', [], 100, 200).head)).toBe(false);
    expect(isHintValid(lsn(150), undefined)).toBe(false);
  });
});

describe('messages that overlap', () => {
  const add = (spans: MessageSpans, segment: number, firstSeq: number, lastSeq: number): void =>
    spans.add(rows('a', '', { segment, firstSeq, lastSeq }));

  it('are found, and those in order are not', () => {
    const inOrder = new MessageSpans();
    add(inOrder, 0, 1, 10);
    add(inOrder, 0, 11, 20);
    expect(inOrder.overlapping.size).toBe(0);
    const overlapping = new MessageSpans();
    add(overlapping, 0, 1, 10);
    add(overlapping, 0, 11, 20);
    add(overlapping, 0, 5, 15);
    expect(overlapping.overlapping.get('public.t')).toHaveLength(3);
  });

  it('a row that was cut is one span', () => {
    const spans = new MessageSpans();
    add(spans, 0, 2, 9);
    spans.add(rows('a', '', { firstSeq: 1, lastSeq: 1, continues: true }));
    spans.add(rows('a', '', { firstSeq: 0, lastSeq: 0, continues: true }));
    spans.add(rows('a', '', { firstSeq: 0, lastSeq: 0 }));
    expect(spans.overlapping.get('public.t')?.map((span) => span.messages)).toEqual([1, 3]);
  });

  it('are cut into windows that hold every change once, in order', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(lengths, fc.infiniteStream(fc.boolean()), (runs, sides) => {
        // Changes go to two layouts by turns; a message of each takes a few of its own.
        const seqs: [number[], number[]] = [[], []];
        let seq = 0;
        for (const run of runs)
          for (let index = 0; index < run; index++) seqs[sides.next().value ? 0 : 1].push(++seq);
        const spans = seqs.flatMap((own): MessageSpan[] => {
          const cut: MessageSpan[] = [];
          for (let at = 0; at < own.length; at += 3) {
            const [firstSeq] = own.slice(at);
            const lastSeq = own.slice(at, at + 3).at(-1);
            if (firstSeq === undefined || lastSeq === undefined) break;
            cut.push({ streamSeq: firstSeq, messages: 1, segment: 0, firstSeq, lastSeq });
          }
          return cut;
        });
        const windows = interleave(spans);
        let before = 0;
        for (const window of windows) {
          expect(window.firstSeq).toBeGreaterThan(before);
          expect(window.spans.length).toBeLessThanOrEqual(2);
          for (const span of spans) {
            const overlaps = span.firstSeq <= window.lastSeq && span.lastSeq >= window.firstSeq;
            expect(window.spans.includes(span)).toBe(overlaps);
          }
          before = window.lastSeq;
        }
        for (let at = 1; at <= seq; at++)
          expect(windows.some((window) => window.firstSeq <= at && at <= window.lastSeq)).toBe(
            true,
          );
      }),
    );
  });
});

describe('steps', () => {
  const rule = (position: number, copyLsn: number) => ({
    position: lsn(position),
    copyLsnOf: () => lsn(copyLsn),
  });
  const describeStep = (step: WorkStep): string =>
    step.kind === 'truncate'
      ? `truncate ${step.tables.map(({ table }) => table).join('+')}`
      : step.kind === 'park'
        ? `park ${step.table.table}`
        : `${step.table.table} ${step.parts.map((part) => new TextDecoder().decode(part.payload).replaceAll('\n', ';')).join('|')}`;
  const table = (name: string) => ({ table: { schema: 'public', table: name } });
  const mark = (commitLsn: number, lastSeq: number) => ({
    xid: 1,
    commitLsn: lsn(commitLsn),
    endLsn: lsn(commitLsn + 10),
    commitTime: '',
    lastSeq,
  });

  it('messages of a table go together until a TRUNCATE or other columns set a border', () => {
    const messages = [
      rows('a', 'I\t1\t\\N\tx\n', table('t')),
      rows('a', 'I\t2\t\\N\tx\n', table('u')),
      rows('a', 'I\t3\t\\N\tx\n', table('t')),
      rows('a', '', {
        ...table('t'),
        segment: 1,
        truncate: { cascade: false, restartIdentity: true },
      }),
      rows('a', '', {
        ...table('u'),
        segment: 1,
        truncate: { cascade: false, restartIdentity: true },
      }),
      rows('a', 'I\t6\t\\N\tx\n', { ...table('t'), segment: 2 }),
      rows('a', 'I\t7\t\\N\tx\ty\n', { ...table('t'), segment: 3, columns: ['id', 'more'] }),
    ];
    const steps = planSteps([{ messages, transactions: [mark(100, 8)] }], rule(0, 0));
    expect(steps.map(describeStep)).toEqual([
      't I\t1\t\\N\tx;|I\t3\t\\N\tx;',
      'u I\t2\t\\N\tx;',
      'truncate t+u',
      't I\t6\t\\N\tx;',
      't I\t7\t\\N\tx\ty;',
    ]);
  });

  it('what the position or the copy covers is skipped, also inside a message', () => {
    const message = rows('a', 'I\t1\t\\N\tx\nI\t2\t\\N\tx\nI\t3\t\\N\tx\n', {
      firstLsn: lsn(100),
      lastLsn: lsn(300),
    });
    const source = {
      messages: [message],
      transactions: [mark(100, 1), mark(200, 2), mark(300, 3)],
    };
    const left = (position: number, copyLsn: number): string[] =>
      planSteps([source], rule(position, copyLsn)).map(describeStep);
    expect(left(0, 0)).toEqual(['t I\t1\t\\N\tx;I\t2\t\\N\tx;I\t3\t\\N\tx;']);
    expect(left(110, 0)).toEqual(['t I\t2\t\\N\tx;I\t3\t\\N\tx;']);
    expect(left(0, 200)).toEqual(['t I\t2\t\\N\tx;I\t3\t\\N\tx;']);
    expect(left(0, 201)).toEqual(['t I\t3\t\\N\tx;']);
    expect(left(310, 0)).toEqual([]);
    expect(isSkipped(message, rule(0, 301))).toBe(true);
    expect(isSkipped(message, rule(0, 300))).toBe(false);
    expect(planSteps([source], rule(0, 201))[0]).toMatchObject({ parts: [{ inserts: 1 }] });
  });

  it('pieces of a row are put together', () => {
    const messages = [
      rows('a', 'I\t1\t\\N\thal', { continues: true, ops: { inserts: 1, updates: 0, deletes: 0 } }),
      rows('a', 'f\n', { firstSeq: 0, lastSeq: 0, ops: { inserts: 0, updates: 0, deletes: 0 } }),
    ];
    const steps = planSteps([{ messages, transactions: [] }], rule(0, 0));
    expect(steps.map(describeStep)).toEqual(['t I\t1\t\\N\thalf;']);
    const tally = new WorkTally();
    tally.addSteps(steps);
    expect(tally.changes).toBe(1);
  });
});

describe('positions', () => {
  it('count as flushed once the WAL behind their commit is on disk, never before', () => {
    const track = new PositionTrack({ lsn: lsn(10), streamSeq: 1 }, lsn(1_000));
    expect(track.flushed.lsn).toBe(0n);
    track.commit({ lsn: lsn(20), streamSeq: 2 }, lsn(1_100));
    track.commit({ lsn: lsn(30), streamSeq: 3 }, lsn(1_200));
    track.flush(lsn(1_099));
    expect(track.flushed).toEqual({ lsn: lsn(10), streamSeq: 1 });
    track.flush(lsn(1_100));
    expect(track.flushed).toEqual({ lsn: lsn(20), streamSeq: 2 });
    expect(track.hasUnflushed).toBe(true);
    track.flush(lsn(5_000));
    expect(track.flushed).toEqual({ lsn: lsn(30), streamSeq: 3 });
    expect(track.applied).toEqual(track.flushed);
  });
});

describe('remedies', () => {
  it('rows may be at fault, a conflict may pass, and a sick server needs no other statements', () => {
    expect(['23505', '22P02', '42703', '42501', '0A000'].map(remedyOf)).toEqual([
      'exact',
      'exact',
      'exact',
      'exact',
      'exact',
    ]);
    expect(['40P01', '40001'].map(remedyOf)).toEqual(['again', 'again']);
    expect(['53100', '57P01', '25006', '08006', 'XX000', undefined].map(remedyOf)).toEqual(
      Array.from({ length: 6 }, () => 'stop'),
    );
    expect(remedyOf('55P03')).toBe('hold');
  });
});

describe('a message of a newer version', () => {
  it('is not guessed at, and its batch stays in the stream', () => {
    const raw = {
      subject: 'bunny.cdc.shop.public.t',
      streamSeq: 1,
      headers: { get: (name: string) => (name === 'Bunny-Version' ? '2' : '') },
      payload: new Uint8Array(),
    };
    expect(() => readMessage(raw)).toThrow(/a newer version wrote the change stream/);
  });
});
