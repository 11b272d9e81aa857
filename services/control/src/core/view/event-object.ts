import { isMirrorEvent } from '../control-event.js';
import { logLineOf } from '../mirror/mirror-log-line.js';

/** What is shown of an event of a mirror's history. */
export interface ShownEvent {
  readonly position: bigint;
  readonly event: { readonly type: string; readonly body: object };
  readonly metadata: { readonly actor: string };
  readonly recordedAt: Date;
}

/** An event of a mirror's history, as the /v1 contract shows it. Mirror events hold no secrets. */
export function eventObject({ position, event, metadata, recordedAt }: ShownEvent) {
  const line = isMirrorEvent(event) ? logLineOf(event) : null;
  return {
    id: Number(position),
    type: event.type,
    at: recordedAt.toISOString(),
    actor: metadata.actor,
    // As in the log; null for what says nothing to people.
    level: line?.level ?? null,
    message: line?.message ?? null,
    body: event.body,
  };
}
