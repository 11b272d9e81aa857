import {
  Query,
  type SchemaFollowReply,
  type SchemaFollowRequest,
  lanesSubject,
} from '@bunnydb/contracts';
import { onFaultPoint } from '@bunnydb/failure';
import { type NatsServer, startNats, until } from '@bunnydb/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApplyFixture, type FixtureOptions } from './apply-fixture.js';
import { SourceTable, truncate } from './stream-writer.js';

let nats: NatsServer;
let fixture: ApplyFixture;

beforeAll(async () => {
  nats = await startNats();
});
afterAll(async () => {
  await nats.stop();
});

beforeEach(async () => {
  await open();
});
afterEach(async () => {
  onFaultPoint(undefined);
  await fixture.close();
});

const items = new SourceTable('items', ['id', 'note']);
const others = new SourceTable('others', ['id', 'note']);

async function open(options: FixtureOptions['options'] = {}): Promise<void> {
  fixture = await ApplyFixture.open({ natsUrl: nats.url, options });
  await fixture.createTable(items, 'create table items (id int primary key, note text)');
  await fixture.createTable(others, 'create table others (id int primary key, note text)');
}

async function reopen(options: FixtureOptions['options']): Promise<void> {
  await fixture.close();
  await open(options);
}

async function ids(table = 'items'): Promise<unknown[]> {
  return (await fixture.rows(`select id from ${table} order by id`)).map((row) => row['id']);
}

async function stateOf(table: string): Promise<Record<string, unknown> | undefined> {
  const [row] = await fixture.rows(
    `select state, reason->>'kind' as kind, attempts, relation is not null as has_shape,
            (select count(*)::int from _bunny.parked_change p where p.source_table = s.source_table) as parked
       from _bunny.table_state s where source_table = '${table}'`,
  );
  return row;
}

/** A person asks the lane to try again. */
async function retry(table: string): Promise<void> {
  await fixture.destination.query(
    `update _bunny.table_state set next_retry_at = now() where source_table = '${table}'`,
  );
  fixture.messaging.publishJson(lanesSubject(fixture.mirrorId), {});
}

async function untilState(table: string, state: string): Promise<void> {
  await until(async () => (await stateOf(table))?.['state'] === state, {
    timeoutMs: 15_000,
    what: `${table} to be ${state}`,
  });
}

function answer(
  reply: (request: SchemaFollowRequest) => Promise<SchemaFollowReply> | SchemaFollowReply,
): SchemaFollowRequest[] {
  const asked: SchemaFollowRequest[] = [];
  fixture.messaging.respondJson<SchemaFollowRequest, SchemaFollowReply>(
    Query.SchemaFollow,
    (request) => {
      asked.push(request);
      return reply(request);
    },
  );
  return asked;
}

const FOLLOWED = (request: SchemaFollowRequest): SchemaFollowReply => ({
  ok: true,
  tables: request.tables.map((table) => ({ table, outcome: { tag: 'followed' } })),
  made: [],
  pending: 0,
});

const HELD = (request: SchemaFollowRequest): SchemaFollowReply => ({
  ok: true,
  tables: request.tables.map((table) => ({
    table,
    outcome: {
      tag: 'hold',
      failure: {
        kind: 'schema_mismatch',
        message: 'a column has to be widened by a person',
        hint: 'sync the schema',
        action: 'retry_manual',
        detail: {},
      },
    },
  })),
  made: [],
  pending: 1,
});

describe('a table whose rows the destination refuses', () => {
  it('waits in its lane alone, the others go on, and nothing of it is lost once it can join again', async () => {
    const session = fixture.start();
    await fixture.stream.write([[items.insert(1, 'a'), others.insert(1, 'a')]]);
    await fixture.untilApplied(session);
    await fixture.destination.query(`insert into items values (5, 'in the way')`);
    await fixture.stream.write([
      [items.insert(4, 'a'), others.insert(2, 'a')],
      [items.insert(5, 'secret'), others.insert(3, 'a')],
    ]);
    await fixture.stream.write([[items.insert(6, 'a'), others.insert(4, 'a')]]);
    await fixture.untilApplied(session);
    expect(await ids('others')).toEqual([1, 2, 3, 4]);
    expect(await ids()).toEqual([1, 5]);
    expect(await stateOf('items')).toMatchObject({
      state: 'error',
      kind: 'constraint_violated',
      attempts: 1,
      parked: 2,
    });
    expect(await stateOf('others')).toMatchObject({ state: 'running', parked: 0 });
    const told = fixture.events.find(({ type }) => type === 'table_state_changed');
    expect(told?.body).toMatchObject({
      table: 'public.items',
      status: 'error',
      failure: { detail: { constraint: 'items_pkey', key: ['id'] } },
    });
    const [{ reason } = { reason: '' }] = await fixture.rows(
      `select reason::text from _bunny.table_state where source_table = 'items'`,
    );
    expect(JSON.stringify([told, reason])).not.toContain('secret');
    await fixture.destination.query('delete from items where id = 5');
    await retry('items');
    await untilState('items', 'running');
    await fixture.stream.write([[items.insert(7, 'a')]]);
    await fixture.untilApplied(session);
    expect(await ids()).toEqual([1, 4, 5, 6, 7]);
    expect(await stateOf('items')).toMatchObject({ kind: null, attempts: 0, parked: 0 });
    await session.stop();
  });

  it('stays parked over sessions, with its truncates, and is told as in error', async () => {
    await fixture.prepare();
    await fixture.destination.query(`insert into items values (5, 'in the way')`);
    await fixture.apply([items.insert(5, 'a')]);
    await fixture.apply([others.insert(1, 'a')], [truncate([items, others]), items.insert(8, 'a')]);
    expect(await ids('others')).toEqual([]);
    expect(await ids()).toEqual([5]);
    const session = fixture.start();
    await until(
      () =>
        fixture.stats?.phase === 'streaming' &&
        fixture.stats.tables.find(({ table }) => table === 'public.items')?.status === 'error',
      { what: 'the numbers to say error' },
    );
    await fixture.destination.query('delete from items');
    await retry('items');
    await untilState('items', 'running');
    expect(await ids()).toEqual([8]);
    await session.stop();
  });

  it('whose destination table is gone holds only itself', async () => {
    const asked = answer(FOLLOWED);
    const session = fixture.start();
    await fixture.stream.write([[items.insert(1, 'a')]]);
    await fixture.untilApplied(session);
    await fixture.destination.query('drop table items');
    await fixture.stream.write([[items.insert(2, 'a'), others.insert(1, 'a')]]);
    await fixture.untilApplied(session);
    expect(await stateOf('items')).toMatchObject({ state: 'error', kind: 'table_missing' });
    expect(await ids('others')).toEqual([1]);
    expect(asked.map(({ cause }) => cause.kind)).toEqual(['refused']);
    await session.stop();
  });

  it('goes on at once when the structure was mended meanwhile', async () => {
    answer(async (request) => {
      await fixture.destination.query('alter table items alter column note type text');
      return { ...FOLLOWED(request), made: ['widened items.note'] } as SchemaFollowReply;
    });
    await fixture.destination.query('alter table items alter column note type varchar(3)');
    await fixture.apply([items.insert(1, 'longer'), others.insert(1, 'a')]);
    expect(await ids()).toEqual([1]);
    expect(await stateOf('items')).toMatchObject({ state: 'running', parked: 0 });
  });
});

describe('parked changes', () => {
  it('are parked exactly once, wherever the session ends', async () => {
    await fixture.prepare();
    await fixture.destination.query(
      `update _bunny.table_state set state = 'held' where source_table = 'items'`,
    );
    let session = fixture.start();
    for (const point of ['apply.after_receive', 'apply.inside_transaction', 'apply.after_commit']) {
      onFaultPoint((reached) => {
        if (reached !== point) return;
        onFaultPoint(undefined);
        // Ends the one that is here, wherever it is.
        session = fixture.start();
      });
      await fixture.stream.write([
        [items.insert(1, 'a')],
        [others.insert(fixture.stream.sequence, 'a')],
      ]);
      const before = session;
      await before.failure();
    }
    await fixture.untilApplied(session);
    expect(await stateOf('items')).toMatchObject({ parked: 3 });
    expect(await ids('others')).toHaveLength(3);
    await session.stop();
  });

  it('of rows that are too large to be held pass through in pieces, in and out', async () => {
    await fixture.prepare();
    await fixture.destination.query(
      `update _bunny.table_state set state = 'held' where source_table = 'items'`,
    );
    const large = 'é\\n'.repeat(4_500_000);
    const session = fixture.start();
    await fixture.stream.write(
      [
        [items.insert(1, 'a'), others.insert(1, 'a')],
        [items.insert(2, large)],
        [items.insert(3, 'b')],
      ],
      { pieceBytes: 700_000, rowsPerMessage: 1 },
    );
    await fixture.untilApplied(session);
    expect(await ids()).toEqual([]);
    expect(await ids('others')).toEqual([1]);
    await retry('items');
    await untilState('items', 'running');
    expect(
      await fixture.rows(`select id, length(note) as n, md5(note) as hash from items order by id`),
    ).toMatchObject([
      { id: 1, n: 1 },
      { id: 2, n: large.length },
      { id: 3, n: 1 },
    ]);
    await session.stop();
  });
});

describe('a schema mark', () => {
  it('is noted without a question when the destination has all columns, and then says nothing new', async () => {
    const asked = answer(FOLLOWED);
    await fixture.apply([items.shape(7), items.insert(1, 'a'), others.insert(1, 'a')]);
    await fixture.apply([items.shape(7), items.insert(2, 'a')]);
    expect(await stateOf('items')).toMatchObject({ state: 'running', has_shape: true });
    expect(asked).toEqual([]);
    expect(await ids()).toEqual([1, 2]);
  });

  it('of a new shape waits for what came before, and its rows find the columns that were made', async () => {
    const seen: unknown[] = [];
    const asked = answer(async (request) => {
      seen.push(await ids());
      await fixture.destination.query('alter table items add column more text');
      return { ...FOLLOWED(request), made: ['a column'] } as SchemaFollowReply;
    });
    const wider = new SourceTable('items', ['id', 'note', 'more']);
    const session = fixture.start();
    await fixture.stream.write([[items.shape(7), items.insert(1, 'a')]]);
    await fixture.stream.write([[items.insert(2, 'a')]]);
    await fixture.stream.write([
      [items.insert(3, 'a'), wider.shape(7), wider.insert(4, 'a', 'm'), others.insert(1, 'a')],
    ]);
    await fixture.untilApplied(session);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.cause).toMatchObject({ kind: 'relation', oid: 7 });
    expect(seen).toEqual([[1, 2]]);
    expect(await fixture.rows('select id, more from items order by id')).toMatchObject([
      { id: 1, more: null },
      { id: 2, more: null },
      { id: 3, more: null },
      { id: 4, more: 'm' },
    ]);
    await session.stop();
  });

  it('that is to be held parks the table from its batch on, and the others go on', async () => {
    answer(HELD);
    const wider = new SourceTable('items', ['id', 'note', 'more']);
    const session = fixture.start();
    await fixture.stream.write([[items.insert(1, 'a')]]);
    await fixture.stream.write([
      [wider.shape(7), wider.insert(2, 'a', 'm'), others.insert(1, 'a')],
    ]);
    await fixture.stream.write([[wider.insert(3, 'a', 'n')]]);
    await fixture.untilApplied(session);
    expect(await stateOf('items')).toMatchObject({
      state: 'held',
      kind: 'schema_mismatch',
      parked: 2,
    });
    expect(await ids('others')).toEqual([1]);
    await fixture.destination.query('alter table items add column more text');
    await retry('items');
    await untilState('items', 'running');
    expect(await fixture.rows('select id, more from items order by id')).toMatchObject([
      { id: 1, more: null },
      { id: 2, more: 'm' },
      { id: 3, more: 'n' },
    ]);
    await session.stop();
  });

  it('of a DDL command is asked about, and nobody to answer holds the mirror back without losing a change', async () => {
    const session = fixture.start();
    await fixture.stream.write([[items.insert(1, 'a')]]);
    await fixture.stream.write([[items.ddl(), items.insert(2, 'a')]]);
    await until(async () => (await ids()).length === 1, { what: 'what came before the mark' });
    const asked = answer(FOLLOWED);
    await fixture.untilApplied(session);
    expect(asked.map(({ cause, tables }) => [cause.kind, tables])).toEqual([['ddl', [items.name]]]);
    expect(await ids()).toEqual([1, 2]);
    await session.stop();
  });

  it('is not asked about when the mirror ignores structure: unknown columns are left out', async () => {
    await reopen({ schema_changes: 'ignore' });
    const asked = answer(HELD);
    const wider = new SourceTable('items', ['id', 'note', 'more']);
    await fixture.apply([items.ddl(), wider.shape(7), wider.insert(1, 'a', 'm')]);
    expect(asked).toEqual([]);
    expect(await ids()).toEqual([1]);
  });

  it('tells that a table was renamed: it alone is held, and its changes under the new name are kept', async () => {
    const session = fixture.start();
    await fixture.stream.write([[items.shape(7), items.insert(1, 'a')]]);
    const renamed = new SourceTable('things', ['id', 'note']);
    await fixture.stream.write([[renamed.shape(7), renamed.insert(2, 'a'), others.insert(1, 'a')]]);
    await fixture.untilApplied(session);
    await session.stop();
    await fixture.apply([renamed.insert(3, 'a')], [others.insert(2, 'a')]);
    expect(await stateOf('items')).toMatchObject({
      state: 'held',
      kind: 'table_renamed',
      parked: 2,
    });
    expect(await ids('others')).toEqual([1, 2]);
  });

  it('that was renamed there and back before its first mark came is held, not passed over', async () => {
    const [found] = await fixture.rows(`select 'items'::regclass::int8::text as oid`);
    const renamed = new SourceTable('things', ['id', 'note']);
    await fixture.apply([renamed.shape(Number(found?.['oid'])), renamed.insert(2, 'a')]);
    expect(await stateOf('items')).toMatchObject({ state: 'held', parked: 1 });
    const foreign = new SourceTable('foreign_things', ['id', 'note']);
    await fixture.apply([foreign.shape(7), foreign.insert(2, 'a'), others.insert(1, 'a')]);
    expect(await ids('others')).toEqual([1]);
  });

  it('of former column names: rows of the old shape find the renamed column', async () => {
    await fixture.prepare();
    await fixture.destination.query(`alter table items rename column note to remark`);
    await fixture.destination.query(
      `insert into _bunny.column_name values ('${fixture.mirrorId}', 'public', 'items', 2, 'remark', '{note}')`,
    );
    const after = new SourceTable('items', ['id', 'remark']);
    await fixture.apply([items.insert(1, 'old'), after.insert(2, 'new')]);
    expect(await fixture.rows('select id, remark from items order by id')).toMatchObject([
      { id: 1, remark: 'old' },
      { id: 2, remark: 'new' },
    ]);
  });
});

describe('tables that come and go', () => {
  it('changes of a table that left the mirror are passed over', async () => {
    const gone = new SourceTable('gone', ['id']);
    await fixture.apply([gone.insert(1), items.insert(1, 'a')]);
    expect(await ids()).toEqual([1]);
  });

  it('a table that joins a streaming mirror without a copy runs from the position on', async () => {
    await fixture.apply([items.insert(1, 'a')]);
    const added = new SourceTable('added', ['id']);
    await fixture.createTable(added, 'create table added (id int primary key)');
    await fixture.apply([added.insert(1), items.insert(2, 'a')]);
    expect(await ids('added')).toEqual([1]);
  });
});
