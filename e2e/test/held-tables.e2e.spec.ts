import { samePair, until } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TableView } from '../src/api-client.js';
import { deleteChangeStream } from '../src/change-stream-copy.js';
import type { DatabasePair } from '../src/database-pair.js';
import { askResync, copyAgain } from '../src/fresh-copy.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { remainsOf } from '../src/remains.js';
import { STACK_SERVICES, type Stack, startStack } from '../src/stack.js';

const SCHEMA = `
create table item (id integer primary key, code text not null, constraint item_code_key unique (code));
create table part (id integer primary key, code text not null, constraint part_code_key unique (code));
create table other (id integer primary key, v text);`;
const ROWS = `
insert into item select i, 'item ' || i from generate_series(1, 20) i;
insert into part select i, 'part ' || i from generate_series(1, 20) i;
insert into other select i, 'v' from generate_series(1, 20) i;`;
const SECRET = 'the-code-of-nobody';
const TABLES = ['item', 'part', 'other'].map((table) => samePair('public', table));
const OTHERS = [samePair('public', 'other')];

describe('tables that cannot be applied', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    stack = await startStack('held');
    pair = await stack.createPair({ source: SCHEMA + ROWS, destination: SCHEMA });
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(() => stack?.stop());

  let nextId = 1_000;

  /** Has the destination refuse the next row of the table; tells that row's id. */
  async function plantViolation(table: string, on: DatabasePair = pair): Promise<number> {
    const id = (nextId += 1);
    await on.destination.query(`insert into ${table} values ($1, $2)`, [-id, `${SECRET} ${id}`]);
    await on.source.query(`insert into ${table} values ($1, $2)`, [id, `${SECRET} ${id}`]);
    return id;
  }

  async function removePlanted(table: string, on: DatabasePair = pair): Promise<void> {
    await on.destination.query(`delete from ${table} where id < 0`);
  }

  /** Asks for another try, which the table may just have had by itself, and waits until it is with the others. */
  async function mend(table: string): Promise<void> {
    const { status } = await stack.api.call('POST', `/v1/mirrors/${mirror.name}/retry`, { table });
    expect([200, 409]).toContain(status);
    await mirror.waitForTable(table, 'running');
  }

  async function writeOthers(): Promise<void> {
    await pair.source.query(`insert into other values ($1, 'goes on')`, [(nextId += 1)]);
    await mirror.waitForEqual(OTHERS);
  }

  test('a unique violation holds exactly that table within seconds, tells why without a value, and a retry after the mend makes all equal', async () => {
    await plantViolation('item');
    const held = await mirror.waitForTable('public.item', 'error', 15_000);
    expect(held.error_message).toMatch(/constraint was violated/);
    expect(held.error_message).toContain('public.item');
    expect(held.error_message).toContain('item_code_key');
    expect(held.error_message).toContain('columns code');
    expect(held.error_message).toMatch(/commit lsn [0-9A-F]+\/[0-9A-F]+/);
    expect(JSON.stringify(await mirror.view())).not.toContain(SECRET);
    expect(Date.parse(held.next_retry_at ?? '')).toBeGreaterThan(Date.now() - 60_000);
    await pair.source.query(`update item set code = 'changed meanwhile' where id = 1`);
    await writeOthers();
    const { status, tables } = await mirror.view();
    expect(status).toBe('running');
    // It may be trying again just now.
    expect(Object.values(statesOf(tables)).flat()).toEqual(['public.item']);
    await removePlanted('item');
    await mend('public.item');
    await mirror.waitForEqual(TABLES);
  });

  test('one source transaction is skipped by its LSN, the changes before and after it are not', async () => {
    await pair.source.query(`update item set code = 'before' where id = 2`);
    const id = await plantViolation('item');
    const { error_message } = await mirror.waitForTable('public.item', 'error');
    await pair.source.query(`update item set code = 'after' where id = 3`);
    const lsn = /commit lsn ([0-9A-F]+\/[0-9A-F]+)/.exec(error_message ?? '')?.[1];
    const answer = await stack.api.call('POST', `/v1/mirrors/${mirror.name}/retry`, {
      table: 'public.item',
      skip_lsn: lsn,
    });
    expect(answer.status).toBe(200);
    await mirror.waitForTable('public.item', 'running');
    await mirror.waitForCatchUp();
    const { rows } = await pair.destination.query<{ id: number; code: string }>(
      'select id, code from item where id in (2, 3, $1) order by id',
      [id],
    );
    expect(rows.map(({ code }) => code)).toEqual(['before', 'after']);
    // Who skipped what is in the mirror's history.
    const logs = await stack.api.call('GET', `/v1/mirrors/${mirror.name}/logs?limit=500`);
    expect(JSON.stringify(logs.body)).toContain(lsn);
    await removePlanted('item');
    await pair.source.query('delete from item where id = $1', [id]);
    await mirror.waitForEqual(TABLES);
  });

  test('several tables are held at once, and each comes back by itself', async () => {
    await plantViolation('item');
    await plantViolation('part');
    await mirror.waitForTable('public.item', 'error');
    await mirror.waitForTable('public.part', 'error');
    await writeOthers();
    await removePlanted('part');
    await mend('public.part');
    // It tries again by itself, so it may be under way just now.
    expect(Object.values(statesOf((await mirror.view()).tables)).flat()).toEqual(['public.item']);
    await removePlanted('item');
    await mend('public.item');
    await mirror.waitForEqual(TABLES);
  });

  test('a held table comes back without anybody asking, once its wait is over and the row is gone', async () => {
    await plantViolation('item');
    await mirror.waitForTable('public.item', 'error');
    await removePlanted('item');
    await mirror.waitForTable('public.item', 'running');
    await mirror.waitForEqual(TABLES);
  });

  test('a table that is dropped at the destination is held, and equal again after it was made anew and copied', async () => {
    await pair.destination.query('drop table part');
    await pair.source.query(`update part set code = 'lost' where id = 1`);
    const held = await mirror.waitForTable('public.part', 'held');
    expect(held.error_message).toContain('public.part');
    await writeOthers();
    await pair.destination.query(
      'create table part (id integer primary key, code text not null, constraint part_code_key unique (code))',
    );
    await copyAgain(stack, pair, mirror, { table: 'public.part', strategy: 'truncate' });
    await mirror.waitForTable('public.part', 'running');
    await mirror.waitForEqual(TABLES);
  });

  test('a held table loses nothing when everything is restarted and the whole change stream is lost', async () => {
    await plantViolation('item');
    await mirror.waitForTable('public.item', 'error');
    await pair.source.query(`update item set code = code || '!' where id between 4 and 9`);
    await pair.source.query(`delete from item where id = 10`);
    await mirror.waitForCatchUp();
    await slotPasses(pair, mirror);
    await Promise.all(STACK_SERVICES.map((service) => stack.kill(service)));
    await deleteChangeStream(stack.natsUrl, mirror.name);
    await Promise.all(STACK_SERVICES.map((service) => stack.restart(service)));
    await pair.source.query(`update item set code = code || '?' where id between 8 and 12`);
    await mirror.waitForCatchUp();
    await removePlanted('item');
    await mend('public.item');
    await mirror.waitForEqual(TABLES);
  });

  test('with on_table_error stop the mirror stops, tells why, and goes on after the mend', async () => {
    const own = await stack.createPair({ source: SCHEMA + ROWS, destination: SCHEMA });
    const strict = await own.createMirror({ all_tables: true, on_table_error: 'stop' });
    await strict.waitForStatus('running');
    await plantViolation('item', own);
    const { error_message } = await strict.waitForStatus('error');
    expect(error_message).toContain('item_code_key');
    await own.source.query(`insert into other values (500, 'waits')`);
    const { rows } = await own.destination.query('select 1 from other where id = 500');
    expect(rows).toEqual([]);
    await removePlanted('item', own);
    await stack.api.call('POST', `/v1/mirrors/${strict.name}/retry`, {});
    await strict.waitForEqual(TABLES);
    await strict.remove();
    expect(await remainsOf(own, stack.natsUrl)).not.toContainEqual(
      expect.stringMatching(/source|dest/),
    );
  });

  test('deleting a mirror with a held table and a resync under way leaves nothing at the source, the destination and in NATS', async () => {
    await pair.source.query(
      `insert into other select i, repeat('o', 300) from generate_series(10000, 60000) i`,
    );
    await plantViolation('item');
    await mirror.waitForTable('public.item', 'error');
    await askResync(stack, pair, mirror, { table: 'public.other', strategy: 'swap' });
    await mirror.remove();
    let remains: readonly string[] = [];
    await until(async () => (remains = await remainsOf(pair, stack.natsUrl)).length === 0, {
      timeoutMs: 15_000,
      what: () => `nothing to be left: ${remains.join(', ')}`,
    });
  });
});

/** The tables that are not in the main lane, by their status. */
function statesOf(tables: readonly TableView[] | undefined): Record<string, string[]> {
  const states: Record<string, string[]> = {};
  for (const { status, table_name: name } of tables ?? [])
    if (status !== 'running') (states[status] ??= []).push(name);
  return states;
}

/** Waits until the slot has passed all that is committed now: what is parked is nowhere else any more. */
async function slotPasses(pair: DatabasePair, mirror: MirrorFixture): Promise<void> {
  const { rows } = await pair.destination.query<{ lsn: string }>(
    'select lsn::text from _bunny.position where mirror_name = $1',
    [mirror.name],
  );
  const { slot_name: slot } = await mirror.view();
  await pair.until(async () => {
    const answer = await pair.source.query<{ passed: boolean }>(
      'select confirmed_flush_lsn >= $2::pg_lsn as passed from pg_replication_slots where slot_name = $1',
      [slot, rows[0]?.lsn],
    );
    return answer.rows[0]?.passed === true;
  }, 'the slot to pass what is parked');
}
