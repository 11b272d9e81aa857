import type pg from 'pg';
import type { SeededRandom } from './random.js';

/** Where the storm rages: everything in here may be altered, and is written to meanwhile. */
export const STORM_SCHEMA_NAME = 'storm';

export const STORM_SCHEMA = `
create schema storm;
create type storm.mood as enum ('glad', 'sad');
create table storm.anchor (id integer primary key, note text);
insert into storm.anchor select n, 'anchor ' || n from generate_series(1, 50) n;
create table storm.first (id serial primary key, a integer, b varchar(10) default 'b', c text not null default 'c', m storm.mood);
create table storm.second (id serial primary key, a bigint, n numeric(8, 2), at timestamptz default now(), ref integer references storm.anchor (id) on delete set null);
create table storm.third (id serial primary key, flag boolean default true, d date, body text);
insert into storm.first (a) select n from generate_series(1, 200) n;
insert into storm.second (a, n) select n, n / 7.0 from generate_series(1, 200) n;
insert into storm.third (body) select repeat('x', n) from generate_series(1, 200) n;
`;

export interface StormColumn {
  readonly name: string;
  /** As SQL. */
  readonly type: string;
  readonly isKey: boolean;
  readonly isRequired: boolean;
  readonly hasDefault: boolean;
}

export interface StormTable {
  readonly name: string;
  readonly columns: readonly StormColumn[];
  /** Names of checks and foreign keys. */
  readonly checks: readonly string[];
  readonly foreignKeys: readonly string[];
  readonly indexes: readonly string[];
}

/** The tables as they are now. */
export async function readStormTables(client: pg.Client): Promise<readonly StormTable[]> {
  const { rows } = await client.query<StormTable>(
    `select c.relname::text as name,
       (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                 'isKey', a.attnum = any (k.conkey), 'isRequired', a.attnotnull, 'hasDefault', a.atthasdef) order by a.attnum)
          from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
       array(select conname::text from pg_constraint x where x.conrelid = c.oid and x.contype = 'c' order by 1) as checks,
       array(select conname::text from pg_constraint x where x.conrelid = c.oid and x.contype = 'f' order by 1) as "foreignKeys",
       array(select x.indexrelid::regclass::text from pg_index x where x.indrelid = c.oid and not x.indisprimary order by 1) as indexes
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
     where n.nspname = '${STORM_SCHEMA_NAME}' and c.relkind = 'r' and c.relname <> 'anchor' order by 1`,
  );
  return rows;
}

/** A statement that changes a few rows, of whatever columns the table has. */
export function randomWrite(table: StormTable, random: SeededRandom): string {
  const name = `storm.${table.name}`;
  const columns = table.columns.filter((column) => !column.isKey);
  const choice = random.next();
  if (choice < 0.12)
    return `delete from ${name} where id = (select id from ${name} order by id offset ${random.below(30)} limit 1)`;
  const column = random.of(columns);
  if (choice < 0.6 && column) {
    const value = randomValue(column, random);
    return `update ${name} set ${column.name} = ${value} where id in (select id from ${name} order by id desc offset ${random.below(40)} limit 5)`;
  }
  const given = columns.filter(({ hasDefault }) => !hasDefault || random.isBelow(0.5));
  if (given.length === 0) return `insert into ${name} default values`;
  const rows = Array.from({ length: 1 + random.below(4) }, () => {
    const values = given.map((one) => randomValue(one, random));
    return `(${values.join(', ')})`;
  });
  return `insert into ${name} (${given.map((one) => one.name).join(', ')}) values ${rows.join(', ')}`;
}

function randomValue({ name, type, isRequired }: StormColumn, random: SeededRandom): string {
  if (!isRequired && random.isBelow(0.15)) return 'null';
  if (name.startsWith('ref')) return String(1 + random.below(50));
  const length = /^character varying\((\d+)\)$/.exec(type)?.[1];
  if (length !== undefined) return text(random, Number(length));
  if (type.startsWith('numeric')) return `${random.below(90_000)}.${random.below(100)}`;
  switch (type) {
    case 'integer':
      return String(random.below(1_000_000));
    case 'bigint':
      return String(2 ** 33 + random.below(1_000_000));
    case 'boolean':
      return random.isBelow(0.5) ? 'true' : 'false';
    case 'date':
      return `date '2020-01-01' + ${random.below(3_000)}`;
    case 'timestamp with time zone':
      return `timestamptz '2020-01-01' + ${random.below(9_000_000)} * interval '1 second'`;
    case 'storm.mood':
      return random.isBelow(0.5) ? `'glad'` : `'sad'`;
    default:
      return text(random, 40);
  }
}

function text(random: SeededRandom, lengthMax: number): string {
  const length = 1 + random.below(lengthMax);
  return `'${'abcdefghij\t\\é'.repeat(lengthMax).slice(0, length)}'`;
}
