import { afterAll, beforeAll, describe, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { samePair } from '@bunnydb/testkit';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';
import { TYPE_PRELUDE } from '../src/type-kinds.js';
import {
  MATRIX_CHANGES,
  MATRIX_ROWS_FOR_COPY,
  MATRIX_SCHEMA,
  MATRIX_TABLES,
} from '../src/type-matrix.js';

describe('type matrix', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;
  const tables = MATRIX_TABLES.map((table) => samePair('public', table));

  beforeAll(async () => {
    stack = await startStack('types');
    pair = await stack.createPair({
      source: [TYPE_PRELUDE, MATRIX_SCHEMA, MATRIX_ROWS_FOR_COPY].join('\n'),
      destination: [TYPE_PRELUDE, MATRIX_SCHEMA].join('\n'),
    });
    mirror = await pair.createMirror({
      table_mappings: tables.map((table) => `public.${table.source.table}`),
    });
  });
  afterAll(() => stack?.stop());

  test('every kind of value arrives unchanged by the copy', async () => {
    await mirror.waitForStatus('running');
    await mirror.waitForEqual(tables);
  });

  test('every kind of value arrives unchanged by the stream, inserted, updated, set to NULL and deleted', async () => {
    await pair.source.query(MATRIX_CHANGES);
    await mirror.waitForEqual(tables);
  });

  test('every kind of value arrives unchanged under REPLICA IDENTITY FULL', async () => {
    for (const { source } of tables) {
      await pair.source.query(`alter table ${source.table} replica identity full`);
    }
    await pair.source.query(
      tables
        .filter(({ source }) => source.table !== 'k_all')
        .map(
          ({ source: { table } }) =>
            `update ${table} set n = n + 1; delete from ${table} where id % 7 = 0;`,
        )
        .join('\n'),
    );
    await mirror.waitForEqual(tables);
  });
});
