import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SchemaFixture } from './schema-fixture.js';

let fixture: SchemaFixture;

beforeAll(async () => {
  fixture = await SchemaFixture.open();
});

afterAll(async () => {
  await fixture.close();
});

/** What a column may be made of; the types are ones that PostgreSQL casts into one another. */
const column = fc.record({
  type: fc.constantFrom('integer', 'bigint', 'text', 'character varying(20)', 'numeric(10,2)'),
  isNotNull: fc.boolean(),
  fallback: fc.constantFrom('', `default '7'`, `default null`),
});
const COLUMNS = ['a', 'b', 'c', '"D d"'];
const columnName = fc.constantFrom(...COLUMNS);

/** What may hang on the table; names repeat, so that the same name means different things on the two sides. */
const extra = fc.oneof(
  fc.record({
    kind: fc.constant('index' as const),
    name: fc.constantFrom('one', 'two'),
    unique: fc.boolean(),
    column: columnName,
    tail: fc.constantFrom('', ' desc', ' nulls first'),
    where: fc.constantFrom('', 'id > 0', 'id < 100'),
  }),
  fc.record({
    kind: fc.constant('unique' as const),
    name: fc.constantFrom('three', 'four'),
    column: columnName,
    tail: fc.constantFrom('', ' deferrable', ' deferrable initially deferred'),
  }),
  fc.record({
    kind: fc.constant('check' as const),
    name: fc.constantFrom('five', 'six'),
    column: columnName,
    limit: fc.constantFrom(1, 2),
    tail: fc.constantFrom('', ' not valid'),
  }),
  fc.record({
    kind: fc.constant('foreign_key' as const),
    name: fc.constantFrom('seven', 'eight'),
    tail: fc.constantFrom('', ' on delete cascade', ' on update set null', ' deferrable'),
  }),
);

const side = fc.record({
  columns: fc.tuple(column, column, column, column),
  present: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean()),
  extras: fc.uniqueArray(extra, { maxLength: 6, selector: (item) => item.name }),
});
type Side = typeof side extends fc.Arbitrary<infer Value> ? Value : never;

/** The statements that make one side; what needs a column that is not there is left out. */
function statementsOf({ columns, present, extras }: Side): string {
  const names = COLUMNS.filter((_, index) => present[index]);
  const elements = columns.flatMap((made, index) =>
    present[index]
      ? [
          `${COLUMNS[index] ?? ''} ${made.type} ${made.fallback}${made.isNotNull ? ' not null' : ''}`,
        ]
      : [],
  );
  const more = extras.flatMap((item): string[] => {
    if (item.kind === 'foreign_key') {
      return [
        `alter table t add constraint ${item.name} foreign key (parent) references p (id)${item.tail}`,
      ];
    }
    if (!names.includes(item.column)) return [];
    if (item.kind === 'unique') {
      return [`alter table t add constraint ${item.name} unique (${item.column})${item.tail}`];
    }
    if (item.kind === 'check') {
      const check = `check (${item.column} is not null or id <> ${item.limit})${item.tail}`;
      return [`alter table t add constraint ${item.name} ${check}`];
    }
    const where = item.where === '' ? '' : ` where ${item.where}`;
    const create = `create ${item.unique ? 'unique ' : ''}index ${item.name}`;
    return [`${create} on t (${item.column}${item.tail})${where}`];
  });
  return [
    'drop table if exists t, p',
    'create table p (id integer primary key)',
    `create table t (${['id integer primary key', 'parent integer', ...elements].join(', ')})`,
    ...more,
  ].join(';\n');
}

describe('for any two schemas', () => {
  it('making their difference makes them equal', { timeout: 120_000 }, async () => {
    const tables = ['public.p', 'public.t'];
    await fc.assert(
      fc.asyncProperty(side, side, async (source, destination) => {
        await fixture.source.query(statementsOf(source));
        await fixture.destination.query(statementsOf(destination));
        const result = await fixture.sync(tables, { allow_destructive: true });
        expect(result.failed).toEqual([]);
        expect(result.skipped).toEqual([]);
        expect(await fixture.diff(tables)).toMatchObject({ changes: [], notes: [], in_sync: true });
      }),
      { numRuns: 30 },
    );
  });
});
