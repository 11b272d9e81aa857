import type { AnyWorkerEvent, MirrorOptions, TableMapping, TablePattern } from '@bunnydb/contracts';
import type { Alert } from '../alert/alert.js';
import type { MirrorCreated, SchemaSyncWishes } from './mirror-event.js';

/** What a person, a worker or the clock asks of a mirror. `now` and `random` come from the caller. */
export type MirrorCommand =
  | { readonly type: 'create'; readonly body: MirrorCreated['body'] }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'retry' }
  | RetryTable
  | HoldTable
  | Resync
  | ChangeTables
  | { readonly type: 'sync_schema'; readonly wishes: SchemaSyncWishes }
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
  | NoteAlerts
  /** Time has passed: waits that are over end. */
  | { readonly type: 'tick'; readonly now: Date }
  /** The command is no longer in the queue and no answer came. */
  | { readonly type: 'note_lost'; readonly commandId: string };

/** What the watch over the mirrors has seen. */
export interface NoteAlerts {
  readonly type: 'note_alerts';
  readonly raise: readonly (Alert & { readonly id: string })[];
  /** Ids. */
  readonly resolve: readonly string[];
  readonly now: Date;
}

/** `table`: its source or destination name. */
export interface RetryTable {
  readonly type: 'retry_table';
  readonly table: string;
  /** The commit LSN of a source transaction whose changes of this table shall be left out. */
  readonly skipLsn?: string;
}

/** `table`: its source or destination name. */
export interface HoldTable {
  readonly type: 'hold_table';
  readonly table: string;
}

/** Copies one table again, or all of them. */
export interface Resync {
  readonly type: 'resync';
  readonly table?: string;
  /** The mirror's own unless given. */
  readonly strategy?: 'truncate' | 'swap';
  readonly now: Date;
}

/** Gives the mirror other tables. */
export interface ChangeTables {
  readonly type: 'change_tables';
  readonly tables: readonly TableMapping[];
  readonly patterns: readonly TablePattern[];
  /** What the mirror had when the wanted tables were checked; it is refused if that is no longer so. */
  readonly basis: readonly TableMapping[];
  /** Drops the destination tables of those that leave. */
  readonly dropRemoved: boolean;
}
