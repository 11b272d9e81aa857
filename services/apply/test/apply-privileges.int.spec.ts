import { randomBytes } from 'node:crypto';
import { lanesSubject } from '@bunnydb/contracts';
import { until } from '@bunnydb/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApplyFixture } from './apply-fixture.js';
import { SourceTable } from './stream-writer.js';

const items = new SourceTable('items', ['id', 'note']);
const others = new SourceTable('others', ['id', 'note']);
let fixture: ApplyFixture;
let role: string;

beforeEach(async () => {
  role = `writer_${randomBytes(4).toString('hex')}`;
  fixture = await ApplyFixture.open({ user: role });
  const { destination } = fixture;
  await destination.query(`create role ${role} login`);
  await destination.query(`grant create, temp on database ${destination.name} to ${role}`);
  for (const table of [items, others]) {
    const { table: name } = table.name;
    await fixture.createTable(table, `create table ${name} (id int primary key, note text)`);
    await destination.query(`grant all on ${name} to ${role}`);
  }
});

afterEach(async () => {
  await fixture.destination.query(`drop owned by ${role} cascade`);
  await fixture.close();
});

async function stateOf(table: string): Promise<Record<string, unknown> | undefined> {
  const [row] = await fixture.rows(
    `select state, reason->>'kind' as kind, next_retry_at is not null as is_timed
       from _bunny.table_state where source_table = '${table}'`,
  );
  return row;
}

describe('a table that the role may not write to any more', () => {
  const REVOKED = {
    take: () => `revoke insert, update on items from ${role}`,
    give: () => `grant insert, update on items to ${role}`,
  };
  // A policy would let no row pass and say nothing.
  const GUARDED = {
    take: () => 'alter table items enable row level security',
    give: () => 'alter table items disable row level security',
  };

  it.each([
    ['one row', 1, REVOKED],
    ['rows that are staged', 400, REVOKED],
    ['one row, under row level security', 1, GUARDED],
    ['rows that are staged, under row level security', 400, GUARDED],
  ])('holds alone, and goes on once the privilege is back: %s', async (_, count, privilege) => {
    const { destination } = fixture;
    await fixture.apply([items.insert(0, 'a'), others.insert(0, 'a')]);
    await destination.query(privilege.take());
    const session = fixture.start();
    const rows = Array.from({ length: count }, (_row, index) => items.insert(index + 1, 'a'));
    await fixture.stream.write([[items.update(0, 'b'), ...rows, others.insert(1, 'a')]]);
    await fixture.untilApplied(session);
    expect(await fixture.rows('select id from others order by id')).toEqual([{ id: 0 }, { id: 1 }]);
    expect(await stateOf('items')).toEqual({
      state: 'error',
      kind: 'privilege_missing',
      is_timed: true,
    });
    await destination.query(privilege.give());
    await destination.query(
      `update _bunny.table_state set next_retry_at = now() where source_table = 'items'`,
    );
    fixture.messaging.publishJson(lanesSubject(fixture.mirrorId), {});
    await until(async () => (await stateOf('items'))?.['state'] === 'running', {
      timeoutMs: 15_000,
      what: 'the table to run again',
    });
    expect(await fixture.rows('select count(*)::int as count from items')).toEqual([
      { count: count + 1 },
    ]);
    await session.stop();
  });

  it('does not stop the mirror; its own bookkeeping does, if it may not be written', async () => {
    await fixture.apply([items.insert(0, 'a')]);
    const session = fixture.start();
    await fixture.stream.write([[items.insert(1, 'a')]]);
    await fixture.untilApplied(session);
    await fixture.destination.query(`revoke update on _bunny.position from ${role}`);
    await fixture.stream.write([[items.insert(2, 'a')]]);
    expect(await session.failure()).toMatchObject({ kind: 'privilege_missing' });
    expect(await stateOf('items')).toMatchObject({ state: 'running' });
  });
});
