import type { MirrorSpec, TableMapping } from '@bunnydb/contracts';
import type { Messaging } from '@bunnydb/messaging';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PatternWatch } from '../src/shell/pattern-watch.js';
import { SourceTableWatch } from '../src/shell/source-table-watch.js';
import { withPeer } from '../src/shell/peer-session.js';
import { FollowFixture } from './follow-fixture.js';

let fixture: FollowFixture;

beforeEach(async () => {
  fixture = await FollowFixture.open();
});

afterEach(async () => {
  await fixture.close();
});

const name = (table: string) => ({ schema: 'public', table });
const RENAMED: TableMapping = {
  source: name('b'),
  destination: name('b'),
  exclude_columns: [],
  former_sources: [name('a')],
  former_destinations: [name('a')],
};

/** The mirror's rows are in this table of the destination. */
async function noteRows(destination: string): Promise<void> {
  await fixture.destination.query(
    `insert into _bunny.table_state (mirror_id, source_schema, source_table, destination_schema, destination_table, state, copy_lsn)
     values ($1, 'public', $2, 'public', $2, 'running', '0/1')`,
    [fixture.schema.spec([]).id, destination],
  );
}

async function destinationTables(): Promise<readonly string[]> {
  const rows = await fixture.destination.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
  );
  return rows.map((row) => row.name);
}

describe('a table that was renamed at the source', () => {
  it('is renamed at the destination, once', async () => {
    await fixture.source.query('create table b (id int primary key)');
    await fixture.destination.query('create table a (id int primary key)');
    await noteRows('a');
    for (let turn = 0; turn < 2; turn += 1) {
      await fixture.schema.provision([RENAMED]);
      expect(await destinationTables()).toEqual(['b']);
    }
  });

  it('is not left apart from its rows when another table has its new name', async () => {
    await fixture.source.query('create table b (id int primary key)');
    await fixture.destination.query(
      'create table a (id int primary key); create table b (id int primary key)',
    );
    await noteRows('a');
    await expect(fixture.schema.provision([RENAMED])).rejects.toMatchObject({
      kind: 'schema_mismatch',
      message: expect.stringContaining('rename or drop it'),
    });
    await fixture.destination.query('drop table b');
    await fixture.schema.provision([RENAMED]);
    expect(await destinationTables()).toEqual(['b']);
  });

  it('does not join the mirror as a new one, and what takes its name does once it has been followed', async () => {
    await fixture.source.query('create table a (id int primary key)');
    const [before] = await fixture.source.query<{ oid: number }>(
      `select 'a'::regclass::int8::float8 as oid`,
    );
    await fixture.source.query('alter table a rename to b; create table c (id int primary key)');
    const told: unknown[] = [];
    const pattern = { source_schema: 'public', destination_schema: 'public', exclude_columns: [] };
    const spec: MirrorSpec = { ...fixture.schema.spec(['public.a']), patterns: [pattern] };
    const watch = new PatternWatch(spec, (_, body) => {
      told.push(body);
      return Promise.resolve();
    });
    const openSecret = (sealed: string) => sealed;
    await withPeer({ peer: spec.source, role: 'source', openSecret }, async (client) => {
      await watch.look(client, new Set([before?.oid ?? 0]));
      expect(told).toMatchObject([{ tables: [{ source: name('c') }] }]);
      await watch.look(client, new Set());
      expect(told[1]).toMatchObject({ tables: [{ source: name('b') }, { source: name('c') }] });
    });
  });

  it('is known by its number from the moment on that the applier has taken the mirror up, and told as moved', async () => {
    for (const side of [fixture.source, fixture.destination])
      await side.query('create table a (id int primary key)');
    await fixture.schema.provision(['public.a']);
    await fixture.source.query('create publication ours for table a; alter table a rename to b');
    const spec: MirrorSpec = { ...fixture.schema.spec(['public.a']), publication_name: 'ours' };
    const told: unknown[] = [];
    const watch = new SourceTableWatch({
      spec,
      messaging: { publishJson: () => undefined } as unknown as Messaging,
      emit: (_, body) => {
        told.push(body);
        return Promise.resolve();
      },
    });
    const openSecret = (sealed: string): string => sealed;
    await withPeer({ peer: spec.source, role: 'source', openSecret }, (source) =>
      withPeer({ peer: spec.destination, role: 'destination', openSecret }, async (destination) => {
        await watch.look(source, destination);
        expect(watch.numbers).toBeUndefined();
        await noteRows('a');
        await fixture.destination.query(
          `insert into _bunny.position (mirror_id, mirror_name, epoch, lsn, stream_seq, source_system_id) values ($1, 'm', 1, 'F/0', 1, '1')`,
          [spec.id],
        );
        await watch.look(source, destination);
        const [now] = await fixture.source.query<{ oid: number }>(
          `select 'b'::regclass::int8::float8 as oid`,
        );
        expect([...(watch.numbers ?? [])]).toEqual([now?.oid]);
        expect(told).toEqual([{ tables: [{ table: name('a'), to: name('b') }] }]);
      }),
    );
  });
});
