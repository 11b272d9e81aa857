import { useReducer } from 'react';
import type { RowChange } from './client.js';
import { useFollowEvents } from './follow-events.js';

export interface SeenChange {
  readonly id: number;
  readonly change: RowChange;
}

interface Shown {
  readonly changes: readonly SeenChange[];
  readonly isPaused: boolean;
  /** Changes that came while it was paused. */
  readonly missedCount: number;
  /** Changes that came faster than they can be shown. */
  readonly leftOutCount: number;
  readonly nextId: number;
}

type Signal =
  | { readonly type: 'told'; readonly changes: readonly RowChange[] }
  | { readonly type: 'left_out'; readonly count: number }
  | { readonly type: 'pause' | 'go_on' | 'clear' };

const NOTHING: Shown = {
  changes: [],
  isPaused: false,
  missedCount: 0,
  leftOutCount: 0,
  nextId: 1,
};

/** Follows a table's changes, newest first; while paused they are only counted. */
export function useFollowChanges(mirrorName: string, table: string) {
  const [shown, signal] = useReducer(afterSignal, NOTHING);
  const query = new URLSearchParams({ table, latest: 'true' });
  const isLive = useFollowEvents(
    `/v1/mirrors/${encodeURIComponent(mirrorName)}/changes/stream?${query.toString()}`,
    ['changes', 'left_out'],
    (name, data) => {
      if (name === 'changes')
        signal({ type: 'told', changes: JSON.parse(data) as readonly RowChange[] });
      else signal({ type: 'left_out', count: (JSON.parse(data) as { changes: number }).changes });
    },
  );
  return {
    ...shown,
    isLive,
    pause: () => signal({ type: 'pause' }),
    goOn: () => signal({ type: 'go_on' }),
    clear: () => signal({ type: 'clear' }),
  };
}

function afterSignal(shown: Shown, signal: Signal): Shown {
  switch (signal.type) {
    case 'told': {
      const { changes } = signal;
      if (shown.isPaused) return { ...shown, missedCount: shown.missedCount + changes.length };
      const seen = changes.map((change, index) => ({ id: shown.nextId + index, change }));
      return {
        ...shown,
        changes: [...seen.toReversed(), ...shown.changes].slice(0, SHOWN_MAX),
        nextId: shown.nextId + changes.length,
      };
    }
    case 'left_out':
      return shown.isPaused
        ? { ...shown, missedCount: shown.missedCount + signal.count }
        : { ...shown, leftOutCount: shown.leftOutCount + signal.count };
    case 'pause':
      return { ...shown, isPaused: true };
    case 'go_on':
      return { ...shown, isPaused: false, missedCount: 0 };
    case 'clear':
      return { ...shown, changes: [], missedCount: 0, leftOutCount: 0 };
  }
}

const SHOWN_MAX = 100;
