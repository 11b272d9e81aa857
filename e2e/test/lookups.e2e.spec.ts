import { samePair } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { type Stack, startStack } from '../src/stack.js';

const ROWS = 10_000;
/** The destination's indexes; those that can find a row by equality, and those that could mislead. */
const INDEXES = {
  by_btree: 'create index by_btree_n on by_btree (n)',
  by_hash: 'create index by_hash_n on by_hash using hash (n)',
  by_two: 'create index by_two_n on by_two (n, word)',
  by_descending:
    'create index by_descending_n on by_descending (n desc nulls first) include (word)',
  by_unique: 'create unique index by_unique_n on by_unique (n)',
  by_part: `create index by_part_n on by_part (n) where n % 2 = 0`,
  by_expression: 'create index by_expression_n on by_expression (lower(word))',
  by_brin: 'create index by_brin_n on by_brin using brin (n)',
  by_array: 'create index by_array_n on by_array using gin (list)',
  by_nothing: 'select',
} as const;
const USED = ['by_btree_n', 'by_hash_n', 'by_two_n', 'by_descending_n', 'by_unique_n'];
const TABLES = Object.keys(INDEXES);

const table = (name: string): string => `
create table ${name} (n int, word text, list int[], extra numeric); alter table ${name} replica identity full;`;
const rows = (name: string): string => `
insert into ${name} select case when n % 100 = 0 then null else n end, case when n % 3 = 0 then null else 'Word ' || n % 50 end, array[n % 7, null], n / 4.0
from generate_series(1, ${ROWS}) n;`;
/** Single rows by value, several that are equal, and values that become NULL and back. */
const changes = (name: string): string => `
update ${name} set extra = extra + 1 where n between 10 and 30; update ${name} set word = upper(word) where n between 40 and 60;
update ${name} set n = null where n between 70 and 75; update ${name} set word = 'was null' where n is null and extra < 100;
delete from ${name} where n between 200 and 220; update ${name} set list = null where n between 300 and 305; update ${name} set list = '{}' where list is null;
insert into ${name} select 9, 'twin', null, 1.50 from generate_series(1, 3); insert into ${name} values (9, 'twin', null, 1.5);
${name === 'by_unique' ? '' : `update ${name} set extra = 2 where ctid in (select ctid from ${name} where word = 'twin' and extra::text = '1.50' limit 2);`}
delete from ${name} where word = 'twin' and extra::text = '1.5'`;
/** One value of a kind, since its index is unique. */
const uniqueChanges = changes('by_unique')
  .replace(
    "select 9, 'twin', null, 1.50 from generate_series(1, 3)",
    `values (-1, 'twin', null, 1.50)`,
  )
  .replace(`values (9, 'twin'`, `values (-2, 'twin'`);

describe('which index finds a row under REPLICA IDENTITY FULL', () => {
  let stack: Stack;
  let pair: DatabasePair;
  beforeAll(async () => {
    stack = await startStack('lookups');
  });
  afterAll(() => stack?.stop());

  test('the right rows change, whatever indexes the destination has', async () => {
    pair = await stack.createPair({
      source: TABLES.map((name) => table(name) + rows(name)).join(''),
      destination: TABLES.map(table).join('') + Object.values(INDEXES).join(';'),
    });
    const mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
    await pair.destination.query('analyze');
    for (const name of TABLES) {
      await pair.source.query(name === 'by_unique' ? uniqueChanges : changes(name));
    }
    await mirror.waitForEqual(TABLES.map((name) => samePair('public', name)));
  });

  test('indexes that can find a row by equality are used', async () => {
    let used: string[] = [];
    await pair.until(async () => {
      const found = await pair.destination.query<{ name: string }>(
        'select indexrelname as name from pg_stat_user_indexes where idx_scan > 0',
      );
      used = found.rows.map(({ name }) => name);
      return USED.every((name) => used.includes(name));
    }, 'the statistics to show the scans');
    expect(used).not.toContain('by_expression_n');
  });
});
