import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FollowFixture } from './follow-fixture.js';

let fixture: FollowFixture;

beforeAll(async () => {
  fixture = await FollowFixture.open();
});

afterAll(async () => {
  await fixture.close();
});

/** Of each test; a soak sets more. */
const RUNS = Number(process.env['BUNNY_PROPERTY_RUNS'] ?? 25);
const NAMES = ['a', 'b', 'c', 'd'];
const name = fc.constantFrom(...NAMES);
const operation = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    name,
    definition: fc.constantFrom(
      'integer',
      'integer not null default 3',
      `varchar(5) default 'x'`,
      'timestamptz default now()',
      'double precision default random()',
    ),
  }),
  fc.record({ kind: fc.constant('drop' as const), name }),
  fc.record({ kind: fc.constant('rename' as const), name, to: name }),
  fc.record({ kind: fc.constant('widen' as const), name }),
  fc.record({ kind: fc.constant('drop default' as const), name }),
);
type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never;

/** What the application does: alters the table and writes a row of each shape. Undefined when the table cannot be altered so. */
function statementOf(made: Operation, columns: ReadonlyMap<string, string>): string | undefined {
  const type = columns.get(made.name);
  switch (made.kind) {
    case 'add':
      return type === undefined ? `add column ${made.name} ${made.definition}` : undefined;
    case 'drop':
      return type === undefined ? undefined : `drop column ${made.name}`;
    case 'rename':
      return type === undefined || columns.has(made.to)
        ? undefined
        : `rename column ${made.name} to ${made.to}`;
    case 'drop default':
      return type === undefined
        ? undefined
        : `alter column ${made.name} drop default, alter column ${made.name} drop not null`;
    case 'widen':
      if (type === 'integer') return `alter column ${made.name} type bigint`;
      return type === 'character varying(5)' ? `alter column ${made.name} type text` : undefined;
  }
}

async function columnTypes(side: 'source' | 'destination'): Promise<ReadonlyMap<string, string>> {
  const rows = await fixture[side].query<{ name: string; type: string }>(
    `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
      where attrelid = 'public.t'::regclass and attnum > 0 and not attisdropped order by attnum`,
  );
  return new Map(rows.map((row) => [row.name, row.type]));
}

interface Written {
  readonly mark: Awaited<ReturnType<FollowFixture['mark']>>;
  readonly row: Readonly<Record<string, string | null>>;
}

/** Alters the source and writes a row that has the new shape; that row as the stream would bring it. */
async function alter(statement: string, id: number): Promise<Written> {
  await fixture.source.query(`alter table t ${statement}; insert into t (id) values (${id})`);
  const types = await columnTypes('source');
  const list = [...types.keys()].map((column) => `${column}::text`).join(', ');
  const [row] = await fixture.source.query<Record<string, string | null>>(
    `select ${list} from t where id = ${id}`,
  );
  return { mark: await fixture.mark(), row: row ?? {} };
}

/** Writes a row of the stream at the destination, as the applier does: a column by its name, or by one that it had. */
async function write(row: Written['row']): Promise<void> {
  const there = await columnTypes('destination');
  const former = await fixture.destination.query<{ former: string; name: string }>(
    `select unnest(former_names) as former, name from _bunny.column_name`,
  );
  const columns = Object.entries(row).map(([column, value]) => {
    const now = there.has(column)
      ? column
      : former.find((entry) => entry.former === column && there.has(entry.name))?.name;
    if (now === undefined) throw new Error(`the destination lacks the column ${column}`);
    return { now, value };
  });
  const names = columns.map(({ now }) => now);
  const values = names.map((column, index) => `$${index + 1}::text::${there.get(column) ?? ''}`);
  await fixture.destination.query(
    `insert into t (${names.join(', ')}) values (${values.join(', ')})`,
    columns.map(({ value }) => value),
  );
}

/** What a lane does: all rows of the source as they are now. */
async function copy(): Promise<void> {
  const types = [...(await columnTypes('source'))];
  const list = types.map(([column]) => `${column}::text`).join(', ');
  const rows = await fixture.source.query<Record<string, string | null>>(`select ${list} from t`);
  await fixture.destination.query('truncate t');
  for (const row of rows) await write(row);
}

async function content(side: 'source' | 'destination'): Promise<readonly unknown[]> {
  const columns = [...(await columnTypes('source')).keys()].sort();
  return await fixture[side].query(`select ${columns.join(', ')} from t order by id`);
}

describe('for any sequence of changes', () => {
  it.each([
    ['followed at once', false],
    ['followed when all of it has happened', true],
  ])(
    'rows of every shape find their place and both sides end equal: %s',
    { timeout: 180_000 },
    async (_, isLate) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(operation, { minLength: 1, maxLength: 6 }),
          async (operations) => {
            await fixture.clear();
            await fixture.start(
              `create table t (id integer primary key, a integer, b varchar(5)); insert into t values (0, 1, 'b')`,
            );
            const waiting: Written[] = [];
            let copiedUpTo = -1;
            const follow = async ({ mark, row }: Written): Promise<void> => {
              const id = Number(row['id']);
              // After a copy only the marks of what came later are followed.
              if (id <= copiedUpTo) return;
              const { outcome } = await fixture.follow({ cause: mark });
              if (outcome?.tag === 'recopy') {
                await copy();
                const [last] = await fixture.source.query<{ id: number }>(
                  'select max(id) as id from t',
                );
                copiedUpTo = last?.id ?? id;
              } else {
                expect(outcome).toEqual({ tag: 'followed' });
                await write(row);
              }
            };
            for (const [index, made] of operations.entries()) {
              const statement = statementOf(made, await columnTypes('source'));
              if (statement === undefined) continue;
              const written = await alter(statement, index + 1);
              if (isLate) waiting.push(written);
              else await follow(written);
            }
            for (const written of waiting) await follow(written);
            expect(await content('destination')).toEqual(await content('source'));
            const ours = await columnTypes('destination');
            for (const [column, type] of await columnTypes('source')) {
              expect(`${column} ${ours.get(column) ?? ''}`).toBe(`${column} ${type}`);
            }
          },
        ),
        { numRuns: RUNS },
      );
    },
  );
});
