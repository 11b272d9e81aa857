import { DEFAULT_MIRROR_OPTIONS, type TableMapping } from '@bunnydb/contracts';
import { describe, expect, it } from 'vitest';
import { CarriedBook, type CarriedObject } from '../src/core/carried-objects.js';
import { NO_COLUMN_NAMES } from '../src/core/column-names.js';
import {
  EnumLabels,
  NO_ENUM_LABELS,
  labelsToNote,
  planLabelRenames,
  renameLabelsSql,
} from '../src/core/enum-labels.js';
import { fingerprintOf } from '../src/core/fingerprint.js';
import { planTypes } from '../src/core/follow-types.js';
import { type StructureChange, isExtra } from '../src/core/structure-change.js';
import { diffStructure } from '../src/core/structure-diff.js';
import type {
  ConstraintModel,
  IndexModel,
  RelationStructure,
  StructureModel,
} from '../src/core/structure-model.js';
import type { DiffOptions } from '../src/core/table-pair.js';

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
const MAPPING: TableMapping = {
  source: { schema: 's', table: 't' },
  destination: { schema: 'd', table: 'u' },
  exclude_columns: [],
};

const check = (name: string, expression: string): ConstraintModel => ({
  kind: 'check',
  name,
  definition: `CHECK (${expression})`,
  columns: ['a'],
  isValidated: true,
  isEnforced: true,
  isDeferrable: false,
  isInitiallyDeferred: false,
  expression,
});
const index = (name: string, body: string): IndexModel => ({
  name,
  body,
  isUnique: false,
  isValid: true,
  columns: ['a'],
  constraint: null,
  children: [],
});
type Parts = Pick<Partial<RelationStructure>, 'constraints' | 'indexes' | 'settings'>;

function model(name: RelationStructure['name'], parts: Parts): StructureModel {
  const relation: RelationStructure = {
    name,
    root: name,
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
    ...parts,
  };
  return {
    relations: [relation],
    neededExtensions: [],
    installedExtensions: [],
    availableExtensions: [],
    types: [],
    collations: [],
    comments: [],
    versionNumber: 180_000,
  };
}

interface Compared {
  readonly changes: readonly StructureChange[];
  readonly carried: CarriedBook;
}

function compare(
  source: Parts,
  destination: Parts,
  known: readonly CarriedObject[] = [],
  before: readonly CarriedObject[] = [],
): Compared {
  const carried = new CarriedBook(known, before);
  const memory = { names: NO_COLUMN_NAMES, labels: NO_ENUM_LABELS, carried };
  const models = [model(MAPPING.source, source), model(MAPPING.destination, destination)] as const;
  return { changes: diffStructure(...models, [MAPPING], OPTIONS, memory).changes, carried };
}

const C = check('c', '(a > 0)');
const ON_A = 'USING btree (a)';

describe('what the source has dropped', () => {
  it('is known when both sides had it, and is no loss; what only the destination ever had is', () => {
    const here = { constraints: [C, check('own', '(a > 1)')], indexes: [index('u_a', ON_A)] };
    const both = compare({ constraints: [C], indexes: [index('t_a', ON_A)] }, here);
    expect(both.carried.found.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'index u_a',
      'constraint c',
    ]);
    const { changes, carried } = compare({}, here, both.carried.found);
    expect(
      changes.map((change) => [change.object, change.destructive, isExtra(change)] as const),
    ).toEqual([
      ['d.u.c', false, false],
      ['d.u.own', true, true],
      ['d.u.u_a', false, false],
    ]);
    expect(changes[0]?.reason).toBe('the source has dropped the constraint');
    // It stays known until it is dropped here, too.
    expect(carried.gone).toEqual([]);
    expect(compare({}, {}, both.carried.found).carried.gone).toHaveLength(2);
  });

  it('is not taken for what somebody made under its name since', () => {
    const { found } = compare({ constraints: [C] }, { constraints: [C] }).carried;
    const own = { constraints: [check('c', '(a > 5)')] };
    const dropped = compare({}, own, found);
    expect(dropped.changes.map(isExtra)).toEqual([true]);
    expect(dropped.carried.gone).toEqual(found);
    expect(compare({ constraints: [C] }, own, found).changes).toMatchObject([
      { kind: 'replace_check', overwrites: true },
      { kind: 'validate_check' },
    ]);
    const altered = { constraints: [check('c', '(a > 7)')] };
    expect(compare(altered, { constraints: [C] }, found).changes[0]).toMatchObject({
      kind: 'replace_check',
      overwrites: false,
    });
  });

  it('is still known when our own changes have left it otherwise', () => {
    const { found } = compare({ constraints: [C] }, { constraints: [C] }).carried;
    const renamed = { constraints: [check('c', '(b > 0)')] };
    const { changes, carried } = compare({}, renamed, found, found);
    expect(changes.map(isExtra)).toEqual([false]);
    expect(carried.changed.map(({ name }) => name)).toEqual(['c']);
  });

  it('is not what is defined alike under a name of its own', () => {
    const here = { indexes: [index('mine', ON_A)] };
    const { carried, changes } = compare({ indexes: [index('t_a', ON_A)] }, here);
    expect([changes, carried.found]).toEqual([[], []]);
  });

  it('takes its comment along, and a comment alone is followed', () => {
    const comment = { kind: 'constraint_comment', object: 'c', key: '', value: 'x' } as const;
    const table = { kind: 'table_comment', object: '', key: '', value: 'y' } as const;
    const here = { constraints: [C], settings: [comment, table] };
    const { found } = compare(here, here).carried;
    expect(compare({}, here, found).changes.map(({ kind }) => kind)).toEqual([
      'drop_check',
      'drop_comment',
    ]);
    expect(compare({}, here, found).changes.some(isExtra)).toBe(false);
  });
});

describe('what the source has renamed', () => {
  it('is renamed after all else, when it came from there', () => {
    const before = { constraints: [C], indexes: [index('t_a', ON_A)] };
    const here = { constraints: [C], indexes: [index('u_a', ON_A)] };
    const { found } = compare(before, here).carried;
    const now = { constraints: [check('d', '(a > 0)')], indexes: [index('t_b', ON_A)] };
    expect(compare(now, here, found).changes.map(({ sql }) => sql)).toEqual([
      'alter table "d"."u" rename constraint "c" to "d";',
      'alter index "d"."u_a" rename to "u_b";',
    ]);
    expect(compare(now, here).changes).toEqual([]);
  });

  it('keeps its name where the destination has that otherwise', () => {
    const { found } = compare({ constraints: [C] }, { constraints: [C] }).carried;
    const here = { constraints: [C, check('d', '(a > 9)')] };
    const { changes } = compare({ constraints: [check('d', '(a > 0)')] }, here, found);
    expect(changes.map(({ kind }) => kind)).not.toContain('rename_constraint');
  });
});

describe('a label of an enum', () => {
  const type = (labels: readonly string[], labelOids = [1, 2, 3]) =>
    ({ kind: 'enum', schema: 's', name: 'e', needs: [], labels, labelOids }) as const;
  const known = [
    { oid: 1, name: 'a' },
    { oid: 2, name: 'b' },
  ];
  const renames = (labels: readonly string[], present: readonly string[]) =>
    planLabelRenames(type(labels), present, known).map(({ from, to }) => `${from} ${to}`);

  it('is renamed when its number is known under another name, also two that change places', () => {
    expect(renames(['x', 'b', 'new'], ['a', 'b'])).toEqual(['a x']);
    expect(renames(['b', 'a'], ['a', 'b'])).toEqual(['a a_renamed', 'b a', 'a_renamed b']);
    expect(renames(['b', 'c'], ['a', 'b'])).toEqual(['b c', 'a b']);
  });

  it('stays where the destination has the name for a label of its own, and is not renamed twice', () => {
    expect(renames(['x', 'b'], ['a', 'b', 'x'])).toEqual([]);
    expect(renames(['x', 'b'], ['x', 'b'])).toEqual([]);
  });

  it('is renamed and noted in one go', () => {
    const plan = planLabelRenames(type(['it’s', 'b']), ['a', 'b'], known);
    expect(renameLabelsSql(type([]), 'm', plan)).toBe(
      `alter type "s"."e" rename value 'a' to 'it’s';\n` +
        `update _bunny.enum_label set name = 'it’s', is_renamed = true, renamed_lsn = null where mirror_id = 'm' and type_schema = 's' and type_name = 'e' and label_oid = 1`,
    );
  });

  it('is noted where both sides have it, unless it is about to get another name', () => {
    expect(labelsToNote(type(['a', 'b', 'c']), ['a', 'b', 'c'], known)).toEqual({
      noted: [{ oid: 3, name: 'c' }],
      gone: [],
    });
    // A new label has the name that another one still has here.
    expect(labelsToNote(type(['x', 'a'], [1, 9]), ['a', 'b'], known)).toEqual({
      noted: [],
      gone: [2],
    });
  });

  it('is added beside the names that the destination knows until it may be renamed', () => {
    const labels = new EnumLabels('m', new Map([['"s"."e"', known]]));
    const sqlOf = (mayRename: boolean) =>
      planTypes(
        [type(['x', 'new', 'b'], [1, 3, 2])],
        new Map([['"s"."e"', ['a', 'b']]]),
        labels,
        mayRename,
      )
        .flatMap(({ sql }) => sql)
        .map((sql) => sql.split(';')[0]);
    const add = `alter type "s"."e" add value if not exists 'new' after`;
    expect(sqlOf(false)).toEqual([`${add} 'a'`]);
    expect(sqlOf(true)).toEqual([`alter type "s"."e" rename value 'a' to 'x'`, `${add} 'x'`]);
  });
});

describe('a fingerprint', () => {
  it('is another one for any other definition, and always the same', () => {
    const texts = Array.from({ length: 50_000 }, (_, n) => `USING btree (a) WHERE (b > ${n})`);
    expect(new Set(texts.map(fingerprintOf)).size).toBe(texts.length);
    expect(fingerprintOf('ab')).not.toBe(fingerprintOf('ba'));
    // Notes of an earlier version are compared with it.
    expect(fingerprintOf('CHECK ((a > 0))')).toBe('d4ded2d22105d0c2');
  });
});
