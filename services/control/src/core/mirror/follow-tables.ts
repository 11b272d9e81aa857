import { formatQualifiedName } from '@bunnydb/pg-model';
import { isOnItsWay } from './evolve-outside.js';
import { fitsPattern } from './fits-pattern.js';
import type { MirrorEvent } from './mirror-event.js';
import type { MirrorState } from './mirror-state.js';
import { streamingOf } from './mirror-steps.js';

/**
 * What follows when no table is on its way any more: those that were copied get their structure, all at one go, and a full resync is over.
 * Tables that are held or in error are not waited for.
 */
export function joinedTables(state: MirrorState, now: Date): readonly MirrorEvent[] {
  const streaming = streamingOf(state);
  // Until a rebuild is done, what was told of tables is of before it.
  if (!streaming || streaming.rebuild) return [];
  const outside = Object.entries(streaming.outside ?? {});
  if (outside.some(([, table]) => isOnItsWay(table))) return [];
  const joined = outside.flatMap(([name, { status, isCopied }]) =>
    status === 'running' && isCopied ? [name] : [],
  );
  const events: MirrorEvent[] = [];
  if (joined.length > 0) events.push({ type: 'tables_joined', body: { tables: joined } });
  if (streaming.resync) {
    const { since } = streaming.resync;
    const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(since)) / 10) / 100);
    const tables = streaming.mirror.tables.length;
    const waiting = outside.filter(([, { status }]) => status !== 'running').length;
    events.push({ type: 'resync_finished', body: { tables, seconds, waiting } });
  }
  return events;
}

/** Tables that appeared on the source join by an edit of their own, when nothing else moves the tables. */
export function appearedTables(state: MirrorState): readonly MirrorEvent[] {
  if (state.tag !== 'streaming' || state.copy !== 'done') return [];
  const { mirror, appeared = [], edit, resync } = state;
  const patterns = mirror.patterns ?? [];
  if (edit || resync || patterns.length === 0) return [];
  if (mirror.options.schema_changes !== 'auto') return [];
  const sources = new Set(mirror.tables.map(({ source }) => formatQualifiedName(source)));
  const taken = new Set(mirror.tables.map(({ destination }) => formatQualifiedName(destination)));
  const fresh = appeared.filter(({ source, destination }) => {
    // The patterns may have changed since they were told.
    if (!patterns.some((pattern) => fitsPattern(pattern, source))) return false;
    const isNew = !sources.has(formatQualifiedName(source));
    // A destination that another table fills, or fills from now on, stays that table's.
    const name = formatQualifiedName(destination);
    const isFree = !taken.has(name);
    taken.add(name);
    return isNew && isFree;
  });
  if (fresh.length === 0) return [];
  return [
    {
      type: 'tables_change_requested',
      body: {
        tables: [...mirror.tables, ...fresh],
        patterns,
        added: fresh.map(({ source }) => formatQualifiedName(source)),
        removed: [],
        drop_removed: false,
        asked_by: 'source',
      },
    },
  ];
}
