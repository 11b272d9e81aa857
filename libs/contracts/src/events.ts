import type { FailureReport } from '@bunnydb/failure';
import type { QualifiedName } from '@bunnydb/pg-model';
import type { ServiceName } from './subjects.js';
import type { SourceIdentity, TableMapping } from './mirror-spec.js';

/** What happened to a mirror, told by a worker on the stream BUNNY_EVENTS; control records it in the event store. */
export interface WorkerEvent<Type extends string = string, Body = unknown> {
  readonly v: 1;
  /** Also the message's `Nats-Msg-Id`; control stores each id once. */
  readonly event_id: string;
  readonly type: Type;
  readonly mirror_id: string;
  readonly service: ServiceName;
  readonly instance: string;
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly body: Body;
}

interface Answer {
  readonly command_id: string;
}

export type TablesProvisioned = WorkerEvent<
  'tables_provisioned',
  Answer & { readonly created: readonly string[]; readonly existing: readonly string[] }
>;
/** `left`: what could not be removed because a server was out of reach and the command was forced. */
export type TablesDropped = WorkerEvent<
  'tables_dropped',
  Answer & { readonly dropped: readonly string[]; readonly left: readonly string[] }
>;
/** An object of the destination that was not made like the source's, and why. */
export interface StructureRefusal {
  readonly object: string;
  readonly reason: string;
}
/** Lists hold at most `STRUCTURE_LIST_MAX` entries, so that the event fits into a message; the counts tell all. */
export type StructureBuilt = WorkerEvent<
  'structure_built',
  Answer & {
    readonly built_count: number;
    readonly built: readonly string[];
    readonly skipped_count: number;
    readonly skipped: readonly StructureRefusal[];
    readonly failed_count: number;
    readonly failed: readonly StructureRefusal[];
    readonly seconds: number;
  }
>;
export const STRUCTURE_LIST_MAX = 500;
/** How far `build_structure` or `sync_schema` is, every few seconds while it gets on. */
export type StructureProgress = WorkerEvent<
  'structure_progress',
  {
    readonly done: number;
    readonly total: number;
    readonly object: string;
    /** How far the object itself is, in words, where the server tells. */
    readonly detail?: string;
  }
>;
export type SourcePrepared = WorkerEvent<
  'source_prepared',
  Answer & {
    readonly slot_name: string;
    readonly publication_name: string;
    readonly identity: SourceIdentity;
    readonly server_version: number;
    /** Whether an event trigger tells the mirror of DDL; else its structure is polled. */
    readonly ddl_events?: boolean;
  }
>;
/** Publication, slot and change stream were made anew; the mirror starts from `identity`. */
export type SourceRebuilt = WorkerEvent<'source_rebuilt', SourcePrepared['body']>;
/** The destination's position is where the new slot starts, and its tables wait to be copied again. */
export type PositionRestarted = WorkerEvent<
  'position_restarted',
  Answer & { readonly start_lsn: string; readonly tables: number }
>;
export type SourceCleaned = WorkerEvent<
  'source_cleaned',
  Answer & { readonly left: readonly string[] }
>;
export type DestinationCleaned = WorkerEvent<
  'destination_cleaned',
  Answer & { readonly left: readonly string[] }
>;
export type PublicationChanged = WorkerEvent<
  'publication_changed',
  Answer & { readonly added: readonly string[]; readonly removed: readonly string[] }
>;
export type LanesChanged = WorkerEvent<
  'lanes_changed',
  Answer & { readonly action: string; readonly tables: readonly string[] }
>;
/** Lists hold at most `STRUCTURE_LIST_MAX` entries. `applied`: objects; `stale`: ids that were no longer pending, then nothing was done. */
export type SchemaSynced = WorkerEvent<
  'schema_synced',
  Answer & {
    readonly applied: readonly string[];
    readonly skipped: readonly StructureRefusal[];
    readonly failed: readonly StructureRefusal[];
    readonly stale: readonly string[];
  }
>;
/** How far source and destination are apart, told by the mirror's schema session when it changes. */
export type StructureCompared = WorkerEvent<
  'structure_compared',
  {
    /** Differences that no one has decided on; what only the destination has is not counted. */
    readonly pending: number;
    readonly objects: readonly string[];
  }
>;
/** A change of the source's structure was carried along; `by`: at its place in the stream, or found by comparing. */
export type StructureFollowed = WorkerEvent<
  'structure_followed',
  { readonly made: readonly string[]; readonly by: 'stream' | 'poll' }
>;
/** Tables of the source fit a pattern of the mirror and are not in it yet. */
export type TablesAppeared = WorkerEvent<
  'tables_appeared',
  { readonly tables: readonly TableMapping[] }
>;
/** Tables of the mirror have another name on the source now, or (`to` is null) are gone; the stream has passed the moment at which that was seen. */
export type TablesMoved = WorkerEvent<
  'tables_moved',
  {
    readonly tables: readonly {
      readonly table: QualifiedName;
      readonly to: QualifiedName | null;
    }[];
  }
>;
export type CommandFailed = WorkerEvent<
  'command_failed',
  Answer & { readonly failure: FailureReport }
>;

/** A session of capture or apply took a mirror up. */
export type SessionStarted = WorkerEvent<'session_started', { readonly generation: number }>;
/** A session failed; it tries again by itself at `next_retry_at`, unless that is null (a person is needed). */
export type SessionFailed = WorkerEvent<
  'session_failed',
  {
    readonly failure: FailureReport;
    readonly attempt: number;
    readonly next_retry_at: string | null;
  }
>;
/** The first success after a `session_failed`. */
export type SessionRecovered = WorkerEvent<'session_recovered', Record<string, never>>;

export const TABLE_STATUSES = [
  'pending',
  'copying',
  'catching_up',
  'running',
  'resyncing',
  'held',
  'error',
] as const;
export type TableStatus = (typeof TABLE_STATUSES)[number];

export type CopyStarted = WorkerEvent<'copy_started', { readonly tables: readonly string[] }>;
export type TableStateChanged = WorkerEvent<
  'table_state_changed',
  {
    readonly table: string;
    readonly status: TableStatus;
    readonly rows?: number;
    /** Why it is `held` or in `error`. */
    readonly failure?: FailureReport;
    /** When it is tried again by itself; null or absent: a person is needed. */
    readonly next_retry_at?: string | null;
    /** The tables that were to be swapped together with it wait for it no longer. */
    readonly is_left_behind?: true;
  }
>;
export type CopyFinished = WorkerEvent<
  'copy_finished',
  { readonly tables: number; readonly rows: number; readonly seconds: number }
>;

export type AnyWorkerEvent =
  | TablesProvisioned
  | TablesDropped
  | StructureBuilt
  | StructureProgress
  | SourcePrepared
  | SourceRebuilt
  | PositionRestarted
  | SourceCleaned
  | DestinationCleaned
  | CommandFailed
  | SessionStarted
  | SessionFailed
  | SessionRecovered
  | CopyStarted
  | TableStateChanged
  | CopyFinished
  | PublicationChanged
  | LanesChanged
  | SchemaSynced
  | StructureCompared
  | StructureFollowed
  | TablesAppeared
  | TablesMoved;
