import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { ApplyFixture, type FixtureOptions } from './apply-fixture.js';
import { SourceTable } from './stream-writer.js';

const parents = new SourceTable('parents', ['id', 'name']);
const children = new SourceTable('children', ['id', 'parent']);
const roles: string[] = [];
let fixture: ApplyFixture;

async function open(options: FixtureOptions = {}): Promise<void> {
  fixture = await ApplyFixture.open(options);
}

/** A role that owns the tables and may nothing else. */
async function openAsPlainRole(options: FixtureOptions['options'] = {}): Promise<string> {
  const role = `plain_${randomBytes(4).toString('hex')}`;
  roles.push(role);
  await open({ user: role, options });
  await fixture.destination.query(`create role ${role} login`);
  await fixture.destination.query(
    `grant create on database ${fixture.destination.name} to ${role}`,
  );
  await fixture.destination.query(`grant create on schema public to ${role}`);
  return role;
}

async function createFamily(action: string, owner?: string): Promise<void> {
  await fixture.createTable(parents, 'create table parents (id int primary key, name text)');
  await fixture.createTable(
    children,
    `create table children (id int primary key, parent int references parents ${action})`,
  );
  if (owner !== undefined)
    for (const table of ['parents', 'children'])
      await fixture.destination.query(`alter table ${table} owner to ${owner}`);
}

afterEach(async () => {
  await fixture.destination.query(
    roles.map((role) => `drop owned by ${role} cascade`).join(';') || 'select 1',
  );
  await fixture.close();
  roles.length = 0;
});

describe('triggers and foreign keys of the destination', () => {
  it('stay silent, so that a cascade is not carried out twice and rows may come in any order', async () => {
    await open();
    await createFamily('on delete cascade');
    await fixture.destination.query(`
      create table fired (name text);
      create function note() returns trigger language plpgsql as $$ begin insert into fired values (tg_name); return new; end $$;
      create trigger ordinary before insert on parents for each row execute function note();`);
    await fixture.apply([
      children.insert(1, 10),
      children.insert(2, 10),
      parents.insert(10, 'a'),
      parents.insert(20, 'b'),
    ]);
    // At the source the first child had moved to the other parent before its old one went.
    await fixture.apply([
      parents.delete(10, null),
      children.update(1, 20),
      children.delete(2, null),
    ]);
    expect(await fixture.rows('select id, parent from children')).toEqual([{ id: 1, parent: 20 }]);
    expect(await fixture.rows('select name from fired')).toEqual([]);
    await fixture.untilStats({ missing_rows: 0 });
  });

  it('are checked at the end of the transaction for a role that cannot silence them', async () => {
    const role = await openAsPlainRole();
    await createFamily('deferrable initially deferred', role);
    await fixture.apply([children.insert(1, 10), parents.insert(10, 'a')]);
    await fixture.apply([parents.delete(10, null), children.delete(1, null)]);
    expect(await fixture.rows('select id from parents')).toEqual([]);
  });

  it('that cannot be deferred are satisfied row by row in the source order', async () => {
    const role = await openAsPlainRole();
    await createFamily('', role);
    const rows = Array.from({ length: 30 }, (_, id) => [
      parents.insert(id, 'a'),
      children.insert(id, id),
    ]).flat();
    await fixture.apply(rows);
    await fixture.apply(
      Array.from({ length: 30 }, (_, id) => [
        children.delete(id, null),
        parents.delete(id, null),
      ]).flat(),
    );
    expect(await fixture.rows('select id from children')).toEqual([]);
  });

  it('that would act are refused for a role that cannot silence them, with the grant that mends it', async () => {
    const role = await openAsPlainRole();
    await createFamily('on delete cascade', role);
    expect(await fixture.start().failure()).toMatchObject({
      kind: 'privilege_missing',
      detail: {
        tables: ['public.parents'],
        fix: `grant set on parameter session_replication_role to "${role}"`,
      },
    });
    await fixture.destination.query(`grant set on parameter session_replication_role to ${role}`);
    await fixture.apply([children.insert(1, 10), parents.insert(10, 'a')]);
    expect(await fixture.rows('select id from children')).toEqual([{ id: 1 }]);
  });
});
