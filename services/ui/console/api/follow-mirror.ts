import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { MirrorWithTables } from './client.js';
import { mirrorKey } from './mirrors.js';

/**
 * Follows a mirror's events for as long as the page shows it: progress goes into what is shown, and every event makes the page look again.
 * The browser reconnects by itself; whether it is connected is returned.
 */
export function useFollowMirror(name: string): boolean {
  const client = useQueryClient();
  const [isLive, setLive] = useState(false);
  useEffect(() => {
    const source = new EventSource(`/v1/mirrors/${encodeURIComponent(name)}/events/stream`);
    let waiting: ReturnType<typeof setTimeout> | undefined;
    const lookAgain = (): void => {
      // The history comes first, all at once; one look is enough for all of it.
      waiting ??= setTimeout(() => {
        waiting = undefined;
        void client.invalidateQueries({ queryKey: mirrorKey(name) });
      }, LOOK_AFTER_MS);
    };
    source.onopen = () => setLive(true);
    source.onerror = () => setLive(false);
    source.onmessage = lookAgain;
    source.addEventListener('progress', (event) => {
      const progress = JSON.parse(
        (event as MessageEvent<string>).data,
      ) as Partial<MirrorWithTables>;
      client.setQueryData<MirrorWithTables>(mirrorKey(name), (shown) =>
        shown ? { ...shown, ...progress } : shown,
      );
    });
    source.addEventListener('end', () => {
      source.close();
      lookAgain();
    });
    for (const type of TOLD_EVENTS) source.addEventListener(type, lookAgain);
    return () => {
      clearTimeout(waiting);
      source.close();
    };
  }, [client, name]);
  return isLive;
}

const LOOK_AFTER_MS = 300;
/** Named events do not reach `onmessage`. */
const TOLD_EVENTS = [
  'mirror_paused',
  'mirror_resumed',
  'mirror_retried',
  'mirror_options_changed',
  'mirror_delete_requested',
  'session_failed',
  'session_recovered',
  'copy_started',
  'copy_finished',
  'table_state_changed',
  'structure_built',
  'structure_compared',
  'structure_followed',
  'schema_synced',
  'step_failed',
] as const;
