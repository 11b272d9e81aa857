import { type ControlEvent, isMirrorEvent } from '../control-event.js';
import { assertNever } from '../decision.js';
import { logLineOf } from '../mirror/mirror-log-line.js';
import type { PeerEvent } from '../peer/peer.js';
import type { UserEvent } from '../user/user.js';

/** What a person did, as the event store has it. */
export interface AuditedEvent {
  readonly position: bigint;
  readonly event: ControlEvent;
  readonly actor: string;
  readonly recordedAt: Date;
  readonly streamId: string;
  readonly subject: string | null;
}

/** An entry of the audit. Bodies are told in words only: those of peers and users hold sealed passwords and hashes. */
export function auditEntry(done: AuditedEvent) {
  const { position, event, actor, recordedAt, streamId, subject } = done;
  return {
    id: Number(position),
    at: recordedAt.toISOString(),
    actor,
    // `mirror-m1a2b3`, `peer-…`, `user-…`.
    kind: streamId.slice(0, streamId.indexOf('-')),
    name: subject,
    type: event.type,
    message: messageOf(event),
  };
}

function messageOf(event: ControlEvent): string {
  if (isMirrorEvent(event)) return logLineOf(event)?.message ?? event.type.replaceAll('_', ' ');
  return wordsOf(event);
}

function wordsOf(event: PeerEvent | UserEvent): string {
  switch (event.type) {
    case 'peer_created':
      return 'peer created';
    case 'peer_changed':
      return 'peer changed';
    case 'peer_deleted':
      return 'peer deleted';
    case 'user_created':
      return `user created, role ${event.body.role}`;
    case 'user_role_changed':
      return `role changed to ${event.body.role}`;
    case 'user_password_changed':
      return 'password changed';
    case 'user_deleted':
      return 'user deleted';
    default:
      return assertNever(event);
  }
}
