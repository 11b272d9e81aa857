import { type NatsServer, startNats, until } from '@bunnydb/testkit';
import { settingsOf } from '@bunnydb/pg-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cleanDestination } from '../src/shell/clean-destination.js';
import { ApplyFixture } from './apply-fixture.js';
import { SourceTable } from './stream-writer.js';

let nats: NatsServer | undefined;
let fixture: ApplyFixture;
const items = new SourceTable('items', ['id', 'note']);

beforeEach(async () => {
  nats = await startNats();
  fixture = await ApplyFixture.open({ natsUrl: nats.url });
  await fixture.createTable(items, 'create table items (id int primary key, note text)');
});

afterEach(async () => {
  await fixture.close();
  await nats?.stop();
});

async function count(): Promise<unknown> {
  return (await fixture.rows('select count(*)::int as n from items'))[0]?.['n'];
}

describe('an outage', () => {
  it('of NATS is waited out by the same session', async () => {
    const session = fixture.start();
    await fixture.stream.write([[items.insert(1, 'a')]]);
    await fixture.untilApplied(session);
    const { dataDir, port } = nats ?? { dataDir: '', port: 0 };
    await nats?.kill();
    nats = await startNats({ dataDir, port });
    await until(() => fixture.messaging.connected, { what: 'the connection to come back' });
    await fixture.stream.write([[items.insert(2, 'b')]]);
    await fixture.untilApplied(session);
    expect(await count()).toBe(2);
    await session.stop();
  });

  it('of the temporary consumer is mended', async () => {
    const session = fixture.start();
    await fixture.stream.write([[items.insert(1, 'a')]]);
    await fixture.untilApplied(session);
    const { jsm } = fixture.messaging;
    const stream = `BUNNY_CDC_${fixture.mirrorId}`;
    for await (const consumer of jsm.consumers.list(stream))
      await jsm.consumers.delete(stream, consumer.name);
    await fixture.stream.write([[items.insert(2, 'b')]]);
    await fixture.untilApplied(session);
    expect(await count()).toBe(2);
    await session.stop();
  });

  it('between large and small messages leaves none out', async () => {
    const session = fixture.start();
    const large = 'x'.repeat(900_000);
    for (let batch = 0; batch < 40; batch++) {
      await fixture.stream.write([[items.insert(batch * 10, batch % 3 === 0 ? large : 'small')]]);
      await fixture.stream.write([[items.insert(batch * 10 + 1, 'tiny')]]);
    }
    await fixture.untilApplied(session);
    expect(await count()).toBe(80);
    await session.stop();
  });
});

describe('cleaning up', () => {
  it('removes the bookkeeping, with the last mirror all of it, and may be done twice', async () => {
    await fixture.apply([items.insert(1, 'a')]);
    const { spec } = fixture;
    const settings = settingsOf(spec.destination, (sealed) => sealed, 'clean');
    await fixture.destination.query(
      `insert into _bunny.position (mirror_id, mirror_name, epoch, lsn, stream_seq, source_system_id)
       values ('other', 'other', 1, '0/1', 0, '1')`,
    );
    expect(await cleanDestination(settings, spec, false)).toEqual([]);
    expect(await fixture.rows('select mirror_id from _bunny.position')).toEqual([
      { mirror_id: 'other' },
    ]);
    expect(await cleanDestination(settings, { ...spec, id: 'other' }, false)).toEqual([]);
    expect(await fixture.rows(`select 1 from pg_namespace where nspname = '_bunny'`)).toEqual([]);
    expect(await cleanDestination(settings, spec, false)).toEqual([]);
    expect(await count()).toBe(1);
  });

  it('drops shadow tables, and validates the foreign keys that swaps have left', async () => {
    await fixture.apply([items.insert(1, 'a')]);
    const { spec } = fixture;
    await fixture.destination.query(`
      create table _bunny.shadow_table (mirror_id text, destination_schema text, destination_table text, shadow_table text, swapped_at timestamptz);
      create table _bunny.foreign_key (mirror_id text, table_schema text, table_name text, constraint_name text);
      create table shadow (id int); create table parent (id int primary key); create table child (fits int, other int);
      insert into child values (null, 7);
      alter table child add constraint fits foreign key (fits) references parent not valid;
      alter table child add constraint other foreign key (other) references parent not valid;
      insert into _bunny.shadow_table values ('${spec.id}', 'public', 'items', 'shadow', null), ('${spec.id}', 'public', 'parent', 'parent', now());
      insert into _bunny.foreign_key values ('${spec.id}', 'public', 'child', 'fits'), ('${spec.id}', 'public', 'child', 'other')`);
    const settings = settingsOf(spec.destination, (sealed) => sealed, 'clean');
    expect(await cleanDestination(settings, spec, false)).toEqual([
      'the foreign key other of public.child is not validated',
    ]);
    expect(
      await fixture.rows(`select to_regclass('shadow') as shadow, to_regclass('parent')::text as parent,
        (select convalidated from pg_constraint where conname = 'fits') as fits, to_regnamespace('_bunny') as bunny`),
    ).toEqual([{ shadow: null, parent: 'parent', fits: true, bunny: null }]);
  });

  it('gives up on a server out of reach only when forced, and says what it left', async () => {
    const { spec } = fixture;
    const settings = { ...settingsOf(spec.destination, (sealed) => sealed, 'clean'), port: 1 };
    await expect(cleanDestination(settings, spec, false)).rejects.toMatchObject({
      kind: 'destination_unreachable',
    });
    expect(await cleanDestination(settings, spec, true)).toEqual([
      expect.stringContaining(`mirror ${spec.id} in schema _bunny`),
    ]);
  });
});
