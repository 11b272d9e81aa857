import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type NatsServer, startNats, until } from '@bunnydb/testkit';
import { LaneFixture, type LaneSession } from './lane-fixture.js';

let nats: NatsServer;
let fixture: LaneFixture;
let session: LaneSession;

beforeAll(async () => {
  nats = await startNats();
});

afterAll(async () => {
  await nats.stop();
});

/** A mirror of `items` that streams while both sides are written to. */
beforeEach(async () => {
  fixture = await LaneFixture.open(nats.url);
  await fixture.add('items');
  await fixture.source.query(`insert into items select i, 'old' from generate_series(1, 2000) i`);
  session = fixture.start();
  await fixture.untilState(session, 'running');
  await fixture.source.query(`insert into items values (0, 'streamed')`);
  await fixture.untilCaughtUp();
});

afterEach(async () => {
  await fixture.close();
});

function writeTo(table: string, from = 10_000): void {
  fixture.write(
    (turn) =>
      `begin; insert into ${table} values (${from + turn}, 'new ${turn}');
       update ${table} set note = 'touched ${turn}' where id = ${(turn * 7) % 2000};
       delete from ${table} where id = ${(turn * 13) % 2000}; commit`,
  );
}

async function expectEqual(): Promise<void> {
  await fixture.endWriting();
  await fixture.untilState(session, 'running');
  await fixture.untilCaughtUp();
  expect(await fixture.difference()).toBe('');
}

function statesOf(table: string): unknown[] {
  return fixture.events.flatMap(({ type, body }) =>
    type === 'table_state_changed' && body['table'] === table ? [body['status']] : [],
  );
}

describe('a table that is added to a streaming mirror', () => {
  it('is copied and joins under writes, with others under the same snapshot, and is told', async () => {
    await session.stop();
    await fixture.add('orders');
    await fixture.add('notes');
    for (const table of ['orders', 'notes'])
      await fixture.source.query(
        `insert into ${table} select i, 'old' from generate_series(1, 2000) i`,
      );
    writeTo('orders');
    writeTo('items');
    fixture.events.length = 0;
    session = fixture.start();
    await fixture.untilState(session, 'running');
    await expectEqual();
    expect(statesOf('public.orders')).toEqual(['copying', 'catching_up', 'running']);
    expect(fixture.events.map(({ type }) => type)).not.toContain('copy_started');
    const [orders, notes] = await Promise.all(
      ['public.orders', 'public.notes'].map((table) => fixture.rowOf(table)),
    );
    expect(orders?.['copy_lsn']).toEqual(notes?.['copy_lsn']);
    await until(
      () =>
        fixture.stats?.tables.find(({ table }) => table === 'public.orders')?.status === 'running',
      {
        what: 'the stats to tell it',
      },
    );
    expect(
      fixture.stats?.tables.find(({ table }) => table === 'public.orders')?.copy,
    ).toMatchObject({ partitions_done: 1, partitions_total: 1 });
  });

  it('is not copied over rows of others, which no resync empties either, and others go on', async () => {
    await session.stop();
    await fixture.add('orders');
    await fixture.destination.query(`insert into orders values (1, 'theirs')`);
    session = fixture.start();
    await fixture.untilState(session, 'error', 'public.orders');
    expect(await fixture.rowOf('public.orders')).toMatchObject({
      reason: { kind: 'table_not_empty' },
      attempts: 1,
      next_retry_at: null,
    });
    await fixture.ask({ action: 'resync', strategy: 'truncate', together: false }, []);
    await fixture.untilState(session, 'running', 'public.items');
    await fixture.untilState(session, 'error', 'public.orders');
    expect(await fixture.destination.query('select note from orders')).toEqual([
      { note: 'theirs' },
    ]);
    await fixture.destination.query('truncate orders');
    await fixture.ask({ action: 'retry' }, ['public.orders']);
    await expectEqual();
  });
});

describe('a resync in place', () => {
  it('ends equal under writes, while other tables’ changes go on', async () => {
    await session.stop();
    await fixture.add('other');
    session = fixture.start();
    await fixture.untilState(session, 'running');
    await fixture.destination.query(`update items set note = 'spoilt' where id % 3 = 0`);
    writeTo('items');
    writeTo('other');
    expect(
      await fixture.ask({ action: 'resync', strategy: 'truncate', together: false }, [
        'public.items',
      ]),
    ).toEqual({ action: 'resync', tables: ['public.items'] });
    await until(() => statesOf('public.items').includes('catching_up'), { what: 'the resync' });
    await expectEqual();
    expect(statesOf('public.items').slice(-4)).toEqual([
      'resyncing',
      'resyncing',
      'catching_up',
      'running',
    ]);
    expect(statesOf('public.other').at(-1)).toBe('running');
  });

  it('is begun once, however often its command comes', async () => {
    const wish = { action: 'resync', strategy: 'truncate', together: false } as const;
    await fixture.ask(wish, ['public.items'], 'same');
    await until(
      () => statesOf('public.items').filter((state) => state === 'catching_up').length === 1,
      {
        what: 'the resync',
      },
    );
    await fixture.untilState(session, 'running');
    expect(await fixture.ask(wish, ['public.items'], 'same')).toEqual({
      action: 'resync',
      tables: ['public.items'],
    });
    await fixture.source.query(`insert into items values (-1, 'after')`);
    await expectEqual();
    expect(statesOf('public.items').filter((state) => state === 'catching_up')).toHaveLength(1);
  });

  it('that is asked of a paused mirror waits for it', async () => {
    await session.stop();
    await fixture.destination.query('delete from items');
    await fixture.ask({ action: 'resync', strategy: 'truncate', together: false }, []);
    expect(await fixture.stateOf('public.items')).toBe('running');
    session = fixture.start();
    await until(() => statesOf('public.items').includes('catching_up'), { what: 'the resync' });
    await expectEqual();
  });

  it('of a table that the mirror does not have is refused by its name', async () => {
    await expect(fixture.ask({ action: 'retry' }, ['public.nowhere'])).rejects.toMatchObject({
      kind: 'invalid_input',
      detail: { table: 'public.nowhere' },
    });
    await expect(
      fixture.ask({ action: 'skip', commit_lsn: 'soon' }, ['public.items']),
    ).rejects.toMatchObject({ kind: 'invalid_input' });
  });
});

describe('a swap', () => {
  const wish = { action: 'resync', strategy: 'swap', together: true } as const;

  it('ends equal under writes, and no reader sees a table empty or half full', async () => {
    await fixture.source.query('delete from items where id = 0');
    await fixture.untilCaughtUp();
    writeTo('items');
    let fewest = Infinity;
    let isWatching = true;
    const watching = (async () => {
      while (isWatching) {
        const [row] = await fixture.destination.query<{ n: number }>(
          'select count(*)::int as n from items where id between 1 and 2000',
        );
        fewest = Math.min(fewest, row?.n ?? 0);
      }
    })();
    await fixture.ask(wish, ['public.items']);
    await until(() => statesOf('public.items').includes('catching_up'), { what: 'the swap' });
    isWatching = false;
    await watching;
    await expectEqual();
    expect(fewest).toBeGreaterThan(0);
    expect(fixture.asked).toEqual(['create items', 'swap items']);
  });

  it('of several tables is one', async () => {
    await session.stop();
    await fixture.add('orders');
    await fixture.source.query(`insert into orders select i, 'old' from generate_series(1, 500) i`);
    session = fixture.start();
    await fixture.untilState(session, 'running');
    writeTo('orders');
    await fixture.ask(wish, []);
    await until(() => statesOf('public.orders').includes('resyncing'), { what: 'the resync' });
    await fixture.untilState(session, 'running');
    await expectEqual();
    expect(fixture.asked.filter((line) => line.startsWith('swap'))).toEqual(['swap items,orders']);
  });

  it.each(['create', 'swap'] as const)(
    'of several tables goes on without one that cannot be swapped, which is told and waits alone (%s)',
    async (action) => {
      await session.stop();
      await fixture.add('orders');
      await fixture.add('notes');
      session = fixture.start();
      await fixture.untilState(session, 'running');
      writeTo('items');
      fixture.unswappable.set('orders', action);
      await fixture.ask(wish, []);
      await fixture.untilState(session, 'error', 'public.orders');
      await fixture.untilState(session, 'running', 'public.items', 'public.notes');
      expect(fixture.asked.at(-1)).toBe('swap items,notes');
      expect(await fixture.rowOf('public.orders')).toMatchObject({
        reason: { kind: 'swap_refused' },
        next_retry_at: null,
      });
      expect(fixture.asked.filter((line) => line === 'create items')).toHaveLength(1);
      fixture.unswappable.clear();
      await fixture.ask({ action: 'retry' }, ['public.orders']);
      await expectEqual();
      expect(fixture.asked.at(-1)).toBe('swap orders');
    },
  );

  it('of several tables waits for one that fails a while, and goes on without it then', async () => {
    await session.stop();
    await fixture.add('orders');
    session = fixture.start();
    await fixture.untilState(session, 'running');
    await fixture.destination.query(
      `alter table orders add constraint no_bad check (note <> 'bad') not valid`,
    );
    await fixture.source.query(`insert into orders values (1, 'bad')`);
    await fixture.ask(wish, []);
    await until(() => fixture.asked.at(-1) === 'swap items', {
      timeoutMs: 30_000,
      what: 'the others to be swapped',
    });
    await fixture.untilState(session, 'error', 'public.orders');
    await fixture.untilState(session, 'running', 'public.items');
    expect((await fixture.rowOf('public.orders'))?.['attempts']).toBeGreaterThan(3);
    await fixture.destination.query('alter table orders drop constraint no_bad');
    await fixture.ask({ action: 'retry' }, ['public.orders']);
    await expectEqual();
  });
});
