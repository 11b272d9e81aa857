import type { TableMapping } from '@bunnydb/contracts';
import type { QualifiedName } from '@bunnydb/pg-model';
import { describe, expect, it } from 'vitest';
import type { MirrorEvent } from '../src/core/mirror/mirror-event.js';
import {
  HISTORIES,
  createdBody,
  ordersTable,
  record,
  started,
  stateAfter,
  tableState,
  told,
  when,
} from './mirror-examples.js';

const USERS: QualifiedName = { schema: 'public', table: 'users' };
const PEOPLE: QualifiedName = { schema: 'public', table: 'people' };
const types = (events: readonly MirrorEvent[]) => events.map((event) => event.type);

/** A mirror that runs, with these mappings. */
function running(
  tables: readonly TableMapping[] = createdBody.tables,
  more: { readonly manual?: boolean; readonly patterns?: boolean; readonly except?: string } = {},
): readonly MirrorEvent[] {
  const everything = { source_schema: '*', destination_schema: '*', exclude_columns: [] };
  const patterns = [
    more.except === undefined ? everything : { ...everything, except: [more.except] },
  ];
  return HISTORIES.running.map((event): MirrorEvent => {
    if (event.type !== 'mirror_created') return event;
    const schema_changes = more.manual === true ? ('manual' as const) : ('auto' as const);
    const options = { ...event.body.options, schema_changes };
    const body = { ...event.body, tables, options };
    return { ...event, body: more.patterns === true ? { ...body, patterns } : body };
  });
}

const moved = (table: QualifiedName, to: QualifiedName | null) =>
  record(told('tables_moved', { tables: [{ table, to }] }));

/** The history once the edit that follows the word is done. */
function afterEdit(history: readonly MirrorEvent[], to: QualifiedName): readonly MirrorEvent[] {
  const answers = [
    ['provision_tables', moved(USERS, to)],
    [
      'change_publication',
      record(
        told('tables_provisioned', { command_id: 'provision_tables', created: [], existing: [] }),
      ),
    ],
    [
      null,
      record(
        told('publication_changed', { command_id: 'change_publication', added: [], removed: [] }),
      ),
    ],
  ] as const;
  return answers.reduce<readonly MirrorEvent[]>((past, [verb, command]) => {
    const events = when(past, command).events.filter(({ type }) => type !== 'step_started');
    // A command's id is its verb, here.
    return [...past, ...events, ...(verb === null ? [] : [started(verb, verb)])];
  }, history);
}

describe('a table that was renamed on the source', () => {
  it('is followed by an edit that knows what it was, and takes its destination along', () => {
    const { events, effects } = when(running(), moved(USERS, PEOPLE));
    expect(events).toMatchObject([
      { type: 'tables_moved' },
      {
        type: 'tables_change_requested',
        body: {
          asked_by: 'source',
          added: ['public.people'],
          removed: ['public.users'],
          drop_removed: false,
          tables: [
            {
              source: PEOPLE,
              destination: PEOPLE,
              former_sources: [USERS],
              former_destinations: [USERS],
            },
          ],
        },
      },
      { type: 'step_started', body: { verb: 'provision_tables' } },
    ]);
    expect(effects).toMatchObject([{ verb: 'provision_tables' }]);
  });

  it('keeps the destination that a person named, and leaves one that is another table’s', () => {
    const named = {
      source: USERS,
      destination: { schema: 'copy', table: 'mine' },
      exclude_columns: [],
    };
    const { events } = when(running([named]), moved(USERS, PEOPLE));
    expect(events[1]).toMatchObject({ body: { tables: [{ destination: named.destination }] } });
    const users = { source: USERS, destination: USERS, exclude_columns: [] };
    const taking = { ...ordersTable, destination: PEOPLE };
    const taken = when(running([users, taking]), moved(USERS, PEOPLE));
    expect(taken.events[1]).toMatchObject({
      body: { tables: [{ source: PEOPLE, destination: USERS }, taking] },
    });
  });

  it('stays in the mirror under a name that is excluded, which keeps tables from joining', () => {
    const history = running(undefined, { patterns: true, except: 'public.people' });
    expect(when(history, moved(USERS, PEOPLE)).events[1]).toMatchObject({
      type: 'tables_change_requested',
      body: { added: ['public.people'], removed: ['public.users'] },
    });
  });

  it('is where it was once the mirror has it, and nothing is to be built for it', () => {
    const held = [...running(), tableState('public.users', 'held')];
    const state = stateAfter(afterEdit(held, PEOPLE));
    expect(state).toMatchObject({
      mirror: { tables: [{ source: PEOPLE }] },
      outside: { 'public.people': { status: 'held', isCopied: false } },
    });
    const calm = stateAfter(afterEdit(running(), PEOPLE));
    expect(calm).toMatchObject({ outside: {} });
  });

  it.each([
    ['changes of structure are for people to make', running(undefined, { manual: true })],
    ['another edit is under way', HISTORIES.editing],
  ])('is only told when %s', (_reason, history) => {
    expect(types(when(history, moved(USERS, PEOPLE)).events)).toEqual(['tables_moved']);
  });
});

describe('a table that is gone from the source', () => {
  it('leaves a mirror of a pattern, and its rows stay', () => {
    const tables = [...createdBody.tables, ordersTable];
    const { events } = when(running(tables, { patterns: true }), moved(USERS, null));
    expect(events[1]).toMatchObject({
      type: 'tables_change_requested',
      body: { tables: [ordersTable], removed: ['public.users'], drop_removed: false },
    });
  });

  it('stays in a mirror that named it, and in one that would have none left', () => {
    const tables = [...createdBody.tables, ordersTable];
    expect(types(when(running(tables), moved(USERS, null)).events)).toEqual(['tables_moved']);
    const last = running(createdBody.tables, { patterns: true });
    expect(types(when(last, moved(USERS, null)).events)).toEqual(['tables_moved']);
  });
});
