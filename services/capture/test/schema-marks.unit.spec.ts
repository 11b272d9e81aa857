import { describe, expect, it } from 'vitest';
import { coreOf } from './memory-sink.js';
import {
  begin,
  commit,
  insert,
  logicalMessage,
  relation,
  truncate,
  update,
} from './pgoutput-bytes.js';
import { storyOf } from './stored-changes.js';

const KEYED = [
  { name: 'id', isKey: true },
  { name: 'v', isKey: false },
];
const WIDER = [...KEYED, { name: 'w', isKey: false }];

function fixture(options: Parameters<typeof coreOf>[0] = {}) {
  const core = coreOf(options);
  const say = (...messages: Buffer[]): void => {
    for (const bytes of messages) core.decoder.message(bytes, 0, bytes.length);
  };
  return { ...core, say };
}

function ddl(body: unknown): Buffer {
  return logicalMessage(true, 'bunny_ddl', JSON.stringify(body));
}

const COMMENT = {
  mirror: 'shop1',
  tag: 'COMMENT',
  role: 'ann',
  search_path: 'public',
  objects: [{ type: 'table', schema: 'public', identity: 'public.a', table: null, dropped: false }],
};

describe('the mark of a table', () => {
  it('comes before the first rows of each shape, once, in a segment and with a number of its own', () => {
    const { sink, assembler, say } = fixture();
    say(
      begin(100n, 1),
      relation(1, 'public', 'a', 'd', KEYED),
      insert(1, ['1', 'x']),
      relation(1, 'public', 'a', 'd', KEYED),
      insert(1, ['2', 'x']),
      relation(1, 'public', 'a', 'd', WIDER),
      insert(1, ['3', 'x', 'y']),
      commit(100n, 110n),
    );
    assembler.close();
    expect(storyOf(sink.stored)).toEqual([
      'shape a id,v',
      'I a 1,x',
      'I a 2,x',
      'shape a id,v,w',
      'I a 3,x,y',
    ]);
    const places = sink.stored.map((m) =>
      m.mark ? [m.mark.head.segment, m.mark.head.seq] : [m.table?.segment, m.table?.firstSeq],
    );
    expect(places.slice(0, -1)).toEqual([
      [0, 1],
      [1, 2],
      [2, 4],
      [3, 5],
    ]);
    expect(sink.stored[0]?.mark?.mark).toEqual({
      kind: 'relation',
      oid: 1,
      schema: 'public',
      table: 'a',
      identity: 'd',
      columns: [
        { name: 'id', type_oid: 25, type_modifier: -1, is_key: true },
        { name: 'v', type_oid: 25, type_modifier: -1, is_key: false },
      ],
    });
    expect(sink.stored.at(-1)?.commit?.head).toMatchObject({ messages: 4, changes: 5 });
    expect(sink.stored.at(-1)?.commit?.lines[0]?.lastSeq).toBe(5);
  });

  it('comes again after another name or identity, and not after a shape that no row had', () => {
    const { sink, assembler, say } = fixture();
    say(
      begin(100n, 1),
      relation(1, 'public', 'a', 'd', KEYED),
      insert(1, ['1', 'x']),
      relation(1, 'public', 'a', 'd', WIDER),
      relation(1, 'public', 'a', 'd', KEYED),
      insert(1, ['2', 'x']),
      relation(1, 'public', 'b', 'd', KEYED),
      insert(1, ['3', 'x']),
      relation(1, 'public', 'b', 'f', KEYED),
      insert(1, ['4', 'x']),
      commit(100n, 110n),
    );
    assembler.close();
    expect(storyOf(sink.stored)).toEqual([
      'shape a id,v',
      'I a 1,x',
      'I a 2,x',
      'shape b id,v',
      'I b 3,x',
      'shape b id,v',
      'I b 4,x',
    ]);
  });

  it('tells what is carried of tables that are wanted, and nothing of the others', () => {
    const scope = {
      wants: ({ table }: { table: string }) => table !== 'b',
      excludes: (_: unknown, column: string) => column === 'v',
    };
    const { sink, assembler, say } = fixture({ scope });
    say(
      begin(100n, 1),
      relation(1, 'public', 'a', 'd', KEYED),
      relation(2, 'public', 'b', 'd', KEYED),
      relation(3, 'public', 'partition_of_a', 'd', KEYED),
      insert(2, ['1', 'x']),
      insert(1, ['1', 'secret']),
      // Only an excluded column is another one: nothing that is carried changed.
      relation(1, 'public', 'a', 'd', [{ name: 'id', isKey: true }]),
      insert(1, ['2']),
      commit(100n, 110n),
    );
    assembler.close();
    expect(storyOf(sink.stored)).toEqual(['shape a id', 'I a 1', 'I a 2']);
  });

  it('goes between truncates and the pieces of large rows', () => {
    const { sink, assembler, say } = fixture({ limits: { messageBytesMax: 1_024 } });
    say(
      begin(100n, 1),
      relation(1, 'public', 'a', 'd', KEYED),
      relation(2, 'public', 'b', 'd', KEYED),
      truncate([1, 2], 0),
      insert(1, ['1', 'x'.repeat(5_000)]),
      relation(1, 'public', 'a', 'd', WIDER),
      update(1, ['2', 'y'.repeat(5_000), undefined], ['1', null, null]),
      commit(100n, 110n),
    );
    assembler.close();
    const kinds = sink.stored.map((m) =>
      m.mark ? 'mark' : m.table?.truncate ? 'truncate' : 'rows',
    );
    expect(kinds.slice(0, 4)).toEqual(['mark', 'mark', 'truncate', 'truncate']);
    expect(sink.stored.filter((m) => m.mark)).toHaveLength(3);
    expect(sink.changes.map((c) => [c.op, c.columns[0], c.columns[1]?.length])).toEqual([
      ['T', undefined, undefined],
      ['T', undefined, undefined],
      ['I', '1', 5_000],
      ['U', '2', 5_000],
    ]);
  });

  it('is refused when no message can hold it', () => {
    const { say } = fixture({ limits: { messageBytesMax: 1_024 } });
    const many = Array.from({ length: 40 }, (_, index) => ({ name: `c${index}`, isKey: false }));
    say(begin(100n, 1), relation(1, 'public', 'a', 'd', many));
    expect(() =>
      say(
        insert(
          1,
          many.map(() => '1'),
        ),
      ),
    ).toThrow('more columns than a message can tell');
  });
});

describe('the mark of a DDL command', () => {
  it('alone makes a batch with its transaction', () => {
    const { sink, assembler, say } = fixture();
    say(begin(100n, 7), ddl(COMMENT), commit(100n, 110n));
    expect(assembler.isEmpty).toBe(false);
    assembler.close();
    expect(storyOf(sink.stored)).toEqual(['ddl COMMENT table public.a']);
    expect(sink.stored[1]?.commit?.lines).toMatchObject([{ xid: 7, lastSeq: 1 }]);
    expect(sink.stored[1]?.commit?.head).toMatchObject({ messages: 1, changes: 1 });
  });

  it('stands between the rows before and after the command', () => {
    const { sink, assembler, say } = fixture();
    say(
      begin(100n, 1),
      relation(1, 'public', 'a', 'd', KEYED),
      insert(1, ['1', 'x']),
      ddl(COMMENT),
      insert(1, ['2', 'x']),
      commit(100n, 110n),
    );
    assembler.close();
    expect(storyOf(sink.stored)).toEqual([
      'shape a id,v',
      'I a 1,x',
      'ddl COMMENT table public.a',
      'I a 2,x',
    ]);
  });

  it('is not made of the messages of others, nor of what is not as ours are', () => {
    const { sink, assembler, say } = fixture();
    say(
      begin(100n, 1),
      ddl({ ...COMMENT, mirror: 'other' }),
      ddl({ ...COMMENT, tag: 5 }),
      ddl({ ...COMMENT, objects: 'all' }),
      ddl(null),
      logicalMessage(true, 'bunny_ddl', '{"mirror":"shop1"'),
      logicalMessage(true, 'someone', JSON.stringify(COMMENT)),
      commit(100n, 110n),
      logicalMessage(false, 'bunny_ddl', JSON.stringify(COMMENT)),
    );
    expect(assembler.isEmpty).toBe(true);
    expect(sink.messages).toEqual([]);
  });

  it('counts the objects that no message can hold', () => {
    const { sink, assembler, say } = fixture({ limits: { messageBytesMax: 1_024 } });
    const objects = Array.from({ length: 64 }, () => COMMENT.objects[0]);
    say(begin(100n, 1), ddl({ ...COMMENT, objects, objects_left: 3 }), commit(100n, 110n));
    assembler.close();
    const mark = sink.stored[0]?.mark?.mark;
    const listed = mark?.kind === 'ddl' ? mark.objects.length : 0;
    expect(listed).toBeGreaterThan(0);
    expect(mark).toMatchObject({ objects_left: 67 - listed });
  });
});
