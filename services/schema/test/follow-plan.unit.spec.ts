import type { ReplicateSchema } from '@bunnydb/contracts';
import { describe, expect, it } from 'vitest';
import type { ColumnModel } from '../src/core/catalog-model.js';
import type { NamedColumn } from '../src/core/column-names.js';
import { PLAIN_COLUMN } from '../src/core/follow-added.js';
import type { FollowFacts, ShapeColumn, SourceColumn } from '../src/core/follow-facts.js';
import { NO_ENUM_LABELS } from '../src/core/enum-labels.js';
import { placeColumns } from '../src/core/follow-placement.js';
import { planFollow } from '../src/core/follow-plan.js';
import { matchShape } from '../src/core/follow-shape.js';
import { planTypes } from '../src/core/follow-types.js';
import { isRewriteFree, isWidening, takesValuesOf } from '../src/core/type-widening.js';

const INT = 23;
const TEXT = 25;
const TYPES: Readonly<Record<number, string>> = { [INT]: 'integer', [TEXT]: 'text' };

const source = (number: number, name: string, more: Partial<SourceColumn> = {}): SourceColumn => ({
  ...PLAIN_COLUMN,
  name,
  type: TYPES[more.typeOid ?? INT] ?? 'integer',
  number,
  typeOid: INT,
  typeModifier: -1,
  ...more,
});
const told = (name: string, typeOid = INT): ShapeColumn => ({
  name,
  typeOid,
  typeModifier: -1,
  type: TYPES[typeOid] ?? null,
});
const noted = (number: number, name: string, ...formerNames: string[]): NamedColumn => ({
  number,
  name,
  formerNames,
});
const there = (name: string, more: Partial<ColumnModel> = {}): ColumnModel => ({
  ...PLAIN_COLUMN,
  name,
  type: 'integer',
  ...more,
});

const table = { schema: 's', table: 't' };
const ALL: ReadonlySet<keyof ReplicateSchema> = new Set([
  'columns',
  'types',
  'not_null',
  'defaults',
]);
const facts = (more: Partial<FollowFacts> = {}): FollowFacts => ({
  mapping: { source: table, destination: table, exclude_columns: [] },
  names: { mirrorId: 'm', columns: [] },
  source: { oid: 1, wasRewritten: false, columns: [], droppedNumbers: [] },
  destination: { columns: [], keyColumns: [], bytes: 0 },
  shape: null,
  movedTo: null,
  followedOid: null,
  nullColumns: new Set(),
  ...more,
});

/** Numbers that a mark's columns are told to have. */
const numbers = (
  names: readonly string[],
  columns: readonly SourceColumn[],
  known: readonly NamedColumn[],
  droppedNumbers: readonly number[] = [],
): readonly (number | null)[] | undefined =>
  matchShape(
    names.map((name) => told(name)),
    { columns, droppedNumbers },
    known,
    new Set(),
  )?.map((target) => target.number);

it('a table that the source has dropped is left as it is', () => {
  const destination = {
    columns: [source(1, 'id', { isNotNull: true })],
    keyColumns: ['id'],
    bytes: 0,
  };
  const names = { mirrorId: 'm', columns: [noted(1, 'id')] };
  const plan = planFollow(facts({ source: null, destination, names }), ALL);
  expect(plan).toMatchObject({ steps: [], blocked: null, recopy: null, pending: 0 });
});

describe('the columns of a mark are told', () => {
  const known = [noted(1, 'id'), noted(2, 'a'), noted(3, 'b')];

  it('by the names that the catalog has now', () => {
    expect(
      numbers(['id', 'b', 'c'], [source(1, 'id'), source(3, 'b'), source(4, 'c')], known),
    ).toEqual([1, 3, 4]);
  });

  it('by the names that they had, when the catalog is ahead', () => {
    const columns = [source(1, 'id'), source(3, 'y')];
    expect(numbers(['id', 'a', 'b'], columns, known)).toEqual([1, 2, 3]);
    // Names that have changed places since.
    const swapped = [source(1, 'id'), source(2, 'b'), source(3, 'a')];
    expect(numbers(['id', 'a', 'b'], swapped, known)).toBeUndefined();
    expect(numbers(['id', 'b', 'a'], swapped, known)).toEqual([1, 2, 3]);
  });

  it('by place and type, when a name was given and taken again in between', () => {
    const columns = [source(1, 'id'), source(2, 'z'), source(3, 'b')];
    expect(numbers(['id', 'between', 'b'], columns, known)).toEqual([1, 2, 3]);
    const others = [source(1, 'id'), source(2, 'z', { typeOid: TEXT }), source(3, 'b')];
    expect(numbers(['id', 'between', 'b'], others, known)).toEqual([1, null, 3]);
  });

  it('not by a name that a later column took, while the one that had it lives', () => {
    const columns = [source(1, 'id'), source(2, 'd'), source(3, 'c')];
    expect(numbers(['id', 'c'], columns, [noted(1, 'id')])).toBeUndefined();
    expect(numbers(['id', 'd', 'c'], columns, [noted(1, 'id')])).toEqual([1, 2, 3]);
  });

  it('not at all, when one that is dropped could have had the name', () => {
    const columns = [source(1, 'id'), source(5, 'z')];
    expect(numbers(['id', 'gone'], columns, [noted(1, 'id')], [4])).toBeUndefined();
    expect(numbers(['id', 'gone'], columns, [noted(1, 'id')])).toEqual([1, 5]);
    expect(numbers(['id', 'gone'], [...columns, source(6, 'y')], [noted(1, 'id')])).toBeUndefined();
  });

  it('not by the name of a column that came later, when one may have had it that was added and dropped unseen', () => {
    const columns = [source(1, 'id'), source(5, 'd')];
    expect(numbers(['id', 'd'], columns, [noted(1, 'id')], [4])).toBeUndefined();
    // Dropped before the mirror was made, …
    expect(numbers(['id', 'd'], columns, [noted(1, 'id'), noted(4, 'gone')], [4])).toEqual([1, 5]);
    // … but its name may have become this one, as the type tells.
    const other = [source(1, 'id'), source(5, 'd', { typeOid: TEXT })];
    expect(numbers(['id', 'd'], other, [noted(1, 'id'), noted(4, 'b')], [4])).toBeUndefined();
    // The only number that a dropped column can have had, which tells later marks apart.
    expect(numbers(['id', 'x'], other, [noted(1, 'id')], [4])).toEqual([1, 4]);
    expect(numbers(['id', 'd'], columns, [noted(1, 'id'), noted(4, 'x')], [4])).toEqual([1, 5]);
  });
});

describe('columns find their place at the destination', () => {
  const target = (number: number | null, name: string) => ({
    name,
    type: 'integer',
    number,
    column: null,
  });
  const place = (
    wanted: readonly (readonly [number | null, string])[],
    present: readonly string[],
    known: readonly NamedColumn[],
    living: readonly number[],
  ) =>
    placeColumns(
      wanted.map(([number, name]) => target(number, name)),
      new Set(present),
      known,
      new Set(living),
    );

  it('in a chain and in a circle of names, each taken when it is free', () => {
    const known = [noted(1, 'a'), noted(2, 'b'), noted(3, 'c')];
    const chain = place(
      [
        [1, 'b'],
        [2, 'c'],
        [3, 'd'],
      ],
      ['a', 'b', 'c'],
      known,
      [1, 2, 3],
    );
    expect(chain?.renames.map(({ from, to }) => `${from} ${to}`)).toEqual(['c d', 'b c', 'a b']);
    expect(chain?.retaken).toEqual(['b', 'c']);
    const circle = place(
      [
        [1, 'b'],
        [2, 'a'],
      ],
      ['a', 'b'],
      known,
      [1, 2],
    );
    expect(circle?.renames.map(({ from, to }) => `${from} ${to}`)).toEqual([
      'a a_renamed',
      'b a',
      'a_renamed b',
    ]);
  });

  it('and one that is dropped gives way, while one that lives does not', () => {
    const known = [noted(1, 'a'), noted(2, 'b')];
    const gone = place([[2, 'a']], ['a', 'b'], known, [2]);
    expect(gone?.renames.map(({ from, to }) => `${from} ${to}`)).toEqual(['a a_dropped_1', 'b a']);
    expect(place([[2, 'a']], ['a', 'b'], known, [1, 2])).toBeUndefined();
  });

  it('by a former name, when the source has dropped them meanwhile', () => {
    const known = [noted(1, 'now', 'before')];
    const placed = place([[null, 'before']], ['now'], known, []);
    expect(placed?.renames).toEqual([{ from: 'now', to: 'before', number: 1 }]);
  });

  it('not by a former name of a column that is there as well', () => {
    const known = [noted(2, 'now', 'before')];
    const wanted = [
      [2, 'now'],
      [null, 'before'],
    ] as const;
    expect(place(wanted, ['now'], known, [2])).toMatchObject({
      placements: [{ tag: 'keep' }, { tag: 'add' }],
      renames: [],
    });
  });

  it('under names that PostgreSQL does not cut', () => {
    const long = 'ü'.repeat(31);
    const placed = place([[2, long]], [long], [noted(1, long)], []);
    const to = placed?.renames[0]?.to ?? '';
    expect(new TextEncoder().encode(to).length).toBeLessThanOrEqual(63);
    expect(to).toMatch(/_dropped_1$/);
  });
});

describe('the plan', () => {
  const columns = [source(1, 'id'), source(2, 'a')];

  it('is empty when nothing differs', () => {
    const plan = planFollow(
      facts({
        source: { oid: 1, wasRewritten: true, columns, droppedNumbers: [] },
        destination: { columns: [there('id'), there('a'), there('own')], keyColumns: [], bytes: 0 },
        shape: { oid: 1, columns: [told('id'), told('a')] },
      }),
      ALL,
    );
    expect(plan).toMatchObject({ steps: [], blocked: null, recopy: null, pending: 1 });
    expect(plan.names).toEqual([
      { number: 1, name: 'id' },
      { number: 2, name: 'a' },
    ]);
  });

  it('has a table copied again whose rows call a column that is dropped by now as another one was called', () => {
    const plan = planFollow(
      facts({
        source: { oid: 1, wasRewritten: false, columns: [source(1, 'id')], droppedNumbers: [2, 3] },
        destination: {
          columns: [there('id'), there('a'), there('b', { type: 'boolean' })],
          ...{ keyColumns: [], bytes: 0 },
        },
        names: { mirrorId: 'm', columns: [noted(1, 'id'), noted(2, 'a'), noted(3, 'b')] },
        shape: { oid: 1, columns: [told('id'), told('b')] },
      }),
      ALL,
    );
    expect(plan).toMatchObject({
      blocked: null,
      recopy: expect.stringContaining('dropped by now'),
    });
  });

  it('adds what the mark has and nothing that the catalog has beyond it', () => {
    const more = [...columns, source(3, 'b', { missing: `it's` }), source(4, 'c')];
    const plan = planFollow(
      facts({
        source: { oid: 1, wasRewritten: false, columns: more, droppedNumbers: [] },
        destination: { columns: [there('id'), there('a')], keyColumns: [], bytes: 0 },
        names: { mirrorId: 'm', columns: [noted(1, 'id'), noted(2, 'a')] },
        shape: { oid: 1, columns: [told('id'), told('a'), told('b')] },
      }),
      ALL,
    );
    expect(plan.steps.map((step) => step.sql)).toEqual([
      [`alter table "s"."t" add column "b" integer default 'it''s'::integer`],
    ]);
  });

  it('copies a table that was dropped and made anew, and one whose columns were never compared', () => {
    const destination = { columns: [there('id'), there('x')], keyColumns: [], bytes: 0 };
    const shape = { oid: 2, columns: [told('id'), told('a')] };
    const base = {
      source: { oid: 2, wasRewritten: false, columns, droppedNumbers: [] },
      destination,
      shape,
    };
    expect(planFollow(facts({ ...base, followedOid: 1 }), ALL)).toMatchObject({
      forgetsNames: true,
      recopy: expect.stringMatching(/made anew/),
    });
    expect(planFollow(facts(base), ALL)).toMatchObject({
      recopy: expect.stringMatching(/never compared/),
    });
    const known = { mirrorId: 'm', columns: [noted(1, 'id')] };
    expect(planFollow(facts({ ...base, names: known }), ALL).recopy).toBeNull();
  });

  it('asks for what a mirror does not follow only when rows need it', () => {
    const given = facts({
      source: {
        oid: 1,
        wasRewritten: false,
        columns: [source(1, 'id'), source(2, 'a')],
        droppedNumbers: [],
      },
      destination: {
        columns: [there('id'), there('a', { isNotNull: true })],
        keyColumns: [],
        bytes: 0,
      },
    });
    expect(planFollow(given, new Set())).toMatchObject({ steps: [], blocked: null, pending: 1 });
    const lacking = { ...given, destination: { columns: [there('id')], keyColumns: [], bytes: 0 } };
    expect(planFollow(lacking, new Set(['types']))).toMatchObject({
      steps: [],
      blocked: { kind: 'schema_mismatch', detail: { column: 'a' } },
    });
  });

  it('holds a table that is not where it was', () => {
    const moved = facts({ movedTo: { schema: 'n', table: 't' } });
    expect(planFollow(moved, ALL).blocked).toMatchObject({
      kind: 'table_renamed',
      detail: { renamed_to: 'n.t' },
    });
    expect(planFollow(facts({ destination: null }), ALL).blocked).toMatchObject({
      kind: 'table_missing',
    });
  });
});

describe('types', () => {
  it('are made in the order of their needs, and enums get what they lack in its place', () => {
    const base = { schema: 's', needs: [] };
    const steps = planTypes(
      [
        { ...base, name: 'new', kind: 'enum', labels: ['x'] },
        { ...base, name: 'old', kind: 'enum', labels: ['a', 'b', 'c'] },
      ],
      new Map([['"s"."old"', ['b']]]),
      NO_ENUM_LABELS,
      false,
    );
    expect(steps.flatMap((step) => step.sql)).toEqual([
      `create type "s"."new" as enum ('x')`,
      `alter type "s"."old" add value if not exists 'a' before 'b'`,
      `alter type "s"."old" add value if not exists 'c' after 'b'`,
    ]);
  });

  it.each([
    ['character varying(5)', 'character varying(9)', true, true],
    ['character varying(9)', 'character varying(5)', false, false],
    ['character varying(5)', 'text', true, true],
    ['numeric(6,2)', 'numeric(8,2)', true, true],
    ['numeric(6,2)', 'numeric(8,4)', true, false],
    ['numeric(6,2)', 'numeric(7,4)', false, false],
    ['numeric(6,2)', 'numeric', true, true],
    ['numeric', 'numeric(6,2)', false, false],
    ['timestamp(3) with time zone', 'timestamp with time zone', true, true],
    ['timestamp with time zone', 'timestamp without time zone', false, false],
    ['integer', 'bigint', true, false],
    ['bigint', 'integer', false, false],
  ])('%s to %s: wider %s, without writing the table anew %s', (from, to, wider, free) => {
    expect(isWidening(from, to)).toBe(wider);
    expect(isRewriteFree(from, to)).toBe(free);
    expect(takesValuesOf(to, from)).toBe(wider);
  });
});
