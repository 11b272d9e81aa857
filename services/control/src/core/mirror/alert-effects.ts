import { type AlertMessage, raisedMessage, resolvedMessage } from '../alert/alert-message.js';
import type { MirrorEvent } from './mirror-event.js';
import type { MirrorState } from './mirror-state.js';

/** A message for whoever is to be told. */
export interface AlertEffect {
  readonly type: 'alert';
  readonly mirrorId: string;
  readonly message: AlertMessage;
}

/** What is told of a change: alerts that were raised or resolved, and those that end with their mirror. */
export function alertEffects(
  before: MirrorState,
  changes: readonly MirrorEvent[],
  now: Date,
): AlertEffect[] {
  if (before.tag === 'absent') return [];
  const { mirror } = before;
  const open = mirror.alerts ?? [];
  const effect = (message: AlertMessage): AlertEffect => ({
    type: 'alert',
    mirrorId: mirror.id,
    message,
  });
  return changes.flatMap((event) => {
    switch (event.type) {
      case 'alert_raised':
        return [effect(raisedMessage(mirror, event.body))];
      case 'alert_resolved':
        return open
          .filter(({ id }) => id === event.body.id)
          .map((alert) => effect(resolvedMessage(mirror, alert, now)));
      case 'mirror_delete_requested':
        return open.map((alert) => effect(resolvedMessage(mirror, alert, now)));
      default:
        return [];
    }
  });
}
