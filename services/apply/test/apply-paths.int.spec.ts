import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApplyFixture } from './apply-fixture.js';
import { type Change, KEPT, SourceTable, truncate } from './stream-writer.js';

let fixture: ApplyFixture;

beforeEach(async () => {
  fixture = await ApplyFixture.open();
});

afterEach(async () => {
  await fixture.close();
});

const items = new SourceTable('items', ['id', 'name', 'note']);
const ITEMS = 'create table public.items (id int primary key, name text unique, note text)';

async function itemRows(): Promise<string[]> {
  const rows = await fixture.rows('select id, name, note from items order by id');
  return rows.map((row) => [row['id'], row['name'], row['note']].join('|'));
}

/** Enough rows that the set-based paths are chosen. */
function filler(from: number, count = 40): Change[] {
  return Array.from({ length: count }, (_, index) => items.insert(from + index, null, 'filler'));
}

describe('changes reach the destination', () => {
  it('a few rows by statements, many inserts by COPY, many changes as sets', async () => {
    await fixture.createTable(items, ITEMS);
    await fixture.apply([
      items.insert(1, 'one', null),
      items.insert(2, 'two\ttab\\slash\nline', '\\N'),
    ]);
    await fixture.apply(filler(100, 500));
    await fixture.apply([
      ...Array.from({ length: 100 }, (_, index) =>
        items.update(100 + index, `n${index}`, 'updated'),
      ),
      ...Array.from({ length: 100 }, (_, index) => items.delete(200 + index, null, null)),
      items.insert(900, 'nine', null),
    ]);
    const rows = await itemRows();
    expect(rows.slice(0, 3)).toEqual(['1|one|', '2|two\ttab\\slash\nline|\\N', '100|n0|updated']);
    expect(rows).toHaveLength(2 + 500 - 100 + 1);
    expect(rows.filter((row) => row.endsWith('|updated'))).toHaveLength(100);
    expect(rows.at(-1)).toBe('900|nine|');
  });

  it('a column that the source sent as unchanged keeps its value, also when the row changes several times', async () => {
    await fixture.createTable(items, ITEMS);
    await fixture.apply([
      items.insert(1, 'a', 'long'),
      items.insert(2, 'b', 'long'),
      ...filler(100),
    ]);
    await fixture.apply([items.update(1, 'a2', KEPT)]);
    await fixture.apply([
      items.update(1, 'a3', KEPT),
      items.update(2, 'b2', 'changed'),
      items.update(2, 'b3', KEPT),
      items.insert(3, 'c', 'new'),
      items.update(3, 'c2', KEPT),
      ...filler(200),
    ]);
    expect((await itemRows()).slice(0, 3)).toEqual(['1|a3|long', '2|b3|changed', '3|c2|new']);
    await fixture.untilStats({ missing_rows: 0 });
  });

  it('a changed key moves the row', async () => {
    await fixture.createTable(items, ITEMS);
    await fixture.apply([items.insert(1, 'a', null), items.insert(2, 'b', null), ...filler(100)]);
    await fixture.apply([items.updateFrom([1], 11, 'a', 'moved')]);
    await fixture.apply([
      items.updateFrom([2], 12, 'b', 'moved'),
      items.updateFrom([11], 21, 'a', 'once'),
      items.updateFrom([21], 31, 'a', 'twice'),
      ...filler(200),
    ]);
    expect((await itemRows()).slice(0, 2)).toEqual(['12|b|moved', '31|a|twice']);
    await fixture.apply(
      filler(100).map((_, index) => items.updateFrom([100 + index], 1100 + index, null, 'm')),
    );
    expect(
      (await fixture.rows('select count(*)::int as n from items where id >= 1100'))[0],
    ).toEqual({ n: 40 });
  });

  it('unique values are swapped, and taken over from deleted rows, inside one transaction', async () => {
    await fixture.createTable(items, ITEMS);
    await fixture.apply([
      items.insert(1, 'a', null),
      items.insert(2, 'b', null),
      items.insert(3, 'c', null),
    ]);
    await fixture.apply([
      ...filler(100),
      items.update(1, 'tmp', null),
      items.update(2, 'a', null),
      items.update(1, 'b', null),
      items.delete(3, null, null),
      items.insert(4, 'c', null),
    ]);
    expect((await itemRows()).slice(0, 3)).toEqual(['1|b|', '2|a|', '4|c|']);
    await fixture.untilStats({ exact_path_batches: 1 });
  });

  it('a key that is deleted and inserted again, and one inserted and deleted, end as they should', async () => {
    await fixture.createTable(items, ITEMS);
    await fixture.apply([items.insert(1, 'a', null), ...filler(100)]);
    await fixture.apply([
      ...filler(200),
      items.delete(1, null, null),
      items.insert(1, 'again', 'x'),
      items.insert(5, 'gone', null),
      items.update(5, 'gone2', null),
      items.delete(5, null, null),
    ]);
    expect((await itemRows())[0]).toBe('1|again|x');
    expect(await itemRows()).toHaveLength(81);
    await fixture.untilStats({ missing_rows: 0, exact_path_batches: 0 });
  });

  it('a missing row is inserted when the update carries all of it, else counted', async () => {
    await fixture.createTable(items, ITEMS);
    await fixture.apply([
      items.update(1, 'a', 'b'),
      items.update(2, 'x', KEPT),
      items.delete(3, null, null),
    ]);
    expect(await itemRows()).toEqual(['1|a|b']);
    await fixture.untilStats({ missing_rows: 3 });
    await fixture.apply([...filler(100), ...[7, 8].map((id) => items.update(id, `n${id}`, null))]);
    expect((await itemRows()).slice(0, 3)).toEqual(['1|a|b', '7|n7|', '8|n8|']);
    await fixture.untilStats({ missing_rows: 2 });
  });
});

describe('REPLICA IDENTITY FULL', () => {
  const full = new SourceTable('things', ['a', 'b', 'j'], [], 'f');

  it('without a key changes one row at a time, among duplicates and NULLs', async () => {
    await fixture.createTable(full, 'create table things (a int, b text, j json)');
    await fixture.apply([
      full.insert(1, 'x', '{"k": 1}'),
      full.insert(1, 'x', '{"k": 1}'),
      full.insert(null, null, null),
      full.insert(null, null, null),
    ]);
    await fixture.apply([
      full.updateFrom([1, 'x', '{"k": 1}'], 2, 'y', null),
      full.delete(null, null, null),
    ]);
    const rows = await fixture.rows('select a, b, j::text as j from things order by a nulls first');
    expect(rows).toEqual([
      { a: null, b: null, j: null },
      { a: 1, b: 'x', j: '{"k": 1}' },
      { a: 2, b: 'y', j: null },
    ]);
  });

  it('with a primary key at the destination is matched by that key, in sets too', async () => {
    await fixture.createTable(full, 'create table things (a int primary key, b text, j json)');
    await fixture.apply(Array.from({ length: 50 }, (_, i) => full.insert(i, 'x', '{}')));
    await fixture.apply([
      ...Array.from({ length: 30 }, (_, i) => full.updateFrom([i, 'x', '{}'], i, 'y', '[]')),
      full.updateFrom([40, 'x', '{}'], 140, 'z', null),
      full.delete(41, 'x', '{}'),
    ]);
    const rows = await fixture.rows(
      'select b, count(*)::int as n from things group by b order by b',
    );
    expect(rows).toEqual([
      { b: 'x', n: 18 },
      { b: 'y', n: 30 },
      { b: 'z', n: 1 },
    ]);
    await fixture.untilStats({ exact_path_batches: 0 });
  });

  it('a table without a replica identity takes inserts', async () => {
    const log = new SourceTable('log', ['line'], [], 'n');
    await fixture.createTable(log, 'create table log (line text)');
    await fixture.apply([log.insert('a'), log.insert('a'), log.insert(null)]);
    expect(await fixture.rows('select line from log')).toHaveLength(3);
  });
});

describe('TRUNCATE', () => {
  it('empties several tables of one command and restarts their sequences when asked', async () => {
    const other = new SourceTable('other', ['id', 'item']);
    await fixture.createTable(items, ITEMS);
    await fixture.createTable(
      other,
      'create table other (id int generated always as identity primary key, item int references items)',
    );
    await fixture.apply([items.insert(1, 'a', null), other.insert(7, 1), other.insert(8, 1)]);
    await fixture.apply([
      items.insert(2, 'b', null),
      truncate([items, other], { cascade: true, restartIdentity: true }),
      items.insert(3, 'c', null),
    ]);
    expect(await itemRows()).toEqual(['3|c|']);
    await fixture.destination.query('insert into other (item) values (3)');
    expect(await fixture.rows('select id from other')).toEqual([{ id: 1 }]);
  });
});

describe('destination tables of another shape', () => {
  it('order, extra, generated, identity and excluded columns are minded on every path', async () => {
    const source = new SourceTable('shapes', ['id', 'secret', 'n', 'twice']);
    await fixture.createTable(
      source,
      `create table shapes (extra text default 'kept', twice int generated always as (n * 2) stored, n int,
         id int generated always as identity primary key)`,
      { exclude_columns: ['secret'] },
    );
    await fixture.apply([source.insert(1, 's', 10, 20)]);
    await fixture.apply(Array.from({ length: 40 }, (_, i) => source.insert(100 + i, 's', i, 0)));
    await fixture.destination.query(`update shapes set extra = 'mine'`);
    await fixture.apply([source.update(1, 's', 11, 0)]);
    await fixture.apply(
      Array.from({ length: 40 }, (_, i) => source.update(100 + i, 's', i + 1, 0)),
    );
    await fixture.apply([source.updateFrom([1], 2, 's', 5, 0)]);
    const rows = await fixture.rows('select id, n, twice, extra from shapes order by id limit 2');
    expect(rows).toEqual([
      { id: 2, n: 5, twice: 10, extra: 'kept' },
      { id: 100, n: 1, twice: 2, extra: 'mine' },
    ]);
  });

  it('a column that the destination lacks stops the mirror if it is to, and is named; once it is there, the mirror goes on', async () => {
    await fixture.close();
    fixture = await ApplyFixture.open({ options: { on_table_error: 'stop' } });
    await fixture.createTable(items, 'create table items (id int primary key, name text)');
    await fixture.stream.write([[items.insert(1, 'a', 'b')]]);
    const session = fixture.start();
    expect(await session.failure()).toMatchObject({
      kind: 'schema_mismatch',
      detail: { table: 'public.items', columns: ['note'] },
    });
    await fixture.destination.query('alter table items add column note text');
    const next = fixture.start();
    await fixture.untilApplied(next);
    expect(await itemRows()).toEqual(['1|a|b']);
  });

  it('a type that is widened while a session runs loses nothing', async () => {
    await fixture.createTable(
      items,
      'create table items (id int primary key, name float4, note date)',
    );
    const session = fixture.start();
    const change = (n: number): Change[] =>
      Array.from({ length: 30 }, (_, i) =>
        items.update(i, `${n}.23456789012345`, '2026-01-02 03:04:05'),
      );
    await fixture.stream.write([
      [...Array.from({ length: 30 }, (_, i) => items.insert(i, 1, null))],
      change(1),
    ]);
    await fixture.untilApplied(session);
    await fixture.destination.query(
      'alter table items alter name type float8, alter note type timestamp',
    );
    await fixture.stream.write([change(2)]);
    await fixture.untilApplied(session);
    const [row] = await fixture.rows('select name::text, note::text from items where id = 3');
    expect(row).toEqual({ name: '2.23456789012345', note: '2026-01-02 03:04:05' });
  });

  it('names with quotes, dots, spaces, line breaks and other scripts', async () => {
    const odd = new SourceTable({ schema: 'Ünï.code', table: 'a"b *>.\n%' }, [
      'select',
      'c"d,e',
      'ß\n',
    ]);
    await fixture.destination.query('create schema "Ünï.code"');
    await fixture.createTable(
      odd,
      'create table "Ünï.code"."a""b *>.\n%" ("select" int primary key, "c""d,e" text, "ß\n" text)',
    );
    await fixture.apply(Array.from({ length: 40 }, (_, i) => odd.insert(i, 'a', 'b')));
    await fixture.apply([
      ...Array.from({ length: 40 }, (_, i) => odd.update(i, 'z', KEPT)),
      odd.delete(3, null, null),
    ]);
    await fixture.apply([odd.update(1, 'one', 'b')]);
    const rows = await fixture.rows('select count(*)::int as n from "Ünï.code"."a""b *>.\n%"');
    expect(rows).toEqual([{ n: 39 }]);
  });
});
