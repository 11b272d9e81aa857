import type { Alert, OpenAlert } from './alert.js';

/** What a webhook gets. `text` is what chat programs show. */
export interface AlertMessage {
  readonly v: 1;
  /** The same for the raising and the resolving. */
  readonly id: string;
  readonly state: 'raised' | 'resolved';
  readonly condition: Alert['condition'];
  readonly severity: Alert['severity'];
  readonly mirror: string;
  readonly mirror_id: string;
  /** The table that it is about; null: the mirror. */
  readonly table: string | null;
  readonly summary: string;
  readonly details: Alert['details'];
  readonly at: string;
  readonly text: string;
}

interface MirrorName {
  readonly id: string;
  readonly name: string;
}

export function raisedMessage(
  mirror: MirrorName,
  alert: OpenAlert & { readonly details: Alert['details'] },
): AlertMessage {
  return {
    ...common(mirror, alert),
    state: 'raised',
    details: alert.details,
    at: alert.since,
    text: `[${alert.severity}] ${mirror.name}: ${alert.summary}`,
  };
}

export function resolvedMessage(mirror: MirrorName, alert: OpenAlert, at: Date): AlertMessage {
  const seconds = Math.max(0, Math.round((at.getTime() - Date.parse(alert.since)) / 1_000));
  return {
    ...common(mirror, alert),
    state: 'resolved',
    details: { after_seconds: seconds },
    at: at.toISOString(),
    text: `[resolved] ${mirror.name}: ${alert.summary}`,
  };
}

function common(mirror: MirrorName, alert: OpenAlert) {
  const { id, condition, severity, summary, subject } = alert;
  const table = subject === '' ? null : subject;
  return {
    ...({ v: 1, id, condition, severity, summary, table } as const),
    mirror: mirror.name,
    mirror_id: mirror.id,
  };
}
