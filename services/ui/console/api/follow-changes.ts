import { useEffect, useReducer, useState } from 'react';

/** A change as the gateway tells it: column names in order, values as text, `null` for NULL, absent where it was not sent. */
export interface Change {
  readonly at: string;
  readonly table: string;
  readonly operation: 'insert' | 'update' | 'delete' | 'truncate';
  readonly columns: readonly string[];
  readonly row: readonly (string | null | undefined)[];
  readonly old: Readonly<Record<string, string | null>> | null;
  readonly unchanged: readonly string[];
}

export interface SeenChange {
  readonly id: number;
  readonly change: Change;
}

interface Shown {
  readonly changes: readonly SeenChange[];
  readonly isPaused: boolean;
  readonly missedCount: number;
  readonly nextId: number;
}

type Signal =
  | { readonly type: 'told'; readonly changes: readonly Change[] }
  | { readonly type: 'pause' | 'go_on' | 'clear' };

const NOTHING: Shown = { changes: [], isPaused: false, missedCount: 0, nextId: 1 };

/** Follows a table's changes, newest first; while paused they are only counted. */
export function useFollowChanges(mirrorName: string, table: string) {
  const [shown, signal] = useReducer(afterSignal, NOTHING);
  const [isLive, setLive] = useState(false);
  useEffect(() => {
    const query = new URLSearchParams({ table });
    const source = new EventSource(
      `/v1/mirrors/${encodeURIComponent(mirrorName)}/changes/stream?${query.toString()}`,
    );
    source.onopen = () => setLive(true);
    source.onerror = () => setLive(false);
    source.addEventListener('changes', (event) => {
      const changes = JSON.parse((event as MessageEvent<string>).data) as readonly Change[];
      signal({ type: 'told', changes });
    });
    return () => source.close();
  }, [mirrorName, table]);
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
    case 'pause':
      return { ...shown, isPaused: true };
    case 'go_on':
      return { ...shown, isPaused: false, missedCount: 0 };
    case 'clear':
      return { ...shown, changes: [], missedCount: 0 };
  }
}

const SHOWN_MAX = 200;
