import { assertNever } from '../decision.js';
import { type LogLine, info, warn } from './log-line.js';
import type { MirrorEvent } from './mirror-event.js';

const WISHES = [
  'mirror_paused',
  'mirror_resumed',
  'mirror_retried',
  'mirror_options_changed',
  'mirror_peer_changed',
  'mirror_delete_requested',
  'mirror_delete_forced',
  'table_retried',
  'table_hold_requested',
  'table_skip_requested',
  'resync_requested',
  'rebuild_requested',
  'schema_sync_requested',
] as const satisfies readonly MirrorEvent['type'][];

/** What a person asked for. */
export type WishEvent = Extract<MirrorEvent, { type: (typeof WISHES)[number] }>;

export function isWishEvent(event: MirrorEvent): event is WishEvent {
  const wishes: readonly string[] = WISHES;
  return wishes.includes(event.type);
}

export function wishLine(event: WishEvent): LogLine {
  switch (event.type) {
    case 'mirror_paused':
      return info('user', 'paused');
    case 'mirror_resumed':
      return info('user', 'resumed');
    case 'mirror_retried':
      return info('user', 'retry asked for');
    case 'mirror_options_changed':
      return info('user', 'options changed', { ...event.body.options });
    case 'mirror_peer_changed':
      return info('user', 'the connection of a peer changed', { peer: event.body.peer });
    case 'mirror_delete_requested':
      return info('user', 'delete asked for', event.body);
    case 'mirror_delete_forced':
      return warn('user', 'delete forced: what cannot be reached is left behind');
    case 'table_retried':
      return info('user', `retry of table ${event.body.table} asked for`, event.body);
    case 'table_hold_requested':
      return info('user', `hold of table ${event.body.table} asked for`, event.body);
    case 'table_skip_requested': {
      const { table, commit_lsn } = event.body;
      const message = `table ${table} shall leave out the transaction ${commit_lsn}`;
      return warn('user', message, { table, commit_lsn });
    }
    case 'resync_requested': {
      const { tables, strategy } = event.body;
      const what = tables.length === 0 ? 'every table' : `table ${tables.join(', ')}`;
      return info('resync', `resync of ${what} asked for`, { tables, strategy });
    }
    case 'rebuild_requested': {
      const { strategy, because } = event.body;
      const message =
        'resync asked for: slot and publication are made anew, then every table is copied';
      return warn('resync', message, { strategy, because });
    }
    case 'schema_sync_requested':
      return info('user', 'changes of structure asked for', { ...event.body });
    default:
      return assertNever(event);
  }
}
