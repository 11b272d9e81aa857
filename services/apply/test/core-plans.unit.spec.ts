import { MirrorError } from '@bunnydb/failure';
import { describe, expect, it } from 'vitest';
import { comparisonOf } from '../src/core/column-comparison.js';
import type { DestinationColumn, DestinationTable } from '../src/core/destination-table.js';
import { MirrorTables } from '../src/core/mirror-tables.js';
import { choosePath } from '../src/core/path-choice.js';
import { deleteRow, insertRow, updateRow } from '../src/core/row-statements.js';
import { stagingStatements } from '../src/core/staging-statements.js';
import { type RowLayout, planTable } from '../src/core/table-plan.js';
import { ApplyProgress } from '../src/core/apply-progress.js';
import { lsnFromBigInt } from '@bunnydb/pg-model';
import { WorkTally } from '../src/core/work-tally.js';

const name = { schema: 'public', table: 't' };
const mapping = { source: name, destination: name, exclude_columns: ['secret'] };

function column(columnName: string, more: Partial<DestinationColumn> = {}): DestinationColumn {
  return {
    name: columnName,
    typeOid: 25,
    typeText: 'text',
    equals: '=',
    isGenerated: false,
    isIdentityAlways: false,
    comparison: 'equal',
    ...more,
  };
}

function table(
  columns: readonly DestinationColumn[],
  more: Partial<DestinationTable> = {},
): DestinationTable {
  return { name, oid: 1, isPartitioned: false, columns, key: ['id'], fingerprint: '1', ...more };
}

function layout(more: Partial<RowLayout> = {}): RowLayout {
  return { columns: ['id', 'a', 'secret', 'g'], key: ['id'], identity: 'd', old: [], ...more };
}

const destination = table([
  column('g', { isGenerated: true }),
  column('a'),
  column('id', { typeOid: 23 }),
]);
const shape = { unchanged: [], nulls: [], isMoved: false };

/** White space is no matter. */
const squeeze = (text: string): string => text.replaceAll(/\s+/g, ' ');

describe('plans', () => {
  it('lay columns over the destination by name, without excluded and generated ones', () => {
    const plan = planTable(layout(), mapping, destination);
    expect(plan.fields.map((field) => [field.column.name, field.position])).toEqual([
      ['id', 0],
      ['a', 1],
    ]);
    expect(plan.kept).toEqual([true, true, false, false]);
    expect(plan.matching).toBe('key');
  });

  it('name the columns that the destination lacks', () => {
    const act = () => planTable(layout({ columns: ['id', 'x', 'y'] }), mapping, destination);
    expect(act).toThrow(
      expect.objectContaining({
        kind: 'schema_mismatch',
        detail: { table: 'public.t', columns: ['x', 'y'] },
      }),
    );
  });

  it('match by the destination key under FULL, and by all columns without one', () => {
    const full = layout({ columns: ['id', 'a'], key: ['id', 'a'], identity: 'f' });
    expect(planTable(full, mapping, destination).keyFields.map((field) => field.position)).toEqual([
      0,
    ]);
    expect(planTable(full, mapping, table(destination.columns, { key: [] })).matching).toBe('full');
    expect(planTable(full, mapping, table(destination.columns, { key: ['other'] })).matching).toBe(
      'full',
    );
    expect(planTable(layout({ key: [], identity: 'n' }), mapping, destination).matching).toBe(
      'none',
    );
  });

  it('refuse a replica identity that the destination cannot hold', () => {
    expect(() => planTable(layout({ key: ['g'] }), mapping, destination)).toThrow(MirrorError);
  });

  it('are made once a layout until the catalog is read again', () => {
    const tables = new MirrorTables([{ mapping, copyLsn: lsnFromBigInt(0n) }]);
    tables.learn([destination]);
    const plan = tables.planOf(name, layout());
    expect(tables.planOf(name, layout())).toBe(plan);
    tables.learn([destination]);
    expect(tables.planOf(name, layout())).not.toBe(plan);
    tables.learn([]);
    expect(() => tables.planOf(name, layout())).toThrow(
      expect.objectContaining({ kind: 'table_missing' }),
    );
    expect(() => tables.copyLsnOf({ schema: 'public', table: 'other' })).toThrow(
      expect.objectContaining({ kind: 'table_renamed' }),
    );
  });
});

describe('paths', () => {
  const part = (inserts: number, updates: number) => ({
    payload: new Uint8Array(),
    hasOld: false,
    batchOrder: 0,
    layout: layout(),
    inserts,
    updates,
    deletes: 0,
  });
  const keyed = planTable(layout(), mapping, destination);

  it('few rows go by statements, inserts by COPY, many changes as sets', () => {
    expect(choosePath([part(2, 0)], keyed)).toBe('rows');
    expect(choosePath([part(2, 0), part(9, 0)], keyed)).toBe('copy');
    expect(choosePath([part(10, 10)], keyed)).toBe('rows');
    expect(choosePath([part(10, 11)], keyed)).toBe('staged');
  });

  it('changes of rows without a key go one by one', () => {
    const full = planTable(
      layout({ identity: 'f' }),
      mapping,
      table(destination.columns, { key: [] }),
    );
    expect(choosePath([part(100, 100)], full)).toBe('rows');
    expect(choosePath([part(100, 0)], full)).toBe('copy');
  });
});

describe('statements', () => {
  const plan = planTable(layout(), mapping, destination);
  const moving = planTable(layout({ old: ['id'] }), mapping, destination);

  it('an insert names its columns and overrides identities', () => {
    expect(insertRow(plan)).toMatchObject({
      text: 'insert into "public"."t" ("id", "a") overriding system value values ($1, $2)',
      parameterTypes: [23, 25],
      answer: 'plain',
    });
  });

  it('an update leaves the key alone and puts in a row that is missing', () => {
    expect(squeeze(updateRow(plan, shape).text)).toBe(
      'with moved as (update only "public"."t" as t set "a" = $2 where t."id" = $1 returning 1) ' +
        'insert into "public"."t" ("id", "a") overriding system value select $1, $2 where not exists (select from moved)',
    );
  });

  it('an update with kept columns cannot put a row in', () => {
    expect(updateRow(plan, { ...shape, unchanged: [1] })).toMatchObject({
      text: 'select from only "public"."t" as t where t."id" = $1',
      answer: 'zero_is_missing',
    });
  });

  it('a moved row is found by its old key', () => {
    expect(updateRow(moving, { ...shape, isMoved: true }).text).toContain(
      'set "id" = $2, "a" = $3 where t."id" = $1',
    );
  });

  it('a row whose identity cannot be set is written anew', () => {
    const always = table([column('id', { isIdentityAlways: true }), column('a')]);
    const moved = planTable(
      layout({ old: ['id'] }),
      mapping,
      table(always.columns.concat(column('g', { isGenerated: true }))),
    );
    const { text } = updateRow(moved, { ...shape, isMoved: true });
    expect(squeeze(text)).toContain(
      'with gone as (delete from only "public"."t" as t where t."id" = $1) insert into',
    );
  });

  it('an extension has its own equality, and partitions are reached through their parent', () => {
    const odd = table([column('id', { equals: 'operator("ext".=)' }), column('a'), column('g')], {
      isPartitioned: true,
    });
    expect(deleteRow(planTable(layout(), mapping, odd), shape).text).toBe(
      'delete from "public"."t" as t where t."id" operator("ext".=) $1',
    );
  });

  it('without a key one row is found by all columns, NULLs included', () => {
    const bare = table(
      [
        column('id', { comparison: 'equal_and_text' }),
        column('a', { comparison: 'text' }),
        column('g'),
      ],
      { key: [] },
    );
    const full = planTable(layout({ identity: 'f', columns: ['id', 'a', 'g'] }), mapping, bare);
    expect(squeeze(deleteRow(full, { ...shape, nulls: [false, false, true] }).text)).toBe(
      'delete from only "public"."t" as t where t.ctid = (select x.ctid from only "public"."t" as x ' +
        'where x."id" = $1 and x."id"::text collate "C" = $1::text collate "C" and x."a"::text collate "C" = $2::text collate "C" ' +
        'and x."g" is null limit 1)',
    );
  });

  it('a staging table has typed columns for what is taken and text for the rest', () => {
    const staging = stagingStatements(moving, 'stage');
    expect(squeeze(staging.create)).toContain(
      'c1 text, c2 text, c3 text, c4 text, o1 text) on commit delete rows',
    );
    expect(squeeze(staging.update(7, false))).toContain(
      `set "id" = s.c1, "a" = s.c2 from pg_temp."stage" as s where s.op = 'U' and t."id" = s.o1 returning 1)`,
    );
    expect(squeeze(staging.update(7, true))).toContain(`"a" = case when '2' = any`);
    expect(staging.update(7, false)).toContain('= 7)');
  });
});

describe('comparing values', () => {
  const of = (typeOid: number, isEnum = false, hasDeterministicCollation = true) =>
    comparisonOf({ typeOid, isEnum, hasDeterministicCollation });

  it('depends on what equality means for the type', () => {
    expect([of(23), of(25), of(99_999, true)]).toEqual(['equal', 'equal', 'equal']);
    expect([of(1700), of(701), of(25, false, false)]).toEqual([
      'equal_and_text',
      'equal_and_text',
      'equal_and_text',
    ]);
    // json, xml, point and whatever an extension brings.
    expect([of(114), of(142), of(600), of(99_999)]).toEqual(['text', 'text', 'text', 'text']);
  });
});

describe('progress', () => {
  it('adds up what was committed, and tells a lag only while something waits', () => {
    const progress = new ApplyProgress('m', [mapping], null);
    progress.setPhase('streaming');
    progress.setTableStatus('public.t', 'running');
    const tally = new WorkTally();
    tally.addRow(name, { inserts: 2, updates: 1, deletes: 0 });
    tally.missingRows = 1;
    progress.addWork(
      {
        transactions: 3,
        batches: 2,
        batchId: '1-2',
        commitTime: '2026-01-01T00:00:00Z',
        wasExact: true,
        tally,
      },
      '2026-01-01T00:00:05Z',
    );
    const at = { applied: lsnFromBigInt(5n), flushed: lsnFromBigInt(4n) };
    const now = new Date('2026-01-01T00:00:07Z');
    expect(progress.stats({ ...at, isDrained: false }, now)).toMatchObject({
      applied_lsn: '0/5',
      flushed_lsn: '0/4',
      lag_seconds: 7,
      transactions: 3,
      changes: 3,
      batches: 2,
      exact_path_batches: 2,
      missing_rows: 1,
      tables: [
        {
          table: 'public.t',
          status: 'running',
          rows_inserted: 2,
          rows_updated: 1,
          rows_deleted: 0,
        },
      ],
    });
    expect(progress.stats({ ...at, isDrained: true }, now).lag_seconds).toBe(0);
  });
});
