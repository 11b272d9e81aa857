import type { TableMapping } from '@bunnydb/contracts';
import { describe, expect, it } from 'vitest';
import { describeIndexProgress } from '../src/core/index-progress.js';
import { appearedTables } from '../src/core/pattern-tables.js';
import {
  isMadeByPoll,
  releasedTables,
  tablesOfOldShape,
  waitsForStream,
} from '../src/core/poll-policy.js';
import { RelationIndex } from '../src/core/relation-facts.js';
import { type ChangeKind, type StructureChange, changeOf } from '../src/core/structure-change.js';
import { relation } from './relation-builder.js';

const change = (kind: ChangeKind, table: string, destructive = false): StructureChange =>
  changeOf({ kind, object: table, table, statements: [], locks: '', reason: '', destructive });
const places = [
  { table: 's.live', state: 'running' },
  { table: 's.held', state: 'held' },
  { table: 's.behind', state: 'catching_up' },
];

describe('what a poll makes', () => {
  it('is what changes no shape of rows, and of a held table all but what loses data', () => {
    const isMade = (kind: ChangeKind, table: string, destructive = false): boolean =>
      isMadeByPoll(change(kind, table, destructive), places);
    expect(isMade('create_index', 's.live')).toBe(true);
    expect(isMade('add_enum_value', '')).toBe(true);
    expect(isMade('alter_type', 's.live')).toBe(false);
    expect(isMade('alter_type', 's.held')).toBe(true);
    expect(isMade('alter_type', 's.held', true)).toBe(false);
    expect(isMade('set_not_null', 's.live')).toBe(true);
    expect(isMade('set_not_null', 's.held')).toBe(false);
    // The changes that wait in its lane may be older than the rule.
    expect(isMade('set_not_null', 's.behind')).toBe(false);
    expect(isMade('set_default', 's.behind')).toBe(false);
    expect(isMade('create_index', 's.behind')).toBe(true);
    expect(isMade('alter_type', 's.behind')).toBe(false);
    expect(isMade('create_index', 's.copied')).toBe(false);
    expect(isMade('drop_index', 's.live')).toBe(false);
  });

  it('drops what the source has dropped, also of a held table, and nothing that only the destination ever had', () => {
    const of = (kind: ChangeKind, table: string, more: Partial<StructureChange>): boolean =>
      isMadeByPoll({ ...change(kind, table), ...more }, places);
    const name = { schema: 's', table: 't' };
    const dropsCarried = {
      source: name,
      relation: name,
      kind: 'index',
      name: 'i',
      fingerprint: '',
    } as const;
    for (const kind of ['drop_check', 'drop_index', 'drop_constraint'] as const) {
      expect(of(kind, 's.live', { dropsCarried })).toBe(true);
      expect(of(kind, 's.held', { dropsCarried })).toBe(true);
    }
    expect(of('replace_check', 's.live', { overwrites: false })).toBe(true);
    expect(of('replace_check', 's.live', { overwrites: true })).toBe(false);
    expect(of('set_comment', 's.live', { overwrites: true })).toBe(true);
    const waits = (kind: ChangeKind, table: string): boolean =>
      waitsForStream({ kind, table }, places);
    expect(waits('drop_index', 's.live')).toBe(true);
    expect(waits('drop_index', 's.held')).toBe(false);
    expect(waits('drop_check', 's.live')).toBe(false);
  });

  it('waits for the stream when rows that come before may not fit', () => {
    const waits = (kind: ChangeKind): boolean => waitsForStream({ kind, table: 's.live' }, places);
    expect(waits('add_check')).toBe(true);
    expect(waits('set_default')).toBe(true);
    expect(waits('drop_not_null')).toBe(false);
  });

  it('releases a held table when nothing is left that its rows need', () => {
    const made = [change('alter_type', 's.held'), change('create_index', 's.live')];
    expect(releasedTables(made, [], places)).toEqual(['s.held']);
    expect(releasedTables(made, [change('create_index', 's.held')], places)).toEqual(['s.held']);
    expect(releasedTables(made, [change('add_column', 's.held')], places)).toEqual([]);
    expect(releasedTables([change('create_index', 's.live')], [], places)).toEqual([]);
  });

  it('leaves a table that is copied again to its copy', () => {
    const made = [{ ...change('add_column', 's.held'), needsCopy: true }];
    expect(releasedTables(made, [], places)).toEqual([]);
  });

  it('leaves the shape of running tables to the stream', () => {
    const changes = [change('add_column', 's.live'), change('add_column', 's.held')];
    expect(tablesOfOldShape(changes, places)).toEqual(['s.live']);
  });
});

describe('a pattern', () => {
  const patterns = [{ source_schema: 'a.b', destination_schema: '*', exclude_columns: ['secret'] }];
  const name = (table: string, schema = 'a.b') => ({ schema, table });
  const known: readonly TableMapping[] = [
    { source: name('old'), destination: name('old'), exclude_columns: [] },
    { source: name('x', 'else'), destination: name('taken'), exclude_columns: [] },
  ];

  it('takes tables that can be replicated, are new, and have a destination of their own', () => {
    const relations = new RelationIndex([
      relation('', { name: name('old') }),
      relation('', { name: name('new') }),
      relation('', { name: name('taken') }),
      relation('', { name: name('other', 'b') }),
      relation('', { name: name('keyless'), identityColumns: [] }),
      relation('', { name: name('hidden'), canSelect: false }),
      relation('', { name: name('part'), partitionOf: name('old') }),
    ]);
    const tables = appearedTables(patterns, known, relations);
    expect(tables.map((table) => table.source.table)).toEqual(['new']);
  });

  it('takes none that it does not stand for, nor a partition of one', () => {
    const relations = new RelationIndex([
      relation('', { name: name('new') }),
      relation('', { name: name('log_1') }),
      relation('', { name: name('parted'), kind: 'partitioned' }),
      relation('', { name: name('part'), partitionOf: name('parted') }),
    ]);
    const except = ['*.log_*', '"a.b".parted'];
    const excepting = patterns.map((pattern) => ({ ...pattern, except }));
    expect(appearedTables(excepting, known, relations).map(({ source }) => source.table)).toEqual([
      'new',
    ]);
  });
});

describe('the progress of an index', () => {
  it('is told in words, with a share where the server counts', () => {
    const row = { blocks_done: '0', blocks_total: '0', tuples_done: '0', tuples_total: '0' };
    expect(describeIndexProgress({ ...row, phase: 'initializing' })).toBe('initializing');
    const scanning = { ...row, phase: 'scanning', blocks_done: '50', blocks_total: '200' };
    expect(describeIndexProgress(scanning)).toBe('scanning, 25 %');
    const loading = { ...row, phase: 'loading', tuples_done: '3', tuples_total: '4' };
    expect(describeIndexProgress(loading)).toBe('loading, 75 %');
  });
});
