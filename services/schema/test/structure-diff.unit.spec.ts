import { DEFAULT_MIRROR_OPTIONS, type TableMapping } from '@bunnydb/contracts';
import { describe, expect, it } from 'vitest';
import { buildPhases, isBuilt } from '../src/core/build-phases.js';
import { definitionOf } from '../src/core/diff-foreign-keys.js';
import { fitReply } from '../src/core/fit-reply.js';
import { CHANGE_KINDS, changeOf, isExtra, orderChanges } from '../src/core/structure-change.js';
import { diffStructure } from '../src/core/structure-diff.js';
import type {
  ForeignKeyModel,
  IndexModel,
  RelationStructure,
  StructureModel,
} from '../src/core/structure-model.js';
import type { DiffOptions } from '../src/core/table-pair.js';
import { isWidening } from '../src/core/type-widening.js';

const OPTIONS: DiffOptions = {
  columns: true,
  types: true,
  defaults: true,
  notNull: true,
  identity: true,
  sequences: true,
  checks: true,
  indexes: true,
  foreignKeys: true,
  foreignKeyStrategy: DEFAULT_MIRROR_OPTIONS.foreign_key_strategy,
  silencesForeignKeyActions: true,
};

const index = (name: string, body: string, more: Partial<IndexModel> = {}): IndexModel => ({
  name,
  body,
  isUnique: false,
  isValid: true,
  columns: ['a'],
  constraint: null,
  children: [],
  ...more,
});

const foreignKey = (more: Partial<ForeignKeyModel> = {}): ForeignKeyModel => ({
  name: 'fk',
  columns: ['a'],
  referenced: { schema: 's', table: 'p' },
  referencedColumns: ['id'],
  isMatchFull: false,
  hasPeriod: false,
  onUpdate: 'no action',
  onDelete: 'no action',
  onDeleteColumns: [],
  isDeferrable: false,
  isInitiallyDeferred: false,
  isValidated: true,
  isEnforced: true,
  ...more,
});

function table(
  schema: string,
  name: string,
  more: Partial<RelationStructure> = {},
): RelationStructure {
  return {
    name: { schema, table: name },
    root: { schema, table: name },
    isRoot: true,
    isPartitioned: false,
    partition: null,
    partitionKey: null,
    inherits: [],
    columns: [],
    primaryKey: null,
    indexes: [],
    constraints: [],
    foreignKeys: [],
    statistics: [],
    settings: [],
    ...more,
  };
}

const model = (...relations: readonly RelationStructure[]): StructureModel => ({
  relations,
  neededExtensions: [],
  installedExtensions: [],
  availableExtensions: [],
  types: [],
  collations: [],
  comments: [],
  versionNumber: 180_000,
});

const mapping = (from: string, to: string, schema = 'd', exclude: string[] = []): TableMapping => ({
  source: { schema: 's', table: from },
  destination: { schema, table: to },
  exclude_columns: exclude,
});

const sqlOf = (diff: { readonly changes: readonly { readonly sql: string }[] }) =>
  diff.changes.map((change) => change.sql);

describe('names of indexes', () => {
  it('follow the table that has another name, and give way to one that is taken', () => {
    const indexes = [index('t_a', 'USING btree (a)'), index('other', 'USING hash (a)')];
    const destination = model(
      table('d', 'u', { indexes: [] }),
      table('d', 'v', { indexes: [index('other', 'USING gin (a)')] }),
    );
    const diff = diffStructure(
      model(table('s', 't', { indexes })),
      destination,
      [mapping('t', 'u')],
      OPTIONS,
    );
    expect(sqlOf(diff)).toEqual([
      'create index concurrently "u_a" on "d"."u" USING btree (a);',
      'create index concurrently "u_other" on "d"."u" USING hash (a);',
    ]);
  });

  it('of two tables of one name that go into one schema do not meet, and none is longer than PostgreSQL keeps', () => {
    const long = 'x'.repeat(63);
    const source = model(
      table('s', 't', { indexes: [index(long, 'USING btree (a)')] }),
      table('s', 't2', { indexes: [index(long, 'USING btree (a)')] }),
    );
    const diff = diffStructure(
      source,
      model(table('d', 't'), table('d', 't2')),
      [mapping('t', 't'), mapping('t2', 't2')],
      OPTIONS,
    );
    const names = sqlOf(diff).map((sql) => /concurrently "(\w+)"/.exec(sql)?.[1] ?? '');
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name.length).toBeLessThanOrEqual(63);
  });
});

describe('an index', () => {
  it('that is defined alike is the same under any name', () => {
    const diff = diffStructure(
      model(table('s', 't', { indexes: [index('t_a', 'USING btree (a)')] })),
      model(table('d', 't', { indexes: [index('mine', 'USING btree (a)')] })),
      [mapping('t', 't')],
      OPTIONS,
    );
    expect(diff).toEqual({ changes: [], notes: [] });
  });

  it('that only the destination has is told as destructive', () => {
    const diff = diffStructure(
      model(table('s', 't')),
      model(table('d', 't', { indexes: [index('mine', 'USING btree (a)')] })),
      [mapping('t', 't')],
      OPTIONS,
    );
    expect(diff.changes).toMatchObject([{ kind: 'drop_index', destructive: true }]);
    expect(diff.changes.every(isExtra)).toBe(true);
  });
});

describe('an extension that indexes lean on', () => {
  const source = { ...model(), neededExtensions: [{ name: 'pg_trgm', schema: 'ext' }] };

  it('is made where the source has it', () => {
    const destination = { ...model(), availableExtensions: ['pg_trgm'] };
    expect(sqlOf(diffStructure(source, destination, [], OPTIONS))).toEqual([
      'create schema if not exists "ext";\ncreate extension if not exists "pg_trgm" with schema "ext";',
    ]);
  });

  it('is told with the command when the server has no files of it', () => {
    const diff = diffStructure(source, model(), [], OPTIONS);
    expect(diff.changes).toEqual([]);
    expect(diff.notes).toEqual([
      {
        object: 'pg_trgm',
        reason: expect.stringContaining(
          'create extension if not exists "pg_trgm" with schema "ext";',
        ),
      },
    ]);
  });
});

describe('a setting', () => {
  const option = (value: string) =>
    ({ kind: 'table_option', object: '', key: 'fillfactor', value }) as const;
  const diffOf = (source: Partial<RelationStructure>, destination: Partial<RelationStructure>) =>
    diffStructure(
      model(table('s', 't', source)),
      model(table('d', 'u', destination)),
      [mapping('t', 'u')],
      OPTIONS,
    ).changes;

  it('that is missing is built, one that differs only when somebody asks for it', () => {
    const [missing] = diffOf({ settings: [option('50')] }, {});
    expect(missing).toMatchObject({ sql: `alter table "d"."u" set ("fillfactor" = '50');` });
    const [differs] = diffOf({ settings: [option('50')] }, { settings: [option('90')] });
    expect(differs).toMatchObject({ overwrites: true, destructive: false });
    expect([missing, differs].map((change) => change && isBuilt(change))).toEqual([true, false]);
  });

  it('that only the destination has is told as destructive', () => {
    const [change] = diffOf({}, { settings: [option('90')] });
    expect(change).toMatchObject({ kind: 'reset_option', destructive: true });
    expect(change && isExtra(change)).toBe(true);
  });

  it('of an index finds the index under the name that it gets', () => {
    const comment = { kind: 'index_comment', object: 't_a', key: '', value: `it's` } as const;
    const changes = diffOf({ indexes: [index('t_a', 'USING btree (a)')], settings: [comment] }, {});
    expect(changes.map((change) => change.sql)).toEqual([
      'create index concurrently "u_a" on "d"."u" USING btree (a);',
      `comment on index "d"."u_a" is 'it''s';`,
    ]);
  });
});

describe('a foreign key', () => {
  it('is written from its parts, whatever it is made of', () => {
    const key = foreignKey({
      columns: ['a', 'B'],
      referencedColumns: ['x', 'y'],
      isMatchFull: true,
      onUpdate: 'cascade',
      onDelete: 'set null',
      onDeleteColumns: ['B'],
      isDeferrable: true,
    });
    expect(definitionOf(key)).toBe(
      'foreign key ("a", "B") references "s"."p" ("x", "y") match full on update cascade on delete set null ("B") deferrable',
    );
    const period = { ...key, ...foreignKey({ hasPeriod: true, isEnforced: false }) };
    expect(definitionOf(period)).toBe(
      'foreign key (period "a") references "s"."p" (period "id") not enforced',
    );
  });

  it('points to where the table is at the destination, and is deferred only when the strategy says', () => {
    const source = model(table('s', 'p'), table('s', 'c', { foreignKeys: [foreignKey()] }));
    const destination = model(table('d', 'P'), table('d', 'c'));
    const mappings = [mapping('p', 'P'), mapping('c', 'c')];
    const sql = (strategy: DiffOptions['foreignKeyStrategy']) =>
      sqlOf(
        diffStructure(source, destination, mappings, { ...OPTIONS, foreignKeyStrategy: strategy }),
      );
    expect(sql('defer')).toEqual([
      'alter table "d"."c" add constraint "fk" foreign key ("a") references "d"."P" ("id") deferrable initially deferred not valid;',
      'alter table "d"."c" validate constraint "fk";',
    ]);
    expect(sql('replica')[0]).not.toContain('deferrable');
    expect(sql('none')).toEqual([]);
  });

  it('that acts on rows is left out where it could not be kept from acting', () => {
    const acting = foreignKey({ onDelete: 'cascade' });
    const source = model(table('s', 'p'), table('s', 'c', { foreignKeys: [acting] }));
    const options = { ...OPTIONS, silencesForeignKeyActions: false };
    const diff = diffStructure(
      source,
      model(table('d', 'p'), table('d', 'c')),
      [mapping('p', 'p'), mapping('c', 'c')],
      options,
    );
    expect(diff.changes).toEqual([]);
    expect(diff.notes[0]?.reason).toContain('GRANT SET ON PARAMETER session_replication_role');
  });
});

describe('changes', () => {
  const change = (kind: (typeof CHANGE_KINDS)[number], object: string) =>
    changeOf({ kind, object, table: object, statements: [], locks: '', reason: '' });

  it('are made in an order in which each finds what it needs', () => {
    const kinds = CHANGE_KINDS.toReversed().map((kind) => change(kind, 't'));
    expect(orderChanges(kinds).map(({ kind }) => kind)).toEqual(CHANGE_KINDS);
  });

  it('each belong to one phase of a build, and tables are told apart', () => {
    const all = CHANGE_KINDS.flatMap((kind) => [change(kind, 'a'), change(kind, 'b')]);
    const phases = buildPhases(all);
    expect(phases.flatMap((phase) => phase.byTable.flat()).length).toBe(all.length);
    for (const { byTable } of phases) expect(byTable).toHaveLength(2);
    expect(all.filter(isBuilt).some(({ kind }) => kind.startsWith('drop_'))).toBe(false);
  });
});

describe('a reply', () => {
  it('holds what fits into a message and tells how much does not', () => {
    expect(fitReply(['a'])).toEqual({ items: ['a'], leftOff: 0 });
    const items = Array.from({ length: 500 }, () => 'é'.repeat(1000));
    const { items: fitting, leftOff } = fitReply(items);
    expect(fitting.length + leftOff).toBe(500);
    expect(JSON.stringify(fitting).length).toBeLessThan(300_000);
    expect(leftOff).toBeGreaterThan(0);
  });
});

describe('a wider type', () => {
  it.each([
    ['integer', 'bigint', true],
    ['bigint', 'integer', false],
    ['character varying(10)', 'character varying(20)', true],
    ['character varying(20)', 'character varying(10)', false],
    ['character varying(20)', 'text', true],
    ['text', 'character varying(20)', false],
    ['numeric', 'bigint', false],
    ['bigint', 'double precision', false],
  ])('%s to %s: %s', (from, to, expected) => {
    expect(isWidening(from, to)).toBe(expected);
  });
});
