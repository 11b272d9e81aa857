import type { MirrorEvent, StepVerb } from './mirror-event.js';
import type { StepWork } from './mirror-state.js';

export const READY: StepWork = { tag: 'ready', failures: 0 };
export const DONE: StepWork = { tag: 'done' };

/** The events that any step understands, whatever the saga. */
export function evolveWork(work: StepWork, verb: StepVerb, event: MirrorEvent): StepWork {
  switch (event.type) {
    case 'step_started':
      if (event.body.verb !== verb) return work;
      return {
        tag: 'outstanding',
        failures: event.body.failures,
        commandId: event.body.command_id,
        sentAt: event.body.at,
      };
    case 'step_failed':
      if (outstandingId(work) !== event.body.command_id) return work;
      return {
        tag: 'waiting',
        failures: event.body.failures,
        failure: event.body.failure,
        nextRetryAt: event.body.next_retry_at,
      };
    case 'step_lost':
      return work.tag === 'outstanding' && work.commandId === event.body.command_id
        ? { tag: 'ready', failures: work.failures }
        : work;
    case 'step_retry_due':
      return work.tag === 'waiting' && event.body.verb === verb
        ? { tag: 'ready', failures: work.failures }
        : work;
    case 'mirror_retried':
    // A corrected peer is worth another try at once.
    case 'mirror_peer_changed':
      return work.tag === 'waiting' ? { tag: 'ready', failures: work.failures } : work;
    default:
      return work;
  }
}

/** The command that the step waits for; null when it waits for none. */
export function outstandingId(work: StepWork): string | null {
  return work.tag === 'outstanding' ? work.commandId : null;
}
