import { describe, expect, it } from 'vitest';
import { CarriedBook } from '../src/core/carried-objects.js';
import type { ColumnModel } from '../src/core/catalog-model.js';
import type { NamedColumn } from '../src/core/column-names.js';
import { Counterparts } from '../src/core/counterparts.js';
import { diffColumns } from '../src/core/diff-columns.js';
import { PLAIN_COLUMN } from '../src/core/follow-added.js';
import type { StructureChange } from '../src/core/structure-change.js';
import type { RelationStructure } from '../src/core/structure-model.js';
import { type DiffOptions, NameBook } from '../src/core/table-pair.js';
import { withStoredValues } from '../src/shell/stored-values.js';
import type { TableFrame } from '../src/shell/table-frames.js';

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
  foreignKeyStrategy: 'defer',
  silencesForeignKeyActions: true,
};
const name = { schema: 's', table: 't' };

const column = (number: number, called: string, more: Partial<ColumnModel> = {}): ColumnModel => ({
  ...PLAIN_COLUMN,
  name: called,
  type: 'integer',
  number,
  ...more,
});
const noted = (number: number, called: string): NamedColumn => ({
  number,
  name: called,
  formerNames: [],
});

/** What is made of a table `s.t` whose columns were noted as they are at the destination. */
function changesOf(
  source: readonly ColumnModel[],
  destination: readonly ColumnModel[],
  rows: Pick<RelationStructure, 'wasRewritten' | 'nullColumns'> = {},
): readonly StructureChange[] {
  const changes: StructureChange[] = [];
  const columns = destination.map(({ number, name: called }) => noted(number ?? 0, called));
  diffColumns(
    {
      mapping: { source: name, destination: name, exclude_columns: [] },
      source: { name, columns: source, wasRewritten: false, ...rows },
      destination: { name, columns: destination },
      names: { mirrorId: 'm', columns },
    },
    OPTIONS,
    {
      changes,
      notes: [],
      names: new NameBook([]),
      counterparts: new Counterparts(),
      carried: new CarriedBook([]),
    },
  );
  return changes;
}

const ID = column(1, 'id');
const sqlOf = (changes: readonly StructureChange[]): readonly string[] =>
  changes.flatMap(({ statements }) => statements.map(({ sql }) => sql));
const copied = (changes: readonly StructureChange[]): readonly string[] =>
  changes.filter(({ needsCopy }) => needsCopy === true).map(({ kind }) => kind);

describe('a column that is found by comparison', () => {
  it('with the value that the source has stored for its rows gives the same to those of the destination, rewritten or not', () => {
    for (const wasRewritten of [false, true]) {
      const added = column(2, 'c', { expression: '7', missing: '7', isNotNull: true });
      const changes = changesOf([ID, added], [ID], { wasRewritten });
      expect(copied(changes)).toEqual([]);
      expect(sqlOf(changes)).toEqual([
        `alter table "s"."t" add column "c" integer default '7'::integer not null`,
      ]);
    }
  });

  it('whose default was changed since gives old rows the value of before, and new ones that of now', () => {
    const changes = changesOf([ID, column(2, 'c', { expression: '8', missing: '7' })], [ID], {
      wasRewritten: true,
    });
    expect(copied(changes)).toEqual([]);
    expect(sqlOf(changes)).toEqual([
      `alter table "s"."t" add column "c" integer default '7'::integer`,
      'alter table only "s"."t" alter column "c" set default 8',
    ]);
  });

  it('without a default is NULL in old rows where the table was not written anew, or the rows say so', () => {
    for (const rows of [{}, { wasRewritten: true, nullColumns: new Set(['c']) }]) {
      const changes = changesOf([ID, column(2, 'c')], [ID], rows);
      expect(copied(changes)).toEqual([]);
      expect(sqlOf(changes)).toEqual(['alter table "s"."t" add column "c" integer']);
    }
  });

  it('that had a default until the table was written anew has it in the rows, which are copied', () => {
    const rows = { wasRewritten: true, nullColumns: new Set<string>() };
    expect(copied(changesOf([ID, column(2, 'c')], [ID], rows))).toEqual(['add_column']);
    const late = column(2, 'c', { expression: '5', isNotNull: true });
    expect(copied(changesOf([ID, late], [ID], rows))).toEqual(['add_column']);
  });

  it('that refuses NULL and has no default any more does so once the copy has brought its values', () => {
    const rows = { wasRewritten: true, nullColumns: new Set<string>() };
    const changes = changesOf([ID, column(2, 'c', { isNotNull: true })], [ID], rows);
    expect(copied(changes)).toEqual(['add_column']);
    expect(changes.map(({ kind }) => kind)).toEqual(['add_column', 'set_not_null']);
    expect(sqlOf(changes)[0]).toBe('alter table "s"."t" add column "c" integer');
  });

  it('that got its default later is NULL in old rows, and refuses NULL only once all have a value', () => {
    const late = column(2, 'c', { expression: '5', isNotNull: true });
    const changes = changesOf([ID, late], [ID]);
    expect(copied(changes)).toEqual([]);
    expect(changes.map(({ kind }) => kind)).toEqual(['add_column', 'set_default', 'set_not_null']);
    expect(sqlOf(changes)[0]).toBe('alter table "s"."t" add column "c" integer');
  });

  it('whose values differ by row has the table copied again: a default in rows that were written anew, and an identity', () => {
    expect(
      copied(
        changesOf([ID, column(2, 'c', { expression: 'random()' })], [ID], { wasRewritten: true }),
      ),
    ).toEqual(['add_column']);
    const identity = column(2, 'c', { identity: 'always', isNotNull: true });
    expect(copied(changesOf([ID, identity], [ID]))).toEqual(['add_column']);
    const generated = column(2, 'c', { generation: 'stored', expression: '(id + 1)' });
    expect(copied(changesOf([ID, generated], [ID], { wasRewritten: true }))).toEqual([]);
  });
});

describe('renames that are found by comparison', () => {
  it('go one by one where each new name was free', () => {
    const changes = changesOf(
      [ID, column(2, 'c'), column(3, 'd')],
      [ID, column(2, 'a'), column(3, 'b')],
    );
    expect(changes.map(({ kind, object }) => `${kind} ${object}`)).toEqual([
      'rename_column s.t.c',
      'rename_column s.t.d',
    ]);
    expect(copied(changes)).toEqual([]);
  });

  it('of which names went from one column to another are one change, and have the table copied again', () => {
    const changes = changesOf(
      [ID, column(2, 'b'), column(3, 'a')],
      [ID, column(2, 'a'), column(3, 'b')],
    );
    expect(copied(changes)).toEqual(['rename_column']);
    expect(changes).toHaveLength(1);
    const [sql = ''] = sqlOf(changes);
    const renames = [...sql.matchAll(/rename column "(\w+)" to "(\w+)"/g)].map(
      ([, from, to]) => `${from} ${to}`,
    );
    expect(renames).toEqual(['a a_renamed', 'b a', 'a_renamed b']);
    expect(sql.match(/update _bunny\.column_name/g)).toHaveLength(2);
  });

  it('keep what a dropped column had, when another one takes its name', () => {
    const changes = changesOf([ID, column(3, 'a')], [ID, column(2, 'a')]);
    expect(copied(changes)).toEqual(['rename_column']);
    expect(changes.map(({ kind, object, destructive }) => [kind, object, destructive])).toEqual([
      ['rename_column', 's.t.a', false],
      ['add_column', 's.t.a', false],
      ['drop_column', 's.t.a_dropped_2', true],
    ]);
  });
});

describe('a partitioned table', () => {
  it('has what is stored for the rows of its partitions', () => {
    const frame = (oid: string, isRoot: boolean): TableFrame => ({
      oid,
      name: { schema: 's', table: `t${oid}` },
      root: name,
      isRoot,
      isPartitioned: isRoot,
      partition: null,
      partitionKey: null,
      inherits: [],
    });
    const filled = withStoredValues(
      [frame('1', true), frame('2', false)],
      new Map([
        ['1', [ID, column(2, 'c', { expression: '7' })]],
        ['2', [ID, column(5, 'c', { expression: '7', missing: '7' })]],
      ]),
    );
    expect(filled.get('1')?.map(({ missing }) => missing)).toEqual([undefined, '7']);
    expect(filled.get('1')?.[1]?.number).toBe(2);
  });
});

describe('a column that the source has dropped', () => {
  it('stays, and takes rows that come without it', () => {
    const kept = column(2, 'b', { isNotNull: true });
    const made = changesOf([column(1, 'id')], [column(1, 'id'), kept]);
    expect(made.map(({ kind }) => kind)).toEqual(['drop_not_null', 'drop_column']);
    const filled = { ...kept, expression: '7' };
    const left = changesOf([column(1, 'id')], [column(1, 'id'), filled]);
    expect(left.map(({ kind }) => kind)).toEqual(['drop_column']);
  });
});
