import type { LaneNote } from './lane-note.js';
import { type LaneSignal, type LaneState, resyncOf } from './lane-state.js';

/** A table as its lane's planning sees it. */
export interface LaneRow {
  /** Source name. */
  readonly table: string;
  readonly state: LaneState;
  readonly note: LaneNote;
  readonly nextRetryAtMs: number | null;
}

/** What only the session knows, and loses with it. */
export interface LaneFacts {
  /** Tables that a lane works on now. */
  readonly active: ReadonlySet<string>;
  /** Tables whose shadow is full: it is kept caught up until all that are swapped with it are. */
  readonly filledShadows: ReadonlySet<string>;
  readonly lanesMax: number;
}

/** A lane to be started. */
export type LaneStart =
  /** All that have to be copied at the same time share a snapshot. */
  | { readonly kind: 'copy'; readonly tables: readonly string[] }
  | { readonly kind: 'replay'; readonly table: string }
  | { readonly kind: 'swap'; readonly tables: readonly string[] };

/** What a row's wish, or the end of its wait, means for its lane; undefined: nothing. */
export function signalOf(row: LaneRow, nowMs: number): LaneSignal | undefined {
  const { asked } = row.note;
  if (asked?.wish.action === 'resync')
    return { tag: 'resync', resync: resyncOf(asked.wish, asked.commandId) };
  if (asked?.wish.action === 'hold') return { tag: 'hold' };
  const waits = row.state.tag === 'held' || row.state.tag === 'error';
  if (!waits) return undefined;
  const isDue = row.nextRetryAtMs !== null && row.nextRetryAtMs <= nowMs;
  return asked || isDue ? { tag: 'retry' } : undefined;
}

/** When the next wait is over; null: none is under way. */
export function nextDueMs(rows: readonly LaneRow[]): number | null {
  const due = rows.flatMap(({ state, nextRetryAtMs }) =>
    nextRetryAtMs !== null && (state.tag === 'held' || state.tag === 'error')
      ? [nextRetryAtMs]
      : [],
  );
  return due.length > 0 ? Math.min(...due) : null;
}

/** Which lanes to start, those that bring a table nearest to the main lane first. */
export function planLanes(rows: readonly LaneRow[], facts: LaneFacts): readonly LaneStart[] {
  const idle = rows.filter(({ table }) => !facts.active.has(table));
  const copies = idle.filter((row) => isToBeCopied(row, facts)).map(({ table }): string => table);
  const starts: LaneStart[] = [
    ...idle
      .filter(({ state }) => state.tag === 'catching_up')
      .map(({ table }): LaneStart => ({ kind: 'replay', table })),
    ...swapGroups(idle, rows, facts),
    ...(copies.length > 0 ? [{ kind: 'copy', tables: copies } satisfies LaneStart] : []),
  ];
  return starts.slice(0, Math.max(0, facts.lanesMax));
}

function isToBeCopied({ table, state }: LaneRow, { filledShadows }: LaneFacts): boolean {
  switch (state.tag) {
    case 'pending':
    case 'copying':
      return true;
    case 'resyncing':
      return state.resync.step === 'copy' && !filledShadows.has(table);
    case 'catching_up':
    case 'running':
    case 'held':
    case 'error':
      return false;
  }
}

/** Tables that are ready to be swapped; those that go together only when all of them are. */
function swapGroups(
  idle: readonly LaneRow[],
  rows: readonly LaneRow[],
  facts: LaneFacts,
): readonly LaneStart[] {
  const isReady = (row: LaneRow): boolean =>
    row.state.tag === 'resyncing' &&
    !facts.active.has(row.table) &&
    (row.state.resync.step === 'swap' || facts.filledShadows.has(row.table));
  const groups = new Map<string, readonly LaneRow[]>();
  for (const row of idle.filter(isReady)) {
    const id = groupOf(row);
    if (groups.has(id)) continue;
    const members = rows.filter((candidate) => groupOf(candidate) === id);
    if (members.every(isReady)) groups.set(id, members);
  }
  return [...groups.values()].map((members) => ({
    kind: 'swap',
    tables: members.map(({ table }) => table),
  }));
}

/** What a table is swapped with: those of the same command, even while one of them waits after an error. */
function groupOf({ table, state }: LaneRow): string {
  const working = state.tag === 'error' || state.tag === 'held' ? state.goesOnAs : state;
  return working.tag === 'resyncing' && working.resync.together
    ? `command ${working.resync.id}`
    : `table ${table}`;
}
