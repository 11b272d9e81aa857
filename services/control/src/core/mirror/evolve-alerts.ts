import type { OpenAlert } from '../alert/alert.js';
import type { MirrorEvent } from './mirror-event.js';

/** Folds what was raised and resolved. */
export function evolveAlerts(
  alerts: readonly OpenAlert[] | undefined,
  event: MirrorEvent,
): readonly OpenAlert[] | undefined {
  switch (event.type) {
    case 'alert_raised': {
      const { details: _, ...alert } = event.body;
      return [...(alerts ?? []), alert];
    }
    case 'alert_resolved':
      return alerts?.filter(({ id }) => id !== event.body.id);
    default:
      return alerts;
  }
}
