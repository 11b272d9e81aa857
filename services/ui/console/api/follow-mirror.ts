import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import type { MirrorWithTables } from './client.js';
import { useFollowEvents } from './follow-events.js';
import { mirrorKey } from './mirrors.js';

/**
 * Follows a mirror's events for as long as the page shows it: progress goes into what is shown, and every event makes the page look again.
 * Whether it is connected is returned.
 */
export function useFollowMirror(name: string): boolean {
  const client = useQueryClient();
  const waiting = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(waiting.current), []);
  return useFollowEvents(
    `/v1/mirrors/${encodeURIComponent(name)}/events/stream`,
    TOLD_EVENTS,
    (event, data) => {
      if (event === 'progress') {
        const progress = JSON.parse(data) as Partial<MirrorWithTables>;
        client.setQueryData<MirrorWithTables>(mirrorKey(name), (shown) =>
          shown ? { ...shown, ...progress } : shown,
        );
        return;
      }
      // The history comes first, all at once; one look is enough for all of it.
      waiting.current ??= setTimeout(() => {
        waiting.current = undefined;
        void client.invalidateQueries({ queryKey: mirrorKey(name) });
      }, LOOK_AFTER_MS);
    },
  );
}

const LOOK_AFTER_MS = 300;
const TOLD_EVENTS = [
  'progress',
  'end',
  'mirror_paused',
  'mirror_resumed',
  'mirror_retried',
  'mirror_options_changed',
  'mirror_delete_requested',
  'session_started',
  'session_failed',
  'session_recovered',
  'copy_started',
  'copy_finished',
  'table_state_changed',
  'tables_changed',
  'tables_joined',
  'resync_requested',
  'resync_finished',
  'structure_built',
  'structure_compared',
  'structure_followed',
  'schema_synced',
  'step_failed',
] as const;
