import { formatQualifiedName } from '@bunnydb/pg-model';
import { assertNever } from '../decision.js';
import { alertLine, isAlertEvent } from './alert-log-line.js';
import { type LogCategory, type LogLine, failed, info, warn } from './log-line.js';
import type { MirrorEvent, StepVerb } from './mirror-event.js';
import { isStructureEvent, structureLine } from './structure-log-line.js';
import { isTableEvent, tableLine } from './table-log-line.js';
import { isWishEvent, wishLine } from './wish-log-line.js';

/** What an event reads like in the mirror's log; null for those that say nothing to people. An answer to a command says how long it took. */
export function logLineOf(event: MirrorEvent): LogLine | null {
  const line = lineOf(event);
  const { body } = event;
  return line !== null && 'step_seconds' in body && body.step_seconds !== undefined
    ? { ...line, details: { ...line.details, seconds: body.step_seconds } }
    : line;
}

function lineOf(event: MirrorEvent): LogLine | null {
  if (isAlertEvent(event)) return alertLine(event);
  if (isTableEvent(event)) return tableLine(event);
  if (isStructureEvent(event)) return structureLine(event);
  if (isWishEvent(event)) return wishLine(event);
  switch (event.type) {
    case 'mirror_created':
      return info('setup', 'mirror created', {
        source_peer: event.body.source_peer,
        destination_peer: event.body.destination_peer,
        tables: event.body.tables.map(({ source }) => formatQualifiedName(source)),
      });
    case 'step_started':
      return info(...STARTED[event.body.verb], { failures: event.body.failures });
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
    case 'step_retry_due':
      return null;
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
    case 'source_rebuilt':
    case 'position_restarted':
      return rebuildLine(event);
    case 'publication_changed':
      return info('setup', 'the publication is in line with the tables', {
        added: event.body.added,
        removed: event.body.removed,
      });
    case 'source_cleaned':
      return cleaned('slot, publication and change stream removed', event.body.left);
    case 'destination_cleaned':
      return cleaned('bookkeeping removed from the destination', event.body.left);
    case 'tables_dropped':
      return cleaned('destination tables dropped', event.body.left);
    case 'session_started':
    case 'session_failed':
    case 'session_recovered':
      return sessionLine(event);
    case 'copy_started':
      return info('snapshot', 'copy started', { tables: event.body.tables });
    case 'copy_finished':
      return info('snapshot', 'copy finished', {
        tables: event.body.tables,
        rows: event.body.rows,
        seconds: event.body.seconds,
      });
    case 'mirror_dropped':
      return cleaned('mirror dropped', event.body.left);
    default:
      return assertNever(event);
  }
}

function rebuildLine(
  event: Extract<MirrorEvent, { type: 'source_rebuilt' | 'position_restarted' }>,
): LogLine {
  if (event.type === 'position_restarted') {
    const { start_lsn, tables } = event.body;
    const message = 'the destination starts from the new slot; every table is copied';
    return info('resync', message, { start_lsn, tables });
  }
  const { slot_name, publication_name, identity } = event.body;
  return info('resync', 'publication, slot and change stream are made anew', {
    slot_name,
    publication_name,
    start_lsn: identity.start_lsn,
  });
}

type SessionEvent = Extract<
  MirrorEvent,
  { type: 'session_started' | 'session_failed' | 'session_recovered' }
>;

function sessionLine(event: SessionEvent): LogLine {
  switch (event.type) {
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
      return info('replication', `${event.body.service} works again`);
    default:
      return assertNever(event);
  }
}

const STARTED: Readonly<Record<StepVerb, readonly [LogCategory, string]>> = {
  provision_tables: ['setup', 'creating missing destination tables'],
  prepare_source: ['setup', 'creating publication, slot and change stream'],
  clean_source: ['setup', 'removing slot, publication and change stream'],
  clean_destination: ['setup', 'removing the bookkeeping from the destination'],
  drop_tables: ['setup', 'dropping destination tables'],
  build_structure: ['schema', 'building indexes, constraints and foreign keys'],
  change_publication: ['setup', 'bringing the publication in line with the tables'],
  change_lanes: ['resync', 'telling the applier what is asked of tables'],
  sync_schema: ['schema', 'making changes of structure'],
  rebuild_source: ['resync', 'making publication, slot and change stream anew'],
  restart_position: ['resync', 'starting the destination from the new slot'],
};

function cleaned(message: string, left: readonly string[]): LogLine {
  return left.length === 0 ? info('setup', message) : warn('setup', message, { left });
}
