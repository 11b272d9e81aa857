import { POSTGRES_VERSIONS, startPostgres } from '@bunnydb/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { CopyFixture } from './copy-fixture.js';

let fixture: CopyFixture | undefined;

afterEach(async () => {
  await fixture?.untilNothingIsLeft();
  await fixture?.close();
  fixture = undefined;
});

/** Types whose binary form is the same everywhere, with extremes. */
const BINARY_TYPES: readonly (readonly [string, string])[] = [
  ['bool', 'true'],
  ['int2', '-32768'],
  ['int8', '9223372036854775807'],
  ['float4', `'-Infinity'`],
  ['float8', `'NaN'`],
  ['numeric', `'NaN'`],
  ['numeric(1000,500)', `repeat('9', 500)::numeric + 1e-500`],
  ['money', `'-12.34'`],
  ['text', `E'tab\\tnew\\nline\\r\\\\N \\\\. "quote" ''s ü😀'`],
  ['varchar(10)', `'ab'`],
  ['char(5)', `'a'`],
  ['"char"', `'x'`],
  ['name', `'a name'`],
  ['bytea', `decode('000102ff5c0a', 'hex')`],
  ['bit(5)', `B'10101'`],
  ['varbit', `B'101'`],
  ['date', `'infinity'`],
  ['date', `'0044-03-15 BC'`],
  ['time', `'24:00:00'`],
  ['timetz', `'12:34:56.789-15:59'`],
  ['timestamp', `'294276-12-31 23:59:59.999999'`],
  ['timestamptz', `'4713-01-01 00:00:00+00 BC'`],
  ['interval', `'-178000000 years 11 mons -3 days 04:05:06.789'`],
  ['uuid', `'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'`],
  ['json', `'{"a": 1.00000000000000000001, "a": null }'`],
  ['jsonb', `'{"a": [1.00000000000000000001, "\\\\u00fc"]}'`],
  ['inet', `'10.0.0.1/8'`],
  ['cidr', `'2001:db8::/32'`],
  ['macaddr', `'08:00:2b:01:02:03'`],
  ['macaddr8', `'08:00:2b:01:02:03:04:05'`],
  ['point', `'(1.5,-2)'`],
  ['line', `'{1,2,3}'`],
  ['lseg', `'[(0,0),(1,1)]'`],
  ['box', `'((0,0),(1,1))'`],
  ['path', `'((0,0),(1,1),(2,0))'`],
  ['polygon', `'((0,0),(1,1),(2,0))'`],
  ['circle', `'<(1,1),3>'`],
  ['tsvector', `'a:1A fat:2B,4C cat:5'`],
  ['tsquery', `'fat & (rat | !cat:*A)'`],
  ['jsonpath', `'$.a[*] ? (@ > 1)'`],
  ['int4range', `'[1,10)'`],
  ['numrange', `'empty'`],
  ['tstzrange', `'(,2024-01-01 00:00:00+00]'`],
  ['datemultirange', `'{[2020-01-01,2020-02-01),[2021-01-01,)}'`],
  ['int4[]', `'[-1:1][2:3]={{1,2},{3,NULL},{5,6}}'`],
  ['text[]', `array['a,b', '{}', '"', null, 'NULL']`],
  ['timestamptz[]', `array['infinity', '2024-02-29 12:00:00+05']::timestamptz[]`],
  ['oid', '4294967295'],
  ['pg_lsn', `'FFFFFFFF/FFFFFFFF'`],
  ['txid_snapshot', `'10:20:10,14,15'`],
  ['xid8', `'18446744073709551615'`],
];

/** Types that have to go in text, or whose schema object differs between the sides. */
const TEXT_TYPES: readonly (readonly [string, string])[] = [
  ['mood', `'so so'`],
  ['mood[]', `array['happy', null]::mood[]`],
  ['positive', '5'],
  ['positive[]', 'array[1, 2]::positive[]'],
  ['pair', `row(1, 'a,"b')`],
  ['nested', `row(row(1, null), 'happy')`],
  ['pair[]', `array[row(1, 'x')::pair]`],
  ['floatrange', `'[1.5,2.5)'`],
  ['xml', `'<a b="c">ü</a>'`],
  ['regclass', `'pg_catalog.pg_class'`],
  ['regtype', `'integer[]'`],
  ['citext', `'CaSe'`],
  ['hstore', `'"a"=>"1", "b"=>NULL'`],
  ['ltree', `'Top.Science'`],
];

const OWN_TYPES = `
  create type mood as enum ('sad', 'so so', 'happy');
  create domain positive as int check (value > 0);
  create type pair as (n int, t text);
  create type nested as (p pair, m mood);
  create type floatrange as range (subtype = float8);
  create extension citext; create extension hstore; create extension ltree`;

function createStatement(types: readonly (readonly [string, string])[]): string {
  const columns = types.map(([type], index) => `c${index} ${type}`);
  return `create table t (id int primary key, ${columns.join(', ')})`;
}

function insertStatement(types: readonly (readonly [string, string])[]): string {
  const values = types.map(([type, value]) => `(${value})::${type}`);
  return `insert into t values (1, ${values.join(', ')}), (2${', null'.repeat(types.length)})`;
}

describe('the format of a copy', () => {
  it('carries every built-in type with its extremes in binary', async () => {
    fixture = await CopyFixture.open();
    await fixture.both(createStatement(BINARY_TYPES));
    await fixture.source.query(insertStatement(BINARY_TYPES));
    expect(await fixture.copy(['public.t'])).toMatchObject({ rows: 2 });
    expect(await fixture.difference(['public.t'])).toBe('');
  });

  it('carries types of the user and of extensions, whose OIDs differ between the databases', async () => {
    fixture = await CopyFixture.open();
    // Shifts the OIDs of one side, so that a binary form which holds them would not fit.
    await fixture.destination.query(
      'create type shift_1 as (a int); create type shift_2 as (a int)',
    );
    await fixture.both(OWN_TYPES);
    await fixture.both(createStatement(TEXT_TYPES));
    await fixture.source.query(insertStatement(TEXT_TYPES));
    expect(await fixture.copy(['public.t'])).toMatchObject({ rows: 2 });
    expect(await fixture.difference(['public.t'])).toBe('');
  });

  it('converts by text where the destination has another type', async () => {
    fixture = await CopyFixture.open();
    await fixture.source.query(
      `create table t (id int primary key, d date, v varchar(5)); insert into t values (1, '2024-05-06', 'abc')`,
    );
    await fixture.destination.query(
      'create table t (v text, id bigint primary key, d timestamp, extra int default 3)',
    );
    await fixture.copy(['public.t']);
    const [row] = await fixture.destination.query('select id::text, d::text, v, extra from t');
    expect(row).toEqual({ id: '1', d: '2024-05-06 00:00:00', v: 'abc', extra: 3 });
  });

  it('falls back to text when a server turns out not to know a binary form', async () => {
    fixture = await CopyFixture.open();
    await fixture.both('create table t (id int primary key, address inet)');
    await fixture.source.query(
      `insert into t select i, '10.0.0.1' from generate_series(1, 3000) i;
       analyze t;
       update pg_type set typsend = 0 where oid = 'inet'::regtype`,
    );
    await fixture.copy(['public.t'], { options: { snapshot_num_rows_per_partition: 500 } });
    expect(await fixture.difference(['public.t'])).toBe('');
    expect(fixture.progress.at(-1)).toMatchObject({ rowsDone: 3000 });
  });

  it('carries values of many megabytes', async () => {
    fixture = await CopyFixture.open();
    await fixture.both('create table t (id int primary key, big text, small int)');
    await fixture.source.query(
      `insert into t values (1, repeat('0123456789', 5000000), 1), (2, '', 2), (3, null, 3)`,
    );
    expect(await fixture.copy(['public.t'])).toMatchObject({ rows: 3 });
    expect(await fixture.difference(['public.t'])).toBe('');
  });

  it('converts from the encoding of the source', async () => {
    fixture = await CopyFixture.open({ sourceEncoding: 'LATIN1' });
    await fixture.both('create table t (id int primary key, note text)');
    await fixture.source.query(`insert into t values (1, 'naïve café')`);
    await fixture.copy(['public.t']);
    expect(await fixture.difference(['public.t'])).toBe('');
  });

  it('carries binary between the oldest and the newest version, both ways', async () => {
    const oldest = await startPostgres({ version: POSTGRES_VERSIONS[0] });
    const newest = await startPostgres({ version: POSTGRES_VERSIONS[3] });
    try {
      for (const [from, to] of [
        [oldest, newest],
        [newest, oldest],
      ] as const) {
        fixture = await CopyFixture.open({ source: from.url, destination: to.url });
        await fixture.both(createStatement(BINARY_TYPES));
        await fixture.source.query(insertStatement(BINARY_TYPES));
        await fixture.copy(['public.t']);
        expect(await fixture.difference(['public.t'])).toBe('');
        await fixture.close();
        fixture = undefined;
      }
    } finally {
      await oldest.stop();
      await newest.stop();
    }
  });
});
