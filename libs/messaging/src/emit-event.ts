import { eventSubject, type AnyWorkerEvent } from '@bunnydb/contracts';
import type { Messaging } from './messaging.js';
import {
  publishStored,
  type StoredPublishOptions,
  type StoredPublishResult,
} from './stored-publish.js';

/**
 * Stores an event on BUNNY_EVENTS and waits for the acknowledgement, trying again until the deadline.
 *
 * @throws MirrorError `messaging_unavailable` when it could not be stored.
 */
export async function emitEvent(
  messaging: Messaging,
  event: AnyWorkerEvent,
  options: StoredPublishOptions = {},
): Promise<StoredPublishResult> {
  const subject = eventSubject(event.mirror_id, event.service, event.type);
  return publishStored(messaging, subject, event.event_id, event, options);
}
