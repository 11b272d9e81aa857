import { commandSubject, type AnyCommand, type ServiceName } from '@bunnydb/contracts';
import type { Messaging } from './messaging.js';
import {
  publishStored,
  type StoredPublishOptions,
  type StoredPublishResult,
} from './stored-publish.js';

/**
 * Stores a command on BUNNY_COMMANDS and waits for the acknowledgement. A second send of the same `command_id` within two minutes
 * is a duplicate and changes nothing, whether or not the first was worked off; another try of a step takes a new id.
 *
 * @throws MirrorError `messaging_unavailable` when it could not be stored.
 */
export async function sendCommand(
  messaging: Messaging,
  service: ServiceName,
  command: AnyCommand,
  options: StoredPublishOptions = {},
): Promise<StoredPublishResult> {
  const subject = commandSubject(service, command.verb);
  return publishStored(messaging, subject, command.command_id, command, options);
}
