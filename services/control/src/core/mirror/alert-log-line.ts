import { type LogLine, info } from './log-line.js';
import type { MirrorEvent } from './mirror-event.js';

export type AlertEvent = Extract<MirrorEvent, { type: 'alert_raised' | 'alert_resolved' }>;

export function isAlertEvent(event: MirrorEvent): event is AlertEvent {
  return event.type === 'alert_raised' || event.type === 'alert_resolved';
}

export function alertLine(event: AlertEvent): LogLine {
  const { condition, summary } = event.body;
  if (event.type === 'alert_resolved') {
    const { after_seconds } = event.body;
    return info('error', `alert resolved: ${summary}`, { condition, after_seconds });
  }
  const { severity, details } = event.body;
  return {
    level: severity === 'critical' ? 'error' : 'warn',
    category: 'error',
    message: `alert raised: ${summary}`,
    details: { ...details, condition, severity },
  };
}
