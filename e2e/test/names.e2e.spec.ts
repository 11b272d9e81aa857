import { quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { type ComparedTable, samePair } from '@bunnydb/testkit';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';

/** Names that break a program which quotes, splits or matches them carelessly. */
const NAMES = [
  'Capital',
  'with space',
  'quo"te',
  "apo'strophe",
  'do.t',
  'per%cent',
  '%41',
  'st*r',
  'gre>ater',
  'select',
  'user',
  'new\nline',
  'tab\tname',
  'back\\slash',
  'comma,name',
  'semi;colon--',
  '$dollar$',
  '_commit',
  '_Underscore',
  ' leading',
  'trailing ',
  'UPPER',
  '123digits',
  'n'.repeat(63),
  'é'.repeat(31) + 'x',
  'таблица_表_🐰',
] as const;

const SCHEMAS = ['public', 'Odd "schema". %*>', '_bunny2'] as const;

/** The same table names in every schema; one of the names is its key column, another a plain column. */
function tableDdl(schema: string, table: string, index: number): string {
  const key = quoteIdentifier(NAMES[index % NAMES.length] ?? 'id');
  const plain = quoteIdentifier(NAMES[(index + 7) % NAMES.length] ?? 'v');
  return `create table ${quoteQualifiedName({ schema, table })} (${plain} text, ${key} integer primary key, n integer);`;
}

const TABLES: readonly { readonly pair: ComparedTable; readonly index: number }[] = SCHEMAS.flatMap(
  (schema) => NAMES.map((table, index) => ({ pair: samePair(schema, table), index })),
);
const EVERY_COLUMN = samePair('public', 'every column');
const ZERO_COLUMNS = samePair('public', 'zero_columns');

const STRUCTURE = [
  ...SCHEMAS.filter((schema) => schema !== 'public').map(
    (schema) => `create schema ${quoteIdentifier(schema)};`,
  ),
  ...TABLES.map(({ pair, index }) => tableDdl(pair.source.schema, pair.source.table, index)),
  `create table "every column" (${NAMES.map((name) => `${quoteIdentifier(name)} text`).join(', ')}, primary key ("Capital", "quo""te"));`,
  'create table zero_columns ();',
  'alter table zero_columns replica identity full;',
].join('\n');

const keyOf = (index: number): string => quoteIdentifier(NAMES[index % NAMES.length] ?? 'id');

function rows(first: number): string {
  return [
    ...TABLES.map(
      ({ pair }) =>
        `insert into ${quoteQualifiedName(pair.source)} select 'row ' || i, i, i from generate_series(${first}, ${first + 9}) i;`,
    ),
    `insert into "every column" select ${NAMES.map((_, i) => `'v${i}-' || i`).join(', ')} from generate_series(${first}, ${first + 9}) i;`,
    'insert into zero_columns default values;',
    'insert into zero_columns default values;',
  ].join('\n');
}

const CHANGES = [
  ...TABLES.map(({ pair, index }) => {
    const table = quoteQualifiedName(pair.source);
    return `update ${table} set n = -n where ${keyOf(index)} % 2 = 0; update ${table} set ${keyOf(index)} = ${keyOf(index)} + 1000 where ${keyOf(index)} = 3; delete from ${table} where ${keyOf(index)} = 5;`;
  }),
  `update "every column" set "st*r" = 'changed', "new\nline" = null;`,
  `delete from "every column" where "Capital" = 'v0-4';`,
].join('\n');

describe('names', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;
  const all = [...TABLES.map((table) => table.pair), EVERY_COLUMN, ZERO_COLUMNS];

  beforeAll(async () => {
    stack = await startStack('names');
    pair = await stack.createPair({ source: `${STRUCTURE}\n${rows(1)}` });
    mirror = await pair.createMirror({
      table_mappings: all.map(({ source }) => ({
        source_schema: source.schema,
        source_table: source.table,
        destination_schema: source.schema,
        destination_table: source.table,
      })),
    });
  });
  afterAll(() => stack?.stop());

  test('tables, schemas and columns of any name are created and copied', async () => {
    await mirror.waitForStatus('running');
    await mirror.waitForEqual(all);
  });

  test('tables, schemas and columns of any name are streamed, the same name in three schemas too', async () => {
    await pair.source.query(rows(101));
    await pair.source.query(CHANGES);
    await mirror.waitForEqual(all);
  });
});
