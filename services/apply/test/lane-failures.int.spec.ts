import { type NatsServer, startNats, until } from '@bunnydb/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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

/** A mirror of `items` and `orders` that streams. */
beforeEach(async () => {
  fixture = await LaneFixture.open(nats.url);
  for (const table of ['items', 'orders']) {
    await fixture.add(table);
    await fixture.source.query(
      `insert into ${table} select i, 'old' from generate_series(1, 500) i`,
    );
  }
  session = fixture.start();
  await fixture.untilState(session, 'running');
  await fixture.source.query(`insert into items values (0, 'streamed')`);
  await fixture.untilCaughtUp();
});

afterEach(async () => {
  await fixture.close();
});

function write(): void {
  fixture.write(
    (turn) =>
      `insert into items values (${1000 + turn}, 'new'); update items set note = 'touched ${turn}' where id = ${turn % 500};
       delete from orders where id = ${turn}; update orders set note = 'touched ${turn}' where id = ${(turn * 7) % 500}`,
  );
}

async function expectEqual(): Promise<void> {
  await fixture.endWriting();
  await fixture.untilState(session, 'running');
  await fixture.untilCaughtUp();
  expect(await fixture.difference()).toBe('');
}

describe('a table that fails', () => {
  const refuse = `alter table orders add constraint no_bad check (note <> 'bad')`;

  async function insertBad(): Promise<void> {
    await fixture.destination.query(refuse);
    await fixture.source.query(`insert into orders values (9001, 'bad')`);
    await fixture.source.query(`insert into orders values (9002, 'good')`);
    await fixture.untilState(session, 'error', 'public.orders');
  }

  it('in its lane disturbs no other, and comes back by itself when what was in its way is gone', async () => {
    write();
    await insertBad();
    await until(async () => Number((await fixture.rowOf('public.orders'))?.['attempts']) >= 2, {
      what: 'another try',
      timeoutMs: 20_000,
    });
    expect(await fixture.rowOf('public.orders')).toMatchObject({
      reason: { kind: 'constraint_violated', detail: { constraint: 'no_bad' } },
    });
    await fixture.endWriting();
    await fixture.untilCaughtUp();
    const all = fixture.tables;
    fixture.tables = ['public.items'];
    expect(await fixture.difference()).toBe('');
    fixture.tables = all;
    await fixture.destination.query('alter table orders drop constraint no_bad');
    await expectEqual();
  });

  it('and is told to be tried again is, at once, with all that was parked', async () => {
    await insertBad();
    for (let turn = 0; turn < 15; turn++)
      await fixture.source.query(`update orders set note = 'turn ${turn}' where id = 1`);
    await fixture.untilCaughtUp();
    // Far from due.
    await fixture.destination.query(
      `update _bunny.table_state set next_retry_at = now() + interval '1 day' where state = 'error'`,
    );
    await fixture.destination.query('alter table orders drop constraint no_bad');
    expect(await fixture.ask({ action: 'retry' }, [])).toEqual({
      action: 'retry',
      tables: ['public.orders'],
    });
    await expectEqual();
    expect(await fixture.rowOf('public.orders')).toMatchObject({ attempts: 0, reason: null });
  });

  it('goes on without a transaction that is skipped, and with every other', async () => {
    await insertBad();
    await fixture.untilCaughtUp();
    const [bad] = await fixture.destination.query<{ lsn: string }>(
      'select first_lsn::text as lsn from _bunny.parked_change order by id limit 1',
    );
    await fixture.ask({ action: 'skip', commit_lsn: bad?.lsn ?? '' }, ['public.orders']);
    await fixture.untilState(session, 'running');
    await fixture.untilCaughtUp();
    expect(await fixture.difference()).toContain('key (id): (9001) is missing');
    await fixture.source.query('delete from orders where id = 9001');
    await fixture.untilCaughtUp();
    expect(await fixture.difference()).toBe('');
  });

  it('can be told to skip a transaction while it tries again', async () => {
    await insertBad();
    await fixture.untilCaughtUp();
    const [bad] = await fixture.destination.query<{ lsn: string }>(
      'select first_lsn::text as lsn from _bunny.parked_change order by id limit 1',
    );
    const holder = await fixture.destination.connect();
    try {
      // Its tries wait for the lock.
      await holder.query('begin; lock table orders in access exclusive mode');
      await fixture.untilState(session, 'catching_up', 'public.orders');
      const skip = { action: 'skip', commit_lsn: bad?.lsn ?? '' } as const;
      expect(await fixture.ask(skip, ['public.orders'])).toMatchObject({
        tables: ['public.orders'],
      });
    } finally {
      await holder.end();
    }
    await fixture.untilState(session, 'running');
    await fixture.untilCaughtUp();
    expect(await fixture.difference()).toContain('key (id): (9001) is missing');
  });

  it('in its copy keeps no other table of the same copy from joining', async () => {
    await fixture.destination.query(refuse);
    await session.stop();
    await fixture.source.query(`insert into orders values (9001, 'bad')`);
    await fixture.add('notes');
    await fixture.ask({ action: 'resync', strategy: 'truncate', together: false }, [
      'public.items',
      'public.orders',
    ]);
    session = fixture.start();
    await fixture.untilState(session, 'error', 'public.orders');
    await fixture.untilState(session, 'running', 'public.items', 'public.notes');
    await fixture.destination.query('alter table orders drop constraint no_bad');
    await fixture.ask({ action: 'retry' }, ['public.orders']);
    await expectEqual();
  });

  it('over rows with a column that the source has dropped since is copied again by itself', async () => {
    fixture.options = { schema_changes: 'auto' };
    await session.stop();
    session = fixture.start();
    write();
    await insertBad();
    await fixture.source.query(
      `alter table orders add column gone numeric; insert into orders values (9003, 'had it', 1.5); alter table orders drop column gone`,
    );
    await fixture.destination.query('alter table orders drop constraint no_bad');
    await expectEqual();
    const states = fixture.events.flatMap(({ type, body }) =>
      type === 'table_state_changed' && body['table'] === 'public.orders' ? [body['status']] : [],
    );
    expect(states).toContain('resyncing');
  });
});

describe('a table that a person holds', () => {
  it('is left as it is while the others go on, over a restart too, until a person releases it, and then has it all', async () => {
    const held = { action: 'hold', tables: ['public.orders'] };
    expect(await fixture.ask({ action: 'hold' }, ['public.orders'])).toEqual(held);
    await fixture.untilState(session, 'held', 'public.orders');
    write();
    await fixture.source.query(`insert into orders values (9001, 'while it is held')`);
    await fixture.untilCaughtUp();
    expect(await fixture.rowOf('public.orders')).toMatchObject({
      reason: { kind: 'table_on_hold', action: 'retry_manual' },
      next_retry_at: null,
    });

    await session.stop();
    session = fixture.start();
    // What mends structure by itself ends no person's wish, nor does holding twice change anything.
    expect(await fixture.ask({ action: 'retry', is_automatic: true }, [])).toMatchObject({
      tables: [],
    });
    expect(await fixture.ask({ action: 'hold' }, [])).toEqual({
      action: 'hold',
      tables: ['public.items'],
    });
    await fixture.untilState(session, 'held');
    await fixture.ask({ action: 'retry' }, ['public.items']);
    await fixture.untilState(session, 'running', 'public.items');
    await fixture.untilCaughtUp();
    const rows = 'select count(*)::int as count from orders where id > 9000';
    expect(await fixture.destination.query(rows)).toEqual([{ count: 0 }]);

    await fixture.ask({ action: 'retry' }, ['public.orders']);
    await expectEqual();
    expect(await fixture.destination.query(rows)).toEqual([{ count: 1 }]);
  });

  it('is not while it is being copied, and is at once where it has failed', async () => {
    const refuse = `alter table orders add constraint no_bad check (note <> 'bad')`;
    await fixture.destination.query(refuse);
    await fixture.source.query(`insert into orders values (9001, 'bad')`);
    await fixture.untilState(session, 'error', 'public.orders');
    await fixture.ask({ action: 'hold' }, ['public.orders']);
    await fixture.untilState(session, 'held', 'public.orders');
    await fixture.destination.query('alter table orders drop constraint no_bad');
    await session.stop();
    await fixture.ask({ action: 'resync', strategy: 'truncate', together: false }, [
      'public.orders',
    ]);
    session = fixture.start();
    await expectEqual();
    await fixture.destination.query(
      `update _bunny.table_state set state = 'resyncing' where source_table = 'orders'`,
    );
    expect(await fixture.ask({ action: 'hold' }, ['public.orders'])).toMatchObject({ tables: [] });
  });
});
