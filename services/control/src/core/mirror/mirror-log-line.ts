import { formatQualifiedName } from '@bunnydb/pg-model';
import { assertNever } from '../decision.js';
import type { MirrorEvent, StepVerb } from './mirror-event.js';

export const LOG_LEVELS = ['info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_CATEGORIES = [
  'setup',
  'snapshot',
  'replication',
  'schema',
  'resync',
  'error',
  'user',
] as const;
export type LogCategory = (typeof LOG_CATEGORIES)[number];

/** One line of a mirror's log, for people. Details are names, counts and positions, never values. */
export interface LogLine {
  readonly level: LogLevel;
  readonly category: LogCategory;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What an event reads like in the mirror's log; null for those that say nothing to people. */
export function logLineOf(event: MirrorEvent): LogLine | null {
  switch (event.type) {
    case 'mirror_created':
      return info('setup', 'mirror created', {
        source_peer: event.body.source_peer,
        destination_peer: event.body.destination_peer,
        tables: event.body.tables.map(({ source }) => formatQualifiedName(source)),
      });
    case 'step_started':
      return info('setup', STARTED[event.body.verb], { failures: event.body.failures });
    case 'step_failed':
      return failed(event.body.failure, {
        step: event.body.verb,
        failures: event.body.failures,
        next_retry_at: event.body.next_retry_at,
      });
    case 'step_lost':
      return warn('setup', 'a command got lost with the queue and is sent again', {
        step: event.body.verb,
      });
    case 'tables_provisioned':
      return info('setup', 'destination tables are in place', {
        created: event.body.created,
        existing: event.body.existing.length,
      });
    case 'source_prepared':
      return info('setup', 'publication, slot and change stream are in place', {
        slot_name: event.body.slot_name,
        publication_name: event.body.publication_name,
        start_lsn: event.body.identity.start_lsn,
      });
    case 'source_cleaned':
      return cleaned('slot, publication and change stream removed', event.body.left);
    case 'destination_cleaned':
      return cleaned('bookkeeping removed from the destination', event.body.left);
    case 'tables_dropped':
      return cleaned('destination tables dropped', event.body.left);
    case 'structure_built':
      return structureLine(event.body);
    case 'structure_progress':
      return progressLine(event.body);
    case 'session_started':
      return info('replication', `${event.body.service} took the mirror up`, {
        instance: event.body.instance,
        generation: event.body.generation,
      });
    case 'session_failed':
      return failed(event.body.failure, {
        service: event.body.service,
        attempt: event.body.attempt,
        next_retry_at: event.body.next_retry_at,
      });
    case 'session_recovered':
      return info('replication', `${event.body.service} works again`, {});
    case 'copy_started':
      return info('snapshot', 'copy started', { tables: event.body.tables });
    case 'table_state_changed':
      return tableLine(event.body);
    case 'copy_finished':
      return info('snapshot', 'copy finished', {
        tables: event.body.tables,
        rows: event.body.rows,
        seconds: event.body.seconds,
      });
    default:
      return wishLine(event);
  }
}

type WishEvent = Extract<
  MirrorEvent,
  {
    type:
      | 'mirror_paused'
      | 'mirror_resumed'
      | 'mirror_retried'
      | 'mirror_options_changed'
      | 'mirror_peer_changed'
      | 'mirror_delete_requested'
      | 'mirror_delete_forced'
      | 'mirror_dropped'
      | 'step_retry_due';
  }
>;

function wishLine(event: WishEvent): LogLine | null {
  switch (event.type) {
    case 'mirror_paused':
      return info('user', 'paused', {});
    case 'mirror_resumed':
      return info('user', 'resumed', {});
    case 'mirror_retried':
      return info('user', 'retry asked for', {});
    case 'mirror_options_changed':
      return info('user', 'options changed', { ...event.body.options });
    case 'mirror_peer_changed':
      return info('user', 'the connection of a peer changed', { peer: event.body.peer });
    case 'mirror_delete_requested':
      return info('user', 'delete asked for', event.body);
    case 'mirror_delete_forced':
      return warn('user', 'delete forced: what cannot be reached is left behind', {});
    case 'mirror_dropped':
      return cleaned('mirror dropped', event.body.left);
    case 'step_retry_due':
      return null;
    default:
      return assertNever(event);
  }
}

const STARTED: Readonly<Record<StepVerb, string>> = {
  provision_tables: 'creating missing destination tables',
  prepare_source: 'creating publication, slot and change stream',
  clean_source: 'removing slot, publication and change stream',
  clean_destination: 'removing the bookkeeping from the destination',
  drop_tables: 'dropping the destination tables',
  build_structure: 'building indexes, constraints and foreign keys',
};

function tableLine(body: Extract<MirrorEvent, { type: 'table_state_changed' }>['body']): LogLine {
  const details = {
    table: body.table,
    status: body.status,
    ...(body.rows === undefined ? {} : { rows: body.rows }),
  };
  return body.failure === undefined
    ? info('snapshot', `table ${body.table} is ${body.status}`, details)
    : failed(body.failure, details);
}

function progressLine(body: Extract<MirrorEvent, { type: 'structure_progress' }>['body']): LogLine {
  return info('schema', `building ${body.object}`, { done: body.done, total: body.total });
}

function structureLine(body: Extract<MirrorEvent, { type: 'structure_built' }>['body']): LogLine {
  const { built_count, skipped_count, failed_count, skipped, failed: notMade, seconds } = body;
  const details = { built: built_count, skipped: skipped_count, failed: failed_count, seconds };
  return skipped_count + failed_count === 0
    ? info('schema', 'indexes, constraints and foreign keys are in place', details)
    : warn('schema', 'not all indexes, constraints and foreign keys could be made', {
        ...details,
        not_made: [...notMade, ...skipped].slice(0, LISTED_MAX),
      });
}

/** A line of the log is for people. */
const LISTED_MAX = 50;

function failed(
  failure: { readonly kind: string; readonly message: string; readonly hint: string },
  details: LogLine['details'],
): LogLine {
  const { kind, message, hint } = failure;
  return { level: 'error', category: 'error', message, details: { ...details, kind, hint } };
}

function cleaned(message: string, left: readonly string[]): LogLine {
  return left.length === 0 ? info('setup', message, {}) : warn('setup', message, { left });
}

function info(category: LogCategory, message: string, details: LogLine['details']): LogLine {
  return { level: 'info', category, message, details };
}

function warn(category: LogCategory, message: string, details: LogLine['details']): LogLine {
  return { level: 'warn', category, message, details };
}
