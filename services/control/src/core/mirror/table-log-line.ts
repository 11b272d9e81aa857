import type { TableStatus } from '@bunnydb/contracts';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { assertNever } from '../decision.js';
import { LISTED_MAX, type LogLine, failed, info, warn } from './log-line.js';
import type { MirrorEvent } from './mirror-event.js';

const TABLE_EVENTS = [
  'table_state_changed',
  'tables_appeared',
  'tables_moved',
  'tables_change_requested',
  'tables_changed',
  'tables_joined',
  'lanes_changed',
  'resync_finished',
] as const satisfies readonly MirrorEvent['type'][];

/** What happens to tables. */
export type TableEvent = Extract<MirrorEvent, { type: (typeof TABLE_EVENTS)[number] }>;

export function isTableEvent(event: MirrorEvent): event is TableEvent {
  const types: readonly string[] = TABLE_EVENTS;
  return types.includes(event.type);
}

export function tableLine(event: TableEvent): LogLine {
  switch (event.type) {
    case 'table_state_changed':
      return stateLine(event.body);
    case 'tables_appeared':
      return info('schema', 'tables appeared on the source', {
        tables: listed(event.body.tables.map(({ source }) => formatQualifiedName(source))),
      });
    case 'tables_moved':
      return movedLine(event.body);
    case 'tables_change_requested': {
      const { added, removed, drop_removed, asked_by } = event.body;
      const details = { added: listed(added), removed: listed(removed), drop_removed };
      return asked_by === 'person'
        ? info('user', 'other tables asked for', details)
        : info('schema', 'the mirror follows the tables of the source', details);
    }
    case 'tables_changed': {
      const { added, removed } = event.body;
      const names = added.map(({ source }) => formatQualifiedName(source));
      const message = `the mirror has other tables: ${added.length} more, ${removed.length} less`;
      return info('setup', message, { added: listed(names), removed: listed(removed) });
    }
    case 'tables_joined':
      return info('snapshot', 'copied tables stream with the others', {
        tables: listed(event.body.tables),
      });
    case 'lanes_changed': {
      const { action, tables } = event.body;
      return info('resync', `the applier knows: ${action}`, { tables: listed(tables) });
    }
    case 'resync_finished': {
      const { waiting = 0 } = event.body;
      return waiting === 0
        ? info('resync', 'resync finished', { ...event.body })
        : warn('resync', `resync finished but for ${waiting} of the tables`, { ...event.body });
    }
    default:
      return assertNever(event);
  }
}

function movedLine({ tables }: Extract<MirrorEvent, { type: 'tables_moved' }>['body']): LogLine {
  const names = tables.map(({ table, to }) =>
    to === null
      ? `${formatQualifiedName(table)} is gone`
      : `${formatQualifiedName(table)} is ${formatQualifiedName(to)} now`,
  );
  return warn('schema', 'tables of the mirror have other names on the source, or are gone', {
    tables: listed(names),
  });
}

function stateLine(body: Extract<MirrorEvent, { type: 'table_state_changed' }>['body']): LogLine {
  const { table, status, rows, failure, next_retry_at } = body;
  const details = {
    table,
    status,
    ...(rows === undefined ? {} : { rows }),
    ...(next_retry_at === undefined ? {} : { next_retry_at }),
  };
  const told = `table ${table} is ${STATUS_WORDS[status] ?? status}`;
  // Somebody asked for it.
  if (failure?.kind === 'table_on_hold') return info('user', `${told} on request`, details);
  if (failure !== undefined) {
    const line = failed(failure, details, `${told}: `);
    return body.is_left_behind === true
      ? { ...line, message: `${line.message}; the others are swapped without it` }
      : line;
  }
  return info(status === 'resyncing' ? 'resync' : 'snapshot', told, details);
}

/** Where the contract's word is none of a sentence. */
const STATUS_WORDS: Readonly<Partial<Record<TableStatus, string>>> = {
  error: 'in error',
  catching_up: 'catching up',
};

function listed(names: readonly string[]): readonly string[] {
  return names.slice(0, LISTED_MAX);
}
