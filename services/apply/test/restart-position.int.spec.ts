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

/** A mirror of `items` and `orders` that streamed, lost its slot, and missed changes. */
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
  await session.stop();
  await fixture.feed.stop();
  await fixture.source.query(
    `insert into items values (-1, 'missed'); delete from orders where id < 50`,
  );
  await fixture.loseSlot();
});

afterEach(async () => {
  await fixture.close();
});

const position = async () =>
  (
    await fixture.destination.query(
      'select lsn::text, epoch::int, rebuild, source_system_id from _bunny.position',
    )
  )[0];

async function expectEqual(): Promise<void> {
  await fixture.endWriting();
  await fixture.untilState(session, 'running');
  await fixture.untilCaughtUp();
  expect(await fixture.difference()).toBe('');
  expect(await fixture.destination.query('select 1 from _bunny.parked_change')).toEqual([]);
}

describe('a position that starts again from a new slot', () => {
  for (const strategy of ['truncate', 'swap'] as const) {
    it(`has every table copied again by ${strategy}, under writes`, async () => {
      const before = await fixture.destination.query('select count(*)::int as n from items');
      await fixture.restartPosition(1, strategy);
      expect(await fixture.destination.query('select count(*)::int as n from items')).toEqual(
        before,
      );
      fixture.write(
        (turn) =>
          `insert into items values (${1000 + turn}, 'new'); delete from orders where id = ${100 + turn};
           update orders set note = 'touched ${turn}' where id = ${200 + (turn % 200)}`,
      );
      session = fixture.start();
      await expectEqual();
      expect(await position()).toMatchObject({ rebuild: 1 });
      const swaps = fixture.asked.filter((asked) => asked.startsWith('swap'));
      expect(swaps).toEqual(strategy === 'swap' ? ['swap items,orders'] : []);
    });
  }

  it('is started once: a command that comes again finds the mirror streaming and leaves it alone', async () => {
    await fixture.restartPosition(1, 'truncate');
    const restarted = await position();
    await fixture.restartPosition(1, 'truncate');
    expect(await position()).toEqual(restarted);
    session = fixture.start();
    await fixture.untilState(session, 'running');
    await fixture.source.query(`insert into items values (5000, 'streamed again')`);
    await fixture.untilCaughtUp();
    await fixture.restartPosition(1, 'truncate');
    expect(await fixture.stateOf('public.items')).toBe('running');
    await expectEqual();
  });

  it('fences off a session of before', async () => {
    const before = Number((await position())?.['epoch']);
    session = fixture.start();
    await until(async () => Number((await position())?.['epoch']) > before, {
      what: 'the session',
    });
    await fixture.restartPosition(1, 'truncate');
    expect(await session.ended).toBeDefined();
    expect(await position()).toMatchObject({ epoch: before + 2 });
    session = fixture.start();
    await expectEqual();
  });

  it('forgets what was parked, held, skipped or asked of tables, and how they failed', async () => {
    await fixture.destination.query(
      `update _bunny.table_state set state = 'error', copy_lsn = '0/1', attempts = 3, skipped_lsns = '{0/1}',
              reason = '{"kind":"unexpected"}', next_retry_at = now() + '1 hour' where source_table = 'orders';
       insert into _bunny.parked_change (mirror_id, source_schema, source_table, first_lsn, last_lsn, head, transactions, payload)
       values ('${fixture.mirrorId}', 'public', 'orders', '0/1', '0/1', '{}', '', '')`,
    );
    await fixture.restartPosition(1, 'truncate');
    expect(await fixture.rowOf('public.orders')).toMatchObject({
      state: 'resyncing',
      copy_lsn: null,
      attempts: 0,
      skipped_lsns: '{}',
      reason: null,
      next_retry_at: null,
    });
    session = fixture.start();
    await expectEqual();
  });

  it('does not empty a table that the mirror has never filled', async () => {
    await fixture.add('notes');
    await fixture.destination.query(`insert into notes values (1, 'somebody else wrote this')`);
    await fixture.restartPosition(1, 'truncate');
    session = fixture.start();
    await fixture.untilState(session, 'error', 'public.notes');
    expect(await fixture.destination.query('select id::int from notes')).toEqual([{ id: 1 }]);
    await fixture.untilState(session, 'running', 'public.items', 'public.orders');
  });

  it('goes on with a first copy that was not done', async () => {
    await fixture.destination.query(`
      update _bunny.table_state set state = 'pending', copy_lsn = null where source_table = 'items';
      update _bunny.table_state set state = 'copying', copy_lsn = null where source_table = 'orders';
      truncate items`);
    await fixture.restartPosition(1, 'swap');
    expect(await fixture.stateOf('public.items')).toBe('pending');
    expect(await fixture.stateOf('public.orders')).toBe('copying');
    session = fixture.start();
    await expectEqual();
    expect(fixture.asked).toEqual([]);
  });

  it('of another source forgets the numbers that columns had in the former one', async () => {
    const note = `insert into _bunny.column_name (mirror_id, source_schema, source_table, attribute_number, name)
      values ('${fixture.mirrorId}', 'public', 'items', 2, 'note') on conflict do nothing`;
    const noted = () => fixture.destination.query('select name from _bunny.column_name');
    await fixture.destination.query(note);
    await fixture.destination.query(
      `create table if not exists _bunny.source_table (mirror_id text, oid bigint);
       insert into _bunny.source_table values ('${fixture.mirrorId}', 1)`,
    );
    await fixture.restartPosition(1, 'truncate');
    expect(await noted()).toEqual([{ name: 'note' }]);
    // A copy that was due is done with the others.
    expect(await fixture.destination.query('select oid from _bunny.source_table')).toEqual([]);
    const former = { system_id: '1', database: fixture.source.name, start_lsn: '0/1' };
    await fixture.restartPosition(2, 'truncate', former);
    expect(await noted()).toEqual([]);
    expect(await fixture.rowOf('public.items')).toMatchObject({ relation: null });
  });

  it('that was never there is made, on a destination that has lost its bookkeeping', async () => {
    await fixture.destination.query('drop schema _bunny cascade');
    await fixture.destination.query('truncate items, orders');
    await fixture.restartPosition(1, 'truncate');
    session = fixture.start();
    await until(async () => (await position())?.['rebuild'] === 1, { what: 'the position' });
    await expectEqual();
  });
});
