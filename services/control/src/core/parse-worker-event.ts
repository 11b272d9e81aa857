import type { AnyWorkerEvent } from '@bunnydb/contracts';
import { findUnstorable } from './request/find-unstorable.js';

/** Every type that a worker may tell, as a full record, so that a new one has to be listed. */
const WORKER_EVENT_TYPES: Readonly<Record<AnyWorkerEvent['type'], true>> = {
  tables_provisioned: true,
  tables_dropped: true,
  structure_built: true,
  structure_progress: true,
  source_prepared: true,
  source_rebuilt: true,
  position_restarted: true,
  source_cleaned: true,
  destination_cleaned: true,
  command_failed: true,
  session_started: true,
  session_failed: true,
  session_recovered: true,
  copy_started: true,
  table_state_changed: true,
  copy_finished: true,
  publication_changed: true,
  lanes_changed: true,
  schema_synced: true,
  structure_compared: true,
  structure_followed: true,
  tables_appeared: true,
  tables_moved: true,
};

/**
 * Checks an event at the door. One that cannot be stored or has a type that this version does not know must not block those
 * behind it, so it is told apart here.
 *
 * @returns why it cannot be taken; undefined when it can.
 */
export function refuseWorkerEvent(event: AnyWorkerEvent): string | undefined {
  if (!Object.hasOwn(WORKER_EVENT_TYPES, event.type)) return 'the type is not known';
  const { body, service, instance } = event;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'there is no body';
  if (typeof service !== 'string' || typeof instance !== 'string') return 'the origin is missing';
  const unstorable = findUnstorable(body);
  return unstorable ? `${unstorable.path} ${unstorable.message}` : undefined;
}
