import type { Projection } from '@bunnydb/event-store';
import { type ControlEvent, isPeerEvent } from '../../core/control-event.js';
import type { CatalogTables } from './catalog-tables.js';

/** The peers as they are now. Their secrets stay sealed. */
export const peerProjection: Projection<ControlEvent, CatalogTables> = {
  name: 'peers',
  reset: async (tx) => {
    await tx.deleteFrom('peers').execute();
  },
  handle: async (tx, { event, streamId, recordedAt }) => {
    if (!isPeerEvent(event)) return;
    const peerId = streamId.slice('peer-'.length);
    switch (event.type) {
      case 'peer_created':
        await tx
          .insertInto('peers')
          .values({
            peer_id: peerId,
            name: event.body.connection.name,
            connection: JSON.stringify(event.body.connection),
            created_at: recordedAt,
            updated_at: recordedAt,
          })
          .execute();
        return;
      case 'peer_changed':
        await tx
          .updateTable('peers')
          .set({ connection: JSON.stringify(event.body.connection), updated_at: recordedAt })
          .where('peer_id', '=', peerId)
          .execute();
        return;
      case 'peer_deleted':
        await tx.deleteFrom('peers').where('peer_id', '=', peerId).execute();
        return;
    }
  },
};
