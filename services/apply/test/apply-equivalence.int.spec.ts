import { ReplicaIdentity } from '@bunnydb/pg-model';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApplyFixture } from './apply-fixture.js';
import { type Model, randomChanges, randomNumbers } from './random-changes.js';
import { SourceTable } from './stream-writer.js';

let fixture: ApplyFixture;

beforeEach(async () => {
  fixture = await ApplyFixture.open({ options: { max_batch_size: 400 } });
});

afterEach(async () => {
  await fixture.close();
});

async function content(table: string): Promise<Model> {
  const rows = await fixture.rows(`select id, a, b from ${table}`);
  return new Map(rows.map((row) => [Number(row['id']), [text(row['a']), text(row['b'])] as const]));
}

function text(value: unknown): string | null {
  return value === null ? null : String(value);
}

function sorted(model: Model): [number, readonly [string | null, string | null]][] {
  return [...model].sort(([a], [b]) => a - b);
}

const COLUMNS = ['id', 'a', 'b'];

describe('whatever the source does', () => {
  it.each([1, 2, 3, 4, 5, 6])(
    'sets, statements and COPY lead to the same table (history %i)',
    async (seed) => {
      const random = randomNumbers(seed);
      const tables = [
        {
          table: new SourceTable('keyed', COLUMNS),
          sql: 'create table keyed (id int primary key, a text, b text)',
        },
        {
          table: new SourceTable('full_keyed', COLUMNS, [], ReplicaIdentity.Full),
          sql: 'create table full_keyed (b text, id int primary key, a text)',
        },
        {
          table: new SourceTable('full_bare', COLUMNS, [], ReplicaIdentity.Full),
          sql: 'create table full_bare (id int, a text, b text)',
        },
        // No index at the destination: the sets have to find their rows all the same.
        {
          table: new SourceTable('unindexed', COLUMNS),
          sql: 'create table unindexed (id int, a text, b text)',
        },
      ];
      for (const { table, sql } of tables) await fixture.createTable(table, sql);
      const models = tables.map((): Model => new Map());
      for (let batch = 0; batch < 8; batch++) {
        const transactions = Array.from({ length: 1 + random(3) }, () =>
          tables.flatMap(({ table }, index) =>
            // Few changes, many over few keys, and many over many keys.
            randomChanges(
              table,
              models[index] ?? new Map(),
              [3, 40, 120][random(3)] ?? 3,
              random,
              [4, 12, 400][random(3)],
            ),
          ),
        );
        await fixture.stream.write(transactions, { rowsPerMessage: 1 + random(50) });
      }
      const session = fixture.start();
      await fixture.untilApplied(session);
      for (const [index, { table }] of tables.entries()) {
        const model = models[index] ?? new Map();
        expect(sorted(await content(table.name.table)), table.name.table).toEqual(sorted(model));
      }
      await fixture.untilStats({ missing_rows: 0, exact_path_batches: 0 });
    },
  );
});
