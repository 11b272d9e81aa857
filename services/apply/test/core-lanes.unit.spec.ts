import type { DdlObject, RelationMark, TransactionMark } from '@bunnydb/change-stream';
import { relationSignature } from '@bunnydb/change-stream';
import { MirrorError } from '@bunnydb/failure';
import { type Lsn, type QualifiedName, ZERO_LSN, lsnFromBigInt } from '@bunnydb/pg-model';
import { describe, expect, it } from 'vitest';
import type { TableMessage } from '../src/core/change-message.js';
import { decideMark } from '../src/core/mark-decision.js';
import { type MirrorTable, MirrorTables } from '../src/core/mirror-tables.js';
import {
  type ParkedMessage,
  decodeParked,
  encodeParked,
  mergeTransactions,
} from '../src/core/parked-message.js';
import { mayBeStructural, refusedTables } from '../src/core/table-refusal.js';
import { type SkipRule, isSkipped, planSteps } from '../src/core/work-step.js';

const items = { schema: 'public', table: 'items' };
const others = { schema: 'public', table: 'others' };
const at = (lsn: number): Lsn => lsnFromBigInt(BigInt(lsn));

function transaction(commitLsn: number, lastSeq: number): TransactionMark {
  const commitTime = '2026-01-01T00:00:00.000000Z';
  return { xid: 7, commitLsn: at(commitLsn), endLsn: at(commitLsn + 8), commitTime, lastSeq };
}

function message(
  table: QualifiedName,
  rows: readonly number[],
  lsns: readonly [number, number],
  more: Partial<TableMessage['head']> = {},
): TableMessage {
  const payload = Buffer.from(rows.map((seq) => `I\t${seq}\t\\N\t${seq}\n`).join(''));
  return {
    kind: 'table',
    streamSeq: 1,
    payload,
    head: {
      epoch: '1',
      batch: '1-1',
      segment: 0,
      table,
      columns: ['id'],
      key: ['id'],
      identity: 'd',
      old: [],
      ops: { inserts: rows.length, updates: 0, deletes: 0 },
      firstSeq: rows[0] ?? 0,
      lastSeq: rows.at(-1) ?? 0,
      hasUnchanged: false,
      continues: false,
      truncate: null,
      firstLsn: at(lsns[0]),
      lastLsn: at(lsns[1]),
      ...more,
    },
  };
}

/** Items are outside the main lane. */
const PARKING: SkipRule = {
  position: ZERO_LSN,
  copyLsnOf: () => ZERO_LSN,
  laneOf: (table) =>
    table.table === 'items' ? { kind: 'parked', table: items } : { kind: 'main' },
};

const TWO = [transaction(100, 2), transaction(200, 4)];
const text = (parked: ParkedMessage): string => Buffer.from(parked.message.payload).toString();

describe('steps of tables outside the main lane', () => {
  it('keep their messages as they are, one step a table, and end no step of others', () => {
    const plain = { cascade: false, restartIdentity: false };
    const steps = planSteps(
      [
        {
          messages: [
            message(items, [1], [100, 100]),
            message(others, [2], [100, 100]),
            message(items, [], [200, 200], { truncate: plain, segment: 1 }),
            message(others, [], [200, 200], { truncate: plain, segment: 1 }),
            message(items, [4], [200, 200], { segment: 2 }),
          ],
          transactions: TWO,
        },
      ],
      PARKING,
    );
    expect(steps.map(({ kind }) => kind)).toEqual(['park', 'rows', 'truncate']);
    expect(steps[0]).toMatchObject({
      table: items,
      parked: [
        { unit: '1-1', transactions: [TWO[0]] },
        { message: { head: { truncate: plain } } },
        {},
      ],
    });
    expect(steps[2]).toMatchObject({ tables: [others] });
  });

  it('skip what the position covers, and nothing for the sake of a copy', () => {
    const rule = { ...PARKING, position: at(108), copyLsnOf: () => at(900) };
    const [step] = planSteps(
      [{ messages: [message(items, [1, 2, 3, 4], [100, 200])], transactions: TWO, unit: 'u' }],
      rule,
    );
    expect(step?.kind === 'park' && step.parked.map(text)).toEqual([
      'I\t3\t\\N\t3\nI\t4\t\\N\t4\n',
    ]);
    expect(step).toMatchObject({
      parked: [{ unit: 'u', message: { head: { ops: { inserts: 2 } } } }],
    });
    expect(isSkipped(message(items, [1], [100, 100]), rule)).toBe(true);
    expect(isSkipped(message(items, [3], [200, 200]), rule)).toBe(false);
  });

  it('of tables that left the mirror are nothing at all', () => {
    const rule: SkipRule = { ...PARKING, laneOf: () => ({ kind: 'none' }) };
    expect(
      planSteps([{ messages: [message(items, [1], [100, 100])], transactions: TWO }], rule),
    ).toEqual([]);
    expect(isSkipped(message(items, [1], [100, 100]), rule)).toBe(true);
  });

  it('are replayed without the transactions that a person skips', () => {
    const rule: SkipRule = {
      position: ZERO_LSN,
      copyLsnOf: () => at(100),
      skippedLsnsOf: () => new Set([at(200)]),
    };
    const three = [...TWO, transaction(300, 5)];
    const rows = message(items, [1, 2, 3, 4, 5], [100, 300]);
    const [step] = planSteps([{ messages: [rows], transactions: three }], rule);
    const part = step?.kind === 'rows' ? step.parts[0] : undefined;
    expect(Buffer.from(part?.payload ?? []).toString()).toBe(
      'I\t1\t\\N\t1\nI\t2\t\\N\t2\nI\t5\t\\N\t5\n',
    );
    expect(part?.inserts).toBe(3);
    const truncated = message(items, [], [200, 200], {
      truncate: { cascade: false, restartIdentity: false },
    });
    expect(planSteps([{ messages: [truncated], transactions: three }], rule)).toEqual([]);
    expect(isSkipped(message(items, [3], [200, 200]), rule)).toBe(true);
  });

  it('come back from where they are kept: headers, transactions and unit', () => {
    const parked = {
      message: message(items, [1], [100, 100], { columns: ['a,b', 'ü'], old: ['a,b'] }),
      transactions: [TWO[0] ?? transaction(1, 1)],
      unit: '1-1/3',
      isLargeRow: true,
    };
    const back = decodeParked(encodeParked(parked), parked.message.payload);
    expect(back).toEqual({ ...parked, message: { ...parked.message, streamSeq: 0 } });
    expect(mergeTransactions([back, { ...back, transactions: TWO }])).toEqual(TWO);
  });
});

function tablesOf(...more: Partial<MirrorTable>[]): MirrorTables {
  const tables = new MirrorTables(
    [items, others].map((source, index) => ({
      mapping: { source, destination: { ...source, schema: 'copy' }, exclude_columns: ['secret'] },
      copyLsn: ZERO_LSN,
      ...more[index],
    })),
  );
  tables.learn(
    [items, others].map((name) => ({
      name: { ...name, schema: 'copy' },
      oid: 1,
      isPartitioned: false,
      key: ['id'],
      fingerprint: '1',
      columns: ['id', 'note'].map((column) => ({
        name: column,
        typeOid: 25,
        typeText: 'text',
        equals: '=',
        isGenerated: false,
        isIdentityAlways: false,
        comparison: 'equal' as const,
      })),
    })),
  );
  return tables;
}

function shape(columns: readonly string[], more: Partial<RelationMark> = {}): RelationMark {
  return {
    kind: 'relation',
    oid: 5,
    schema: 'public',
    table: 'items',
    identity: 'd',
    columns: columns.map((name) => ({ name, type_oid: 25, type_modifier: -1, is_key: false })),
    ...more,
  };
}

describe('a mark of a shape', () => {
  const known = shape(['id', 'note']);
  const relation = relationSignature(known);

  it('that was followed says nothing; a first one that fits, or one that nobody carries, is noted', () => {
    expect(decideMark(known, tablesOf({ relation }), true)).toEqual({ tag: 'nothing' });
    expect(decideMark(known, tablesOf(), true)).toEqual({ tag: 'note', table: items, relation });
    expect(decideMark(shape(['id', 'secret']), tablesOf(), true)).toMatchObject({ tag: 'note' });
    expect(decideMark(shape(['id', 'x']), tablesOf({ relation }), false)).toMatchObject({
      tag: 'note',
    });
  });

  it('that differs, or that the destination cannot take, is asked about', () => {
    expect(decideMark(shape(['id']), tablesOf({ relation }), true)).toMatchObject({
      tag: 'ask',
      tables: [items],
    });
    expect(decideMark(shape(['id', 'x']), tablesOf(), true)).toMatchObject({ tag: 'ask' });
  });

  it('of a table outside the main lane is for later', () => {
    expect(decideMark(shape(['x']), tablesOf({ state: 'held' }), true)).toEqual({ tag: 'nothing' });
  });

  it('under another name is known by its number', () => {
    const moved = shape(['id', 'note'], { table: 'things' });
    expect(decideMark(moved, tablesOf({ relation }), true)).toEqual({
      tag: 'renamed',
      table: items,
      to: { schema: 'public', table: 'things' },
    });
    const tables = tablesOf();
    expect(decideMark(moved, tables, true)).toMatchObject({ tag: 'unknown' });
    tables.passOver({ schema: 'public', table: 'things' });
    expect(decideMark(moved, tables, true)).toEqual({ tag: 'nothing' });
  });
});

describe('a mark of a DDL command', () => {
  const ddl = (...objects: Partial<DdlObject>[]): Parameters<typeof decideMark>[0] => ({
    kind: 'ddl',
    tag: 'ALTER',
    role: 'r',
    search_path: '',
    objects: objects.map((object) => ({
      type: 'table',
      schema: 'public',
      identity: 'public.items',
      dropped: false,
      ...object,
    })),
  });

  it('is asked about for the tables that it touches, or for all when a type changed', () => {
    const index = { type: 'index', identity: 'public.i', table: others };
    expect(decideMark(ddl({}, {}, index), tablesOf(), true)).toEqual({
      tag: 'ask',
      tables: [items, others],
      relation: null,
    });
    const type = { type: 'type', identity: 'public.mood' };
    expect(decideMark(ddl(type), tablesOf(), true)).toMatchObject({ tag: 'ask', tables: [] });
  });

  it('that touches nothing of the mirror in the main lane is not', () => {
    const nothing = { tag: 'nothing' };
    expect(decideMark(ddl({ identity: 'public.x' }), tablesOf(), true)).toEqual(nothing);
    expect(decideMark(ddl({ type: 'view', identity: 'public.v' }), tablesOf(), true)).toEqual(
      nothing,
    );
    expect(decideMark(ddl({ type: 'type', dropped: true }), tablesOf(), true)).toEqual(nothing);
    expect(decideMark(ddl({}), tablesOf({ state: 'held' }), true)).toEqual(nothing);
    expect(decideMark(ddl({}), tablesOf(), false)).toEqual(nothing);
  });
});

describe('a refusal', () => {
  const tables = tablesOf();
  const namesOf = (detail: MirrorError['detail']): unknown[] =>
    refusedTables(new MirrorError('constraint_violated', 'x', { detail }), tables).map(
      ({ mapping }) => mapping.source.table,
    );

  it('names tables of the destination, as the server or as we do', () => {
    expect(namesOf({ table: 'copy.items' })).toEqual(['items']);
    expect(namesOf({ schema: 'copy', table: 'others' })).toEqual(['others']);
    expect(namesOf({ tables: ['copy.items', 'copy.others'] })).toEqual(['items', 'others']);
    expect(namesOf({ table: 'public.items' })).toEqual([]);
    expect(namesOf({})).toEqual([]);
  });

  it('may be a matter of structure, also where a row is in the way, since the source may have dropped the key', () => {
    const of = (kind: MirrorError['kind'], sqlstate: string): boolean =>
      mayBeStructural(new MirrorError(kind, 'x', { detail: { sqlstate } }));
    expect(of('constraint_violated', '23505')).toBe(true);
    expect(of('constraint_violated', '23502')).toBe(true);
    expect(of('value_rejected', '22003')).toBe(true);
    expect(of('schema_mismatch', '')).toBe(true);
    expect(of('privilege_missing', '42501')).toBe(false);
  });
});

describe('the tables of a mirror', () => {
  it('are read anew one by one, and the plans of others stay', () => {
    const tables = tablesOf();
    const layout = { columns: ['id'], key: ['id'], identity: 'd' as const, old: [] };
    const [kept, dropped] = [tables.planOf(others, layout), tables.planOf(items, layout)];
    tables.relearn(
      [items],
      [tables.factsOf(items)],
      [{ table: items, renamed: new Map([['was', 'note']]) }],
    );
    expect(tables.planOf(others, layout)).toBe(kept);
    expect(tables.planOf(items, layout)).not.toBe(dropped);
    const old = { ...layout, columns: ['id', 'was'], key: ['was'] };
    expect(tables.planOf(items, old).keyFields.map(({ column }) => column.name)).toEqual(['note']);
    tables.relearn([items], [], []);
    expect(() => tables.planOf(items, layout)).toThrow(
      expect.objectContaining({ kind: 'table_missing' }),
    );
  });

  it('are found under a new name once that is known', () => {
    const tables = tablesOf();
    const things = { schema: 'public', table: 'things' };
    expect(tables.knows(things)).toBe(false);
    tables.update(items, { state: 'held', renamedTo: things });
    expect(tables.laneOf(things)).toEqual({ kind: 'parked', table: items });
    tables.update(things, { state: 'running' });
    expect(tables.laneOf(items)).toEqual({ kind: 'main' });
  });
});
