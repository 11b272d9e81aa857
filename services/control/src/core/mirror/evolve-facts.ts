import { formatQualifiedName } from '@bunnydb/pg-model';
import { evolveAlerts } from './evolve-alerts.js';
import type { MirrorEvent } from './mirror-event.js';
import type { MirrorFacts } from './mirror-state.js';

/** The events that change what workers shall do, whatever the state. */
export function evolveFacts(mirror: MirrorFacts, event: MirrorEvent): MirrorFacts {
  switch (event.type) {
    case 'mirror_options_changed':
      return { ...nextGeneration(mirror), options: { ...mirror.options, ...event.body.options } };
    case 'mirror_peer_changed':
      return nextGeneration(mirror);
    case 'tables_changed': {
      const removed = new Set(event.body.removed);
      const kept = mirror.tables.filter(({ source }) => !removed.has(formatQualifiedName(source)));
      const { patterns } = event.body;
      return { ...nextGeneration(mirror), tables: [...kept, ...event.body.added], patterns };
    }
    case 'rebuild_requested':
      return { ...nextGeneration(mirror), rebuilds: event.body.number };
    case 'alert_raised':
    case 'alert_resolved':
      return { ...mirror, alerts: evolveAlerts(mirror.alerts, event) };
    default:
      return mirror;
  }
}

/** The facts after a change that workers have to see. */
export function nextGeneration(mirror: MirrorFacts): MirrorFacts {
  return { ...mirror, generation: mirror.generation + 1 };
}
