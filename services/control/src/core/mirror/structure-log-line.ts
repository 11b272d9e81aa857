import type { StructureRefusal } from '@bunnydb/contracts';
import { assertNever } from '../decision.js';
import { LISTED_MAX, type LogLine, info, warn } from './log-line.js';
import type { MirrorEvent } from './mirror-event.js';

const STRUCTURE_EVENTS = [
  'structure_built',
  'structure_progress',
  'structure_compared',
  'structure_followed',
  'schema_synced',
] as const satisfies readonly MirrorEvent['type'][];

/** What happens to the destination's structure. */
export type StructureEvent = Extract<MirrorEvent, { type: (typeof STRUCTURE_EVENTS)[number] }>;

export function isStructureEvent(event: MirrorEvent): event is StructureEvent {
  const types: readonly string[] = STRUCTURE_EVENTS;
  return types.includes(event.type);
}

export function structureLine(event: StructureEvent): LogLine {
  switch (event.type) {
    case 'structure_built':
      return builtLine(event.body);
    case 'structure_progress': {
      const { object, done, total, detail } = event.body;
      return info('schema', `building ${object}`, {
        done,
        total,
        ...(detail === undefined ? {} : { detail }),
      });
    }
    case 'structure_compared': {
      const { pending, objects } = event.body;
      return pending === 0
        ? info('schema', 'no change of structure is pending')
        : warn('schema', `changes of structure are pending: ${pending}`, {
            objects: objects.slice(0, LISTED_MAX),
          });
    }
    case 'structure_followed': {
      const { made, by } = event.body;
      return info('schema', 'a change of structure on the source was carried along', {
        made: made.slice(0, LISTED_MAX),
        by,
      });
    }
    case 'schema_synced':
      return syncedLine(event.body);
    default:
      return assertNever(event);
  }
}

function builtLine(body: Extract<MirrorEvent, { type: 'structure_built' }>['body']): LogLine {
  const { built_count, skipped_count, failed_count, skipped, failed, seconds } = body;
  const details = { built: built_count, skipped: skipped_count, failed: failed_count, seconds };
  return skipped_count + failed_count === 0
    ? info('schema', 'indexes, constraints and foreign keys are in place', details)
    : warn('schema', 'not all indexes, constraints and foreign keys could be made', {
        ...details,
        not_made: notMade(failed, skipped),
      });
}

function syncedLine(body: Extract<MirrorEvent, { type: 'schema_synced' }>['body']): LogLine {
  const { applied, skipped, failed, stale } = body;
  if (stale.length > 0) {
    return warn('schema', 'nothing was made: what was chosen is no longer pending', {
      stale: stale.slice(0, LISTED_MAX),
    });
  }
  const details = {
    applied: applied.slice(0, LISTED_MAX),
    skipped: skipped.length,
    failed: failed.length,
  };
  return failed.length === 0
    ? info('schema', 'changes of structure were made', details)
    : warn('schema', 'not all changes of structure could be made', {
        ...details,
        not_made: notMade(failed, skipped),
      });
}

function notMade(
  failed: readonly StructureRefusal[],
  skipped: readonly StructureRefusal[],
): readonly StructureRefusal[] {
  return [...failed, ...skipped].slice(0, LISTED_MAX);
}
