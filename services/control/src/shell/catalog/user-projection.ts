import type { Projection } from '@bunnydb/event-store';
import { type ControlEvent, isUserEvent } from '../../core/control-event.js';
import type { CatalogTables } from './catalog-tables.js';

/** Who may sign in, and which tokens are still good. */
export const userProjection: Projection<ControlEvent, CatalogTables> = {
  name: 'users',
  reset: async (tx) => {
    await tx.deleteFrom('users').execute();
  },
  handle: async (tx, { event, streamId, recordedAt }) => {
    if (!isUserEvent(event)) return;
    const userId = streamId.slice('user-'.length);
    switch (event.type) {
      case 'user_created':
        await tx
          .insertInto('users')
          .values({
            user_id: userId,
            username: event.body.username,
            role: event.body.role,
            password_hash: event.body.password_hash,
            kept_token_id: null,
            created_at: recordedAt,
            updated_at: recordedAt,
          })
          .execute();
        return;
      case 'user_password_changed':
        await tx
          .updateTable('users')
          .set((column) => ({
            password_hash: event.body.password_hash,
            token_generation: column('token_generation', '+', 1),
            kept_token_id: event.body.kept_token_id,
            updated_at: recordedAt,
          }))
          .where('user_id', '=', userId)
          .execute();
        return;
      case 'user_role_changed':
        await tx
          .updateTable('users')
          .set({ role: event.body.role, updated_at: recordedAt })
          .where('user_id', '=', userId)
          .execute();
        return;
      case 'user_deleted':
        await tx.deleteFrom('users').where('user_id', '=', userId).execute();
        return;
    }
  },
};
