import type { Projection } from '@bunnydb/event-store';
import { type ControlEvent, isMirrorEvent } from '../../core/control-event.js';
import { logLineOf } from '../../core/mirror/mirror-log-line.js';
import type { CatalogTables } from './catalog-tables.js';

/** The logs of the mirrors: what their events read like to people. Registered before the projection that drops a mirror. */
export const logProjection: Projection<ControlEvent, CatalogTables> = {
  name: 'mirror_logs',
  reset: async (tx) => {
    await tx.deleteFrom('mirror_logs').execute();
  },
  handle: async (tx, { event, streamId, position, recordedAt, metadata }) => {
    const line = isMirrorEvent(event) ? logLineOf(event) : null;
    if (line === null) return;
    await tx
      .insertInto('mirror_logs')
      .values({
        position,
        mirror_id: streamId.slice('mirror-'.length),
        level: line.level,
        category: line.category,
        message: line.message,
        // Who asked, or told.
        details: JSON.stringify({ ...line.details, actor: metadata.actor }),
        created_at: recordedAt,
      })
      .execute();
  },
};
