import type { AnyWorkerEvent, MirrorOptions } from '@bunnydb/contracts';
import type { MirrorCreated } from './mirror-event.js';

/** What a person, a worker or the clock asks of a mirror. `now` and `random` come from the caller. */
export type MirrorCommand =
  | { readonly type: 'create'; readonly body: MirrorCreated['body'] }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'retry' }
  | { readonly type: 'delete'; readonly dropTables: boolean; readonly force: boolean }
  | { readonly type: 'change_options'; readonly options: Partial<MirrorOptions> }
  | { readonly type: 'note_peer_changed'; readonly peer: string }
  /** A worker told something. */
  | {
      readonly type: 'record';
      readonly event: AnyWorkerEvent;
      readonly now: Date;
      readonly random: number;
    }
  /** Time has passed: waits that are over end. */
  | { readonly type: 'tick'; readonly now: Date }
  /** The command is no longer in the queue and no answer came. */
  | { readonly type: 'note_lost'; readonly commandId: string };
