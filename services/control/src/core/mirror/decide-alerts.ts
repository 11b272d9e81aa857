import { alertKey } from '../alert/alert.js';
import { type Decision, accepted } from '../decision.js';
import type { NoteAlerts } from './mirror-command.js';
import type { MirrorEvent } from './mirror-event.js';
import type { MirrorState } from './mirror-state.js';

/** What is raised already, or not any more, is no event: several processes may have seen the same. */
export function decideAlerts(state: MirrorState, command: NoteAlerts): Decision<MirrorEvent> {
  if (state.tag === 'absent' || state.tag === 'dropped') return accepted();
  const open = state.mirror.alerts ?? [];
  const ending = new Set(command.resolve);
  const raised = new Set(open.filter(({ id }) => !ending.has(id)).map(alertKey));
  const since = command.now.toISOString();
  return accepted(
    ...open
      .filter(({ id }) => ending.has(id))
      .map(({ id, condition, subject, summary, since: raisedAt }): MirrorEvent => {
        const seconds = Math.round((command.now.getTime() - Date.parse(raisedAt)) / 1_000);
        const body = { id, condition, subject, summary, after_seconds: seconds };
        return { type: 'alert_resolved', body };
      }),
    ...command.raise
      .filter((alert) => !raised.has(alertKey(alert)))
      .map((alert): MirrorEvent => ({ type: 'alert_raised', body: { ...alert, since } })),
  );
}
