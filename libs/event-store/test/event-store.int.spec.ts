import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '@bunnydb/testkit';
import {
  START_OF_EVENTS,
  listenForEvents,
  markDispatched,
  parseEventPosition,
  pruneOutbox,
  readOutbox,
} from '../src/index.js';
import { TRACE_PARENT, type Fixture, openFixture, paidIn } from './catalog-fixture.js';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(async () => {
  await fixture.close();
});

const balanceOf = async (account: string): Promise<number | undefined> => {
  const row = await fixture.catalog
    .selectFrom('balances')
    .select('amount')
    .where('account', '=', account)
    .executeTakeFirst();
  return row?.amount;
};

describe('append', () => {
  it('gives positions and versions, and what is loaded is what was appended', async () => {
    const { store } = fixture;
    const result = await store.append({
      streams: [{ streamId: 'a', expectedVersion: 0, events: [paidIn(1), paidIn(2)] }],
    });
    expect(result.tag).toBe('appended');
    const loaded = await store.load('a');
    expect(loaded.map((event) => event.streamVersion)).toEqual([1, 2]);
    expect(loaded.map((event) => event.event.body.amount)).toEqual([1, 2]);
    expect(loaded[0]).toMatchObject({ metadata: { actor: 'test' }, streamId: 'a' });
    expect((await store.load('a', 1)).map((event) => event.streamVersion)).toEqual([2]);
  });

  it('on a version that is not the last is a conflict, as a value, and writes nothing', async () => {
    const { store } = fixture;
    await store.append({ streams: [{ streamId: 'b', expectedVersion: 0, events: [paidIn(5)] }] });
    const late = await store.append({
      streams: [{ streamId: 'b', expectedVersion: 0, events: [paidIn(5)] }],
      outbox: [{ messageId: 'never', kind: 'x', body: {} }],
    });
    expect(late).toEqual({
      tag: 'version_conflict',
      streamId: 'b',
      expectedVersion: 0,
      actualVersion: 1,
    });
    expect(await store.load('b')).toHaveLength(1);
    expect(await balanceOf('b')).toBe(5);
    const waiting = await readOutbox(fixture.catalog, 1_000);
    expect(waiting.map((message) => message.messageId)).not.toContain('never');
  });

  it('an event id is stored once, whatever the stream', async () => {
    const { store } = fixture;
    const first = { streamId: 'c', expectedVersion: 0, events: [paidIn(1, 'same')] };
    expect((await store.append({ streams: [first] })).tag).toBe('appended');
    const again = { streamId: 'd', expectedVersion: 0, events: [paidIn(1, 'same')] };
    expect(await store.append({ streams: [again] })).toEqual({
      tag: 'duplicate_event',
      eventId: 'same',
    });
  });

  it('over several streams is all or nothing', async () => {
    const { store } = fixture;
    await store.append({ streams: [{ streamId: 'e', expectedVersion: 0, events: [paidIn(1)] }] });
    const result = await store.append({
      streams: [
        { streamId: 'f', expectedVersion: 0, events: [paidIn(1)] },
        { streamId: 'e', expectedVersion: 0, events: [paidIn(1)] },
      ],
    });
    expect(result.tag).toBe('version_conflict');
    expect(await store.load('f')).toEqual([]);
  });

  it('a failing projection takes its events and messages with it', async () => {
    const { store } = fixture;
    const append = store.append({
      streams: [{ streamId: 'g', expectedVersion: 0, events: [paidIn(13)] }],
      outbox: [{ messageId: 'gone', kind: 'x', body: {} }],
    });
    await expect(append).rejects.toThrow('the projection fails');
    expect(await store.load('g')).toEqual([]);
  });

  it('a check that refuses is an answer and writes nothing', async () => {
    const { store } = fixture;
    const result = await store.append({
      streams: [{ streamId: 'h', expectedVersion: 0, events: [paidIn(1)] }],
      check: async (tx) => {
        const row = await tx.selectFrom('balances').selectAll().executeTakeFirst();
        return row ? 'somebody has money' : undefined;
      },
    });
    expect(result).toEqual({ tag: 'refused', refusal: 'somebody has money' });
    expect(await store.load('h')).toEqual([]);
  });
});

describe('positions', () => {
  it('have no gaps in commit order, whoever appends at the same time', async () => {
    const { store } = fixture;
    const readSoFar: bigint[] = [];
    let after = START_OF_EVENTS;
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      for (let version = 0; version < 10; version += 1) {
        await store.append({
          streams: [{ streamId: `w${writer}`, expectedVersion: version, events: [paidIn(1)] }],
        });
        // A reader that goes on from the last position that it saw must never miss one that commits later.
        if (writer === 0) {
          for (const { position } of await store.readAfter(after, 1_000)) {
            readSoFar.push(position);
            after = position;
          }
        }
      }
    });
    await Promise.all(writers);
    for (const { position } of await store.readAfter(after, 1_000)) readSoFar.push(position);
    const total = readSoFar.length;
    expect(readSoFar).toEqual(Array.from({ length: total }, (_, index) => BigInt(index + 1)));
    const pages = await store.readAfter(parseEventPosition(BigInt(total - 3)), 2);
    expect(pages).toHaveLength(2);
  });

  it('a page of a stream comes from either end', async () => {
    const { store } = fixture;
    const all = await store.load('w1');
    const middle = all[4]?.position ?? START_OF_EVENTS;
    const newest = await store.loadPage('w1', {
      after: START_OF_EVENTS,
      limit: 3,
      order: 'newest_first',
    });
    expect(newest.map((event) => event.streamVersion)).toEqual([10, 9, 8]);
    const before = await store.loadPage('w1', {
      after: START_OF_EVENTS,
      before: middle,
      limit: 2,
      order: 'newest_first',
    });
    expect(before.map((event) => event.streamVersion)).toEqual([4, 3]);
    const oldest = await store.loadPage('w1', { after: middle, limit: 2, order: 'oldest_first' });
    expect(oldest.map((event) => event.streamVersion)).toEqual([6, 7]);
  });
});

describe('the outbox', () => {
  it('keeps the trace that its messages belong to', async () => {
    await fixture.store.append({
      streams: [{ streamId: 'traced', expectedVersion: 0, events: [paidIn(1)] }],
      outbox: [{ messageId: 'traced', kind: 'command', body: {} }],
    });
    const [message] = await readOutbox(fixture.catalog, 1);
    expect(message).toMatchObject({ messageId: 'traced', traceParent: TRACE_PARENT });
    if (message) await markDispatched(fixture.catalog, message.id);
  });

  it('keeps messages in order until they are marked, and takes each id once', async () => {
    const { store, catalog } = fixture;
    const send = (streamId: string, messageId: string) =>
      store.append({
        streams: [{ streamId, expectedVersion: 0, events: [paidIn(1)] }],
        outbox: [{ messageId, kind: 'command', body: { n: streamId } }],
      });
    await send('o1', 'm1');
    await send('o2', 'm2');
    await send('o3', 'm1');
    const waiting = await readOutbox(catalog, 10);
    expect(waiting.map(({ messageId, kind, body }) => [messageId, kind, body])).toEqual([
      ['m1', 'command', { n: 'o1' }],
      ['m2', 'command', { n: 'o2' }],
    ]);
    for (const message of waiting) await markDispatched(catalog, message.id);
    expect(await readOutbox(catalog, 10)).toEqual([]);
    await pruneOutbox(catalog, new Date(Date.now() + 60_000));
    const left = await fixture.database.query('select * from outbox');
    expect(left).toEqual([]);
  });
});

describe('projections', () => {
  it('can be rebuilt from the events alone', async () => {
    const { store, database } = fixture;
    const before = await database.query('select * from balances order by account');
    await database.query('update balances set amount = -1');
    await database.query(`insert into balances values ('stray', 7)`);
    await store.rebuildProjections();
    expect(await database.query('select * from balances order by account')).toEqual(before);
  });
});

describe('the bell', () => {
  it('rings for every append, also after its session was lost', async () => {
    const { store, settings, database } = fixture;
    let rings = 0;
    const bell = listenForEvents({ ...settings, applicationName: 'bell test' }, () => {
      rings += 1;
    });
    try {
      await until(() => rings > 0, { what: 'the bell to be hung' });
      const atFirst = rings;
      await store.append({
        streams: [{ streamId: 'r1', expectedVersion: 0, events: [paidIn(1)] }],
      });
      await until(() => rings > atFirst, { what: 'the ring of an append' });
      await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'bell test'`,
      );
      const before = rings;
      await until(() => rings > before, { what: 'the bell to be hung again' });
      const again = rings;
      await store.append({
        streams: [{ streamId: 'r2', expectedVersion: 0, events: [paidIn(1)] }],
      });
      await until(() => rings > again, { what: 'the ring after the session came back' });
    } finally {
      await bell.close();
    }
  });
});
