import type { MirrorSpec, SourceIdentity } from './mirror-spec.js';

/**
 * One-off work, sent by control's sagas on the work-queue stream. Every command is idempotent and carries an id; the worker
 * answers with exactly one event that names it: the command's own "done" event, or `command_failed`.
 */
export interface Command<Verb extends string = string, Body = unknown> {
  readonly v: 1;
  /** Also the message's `Nats-Msg-Id`. */
  readonly command_id: string;
  readonly verb: Verb;
  readonly mirror_id: string;
  readonly body: Body;
}

/** To schema: create schemas and missing destination tables. Done: `tables_provisioned`. */
export type ProvisionTables = Command<'provision_tables', { readonly spec: MirrorSpec }>;
/** To schema: drop the mirror's destination tables (on request only). Done: `tables_dropped`. */
export type DropTables = Command<
  'drop_tables',
  { readonly spec: MirrorSpec; readonly force: boolean }
>;
/**
 * To schema: after the copy, make indexes, constraints, checks and foreign keys like the source's. What cannot be made is told, not fatal.
 * Done: `structure_built`.
 */
export type BuildStructure = Command<'build_structure', { readonly spec: MirrorSpec }>;
/** To capture: create publication, slot and change stream, or find them. Done: `source_prepared`. */
export type PrepareSource = Command<'prepare_source', { readonly spec: MirrorSpec }>;
/** To capture: drop slot, publication and change stream. Done: `source_cleaned`. */
export type CleanSource = Command<
  'clean_source',
  { readonly spec: MirrorSpec; readonly force: boolean }
>;
/** To apply: remove the mirror's bookkeeping from the destination. Done: `destination_cleaned`. */
export type CleanDestination = Command<
  'clean_destination',
  { readonly spec: MirrorSpec; readonly force: boolean }
>;

/** To capture: bring the mirror's own publication in line with the spec's tables. Done: `publication_changed`. */
export type ChangePublication = Command<'change_publication', { readonly spec: MirrorSpec }>;
/**
 * To apply: ask something of tables' lanes; it is noted at the destination and taken up by the mirror's session, now or when it
 * runs again. Done: `lanes_changed`.
 */
export type ChangeLanes = Command<
  'change_lanes',
  {
    readonly spec: MirrorSpec;
    /** `retry`: try again what waits in the lanes of held or failed tables; `hold`: let it wait; `resync`: copy again. */
    readonly wish: LaneWish;
    /** Source names, `schema.table`; empty: all tables. */
    readonly tables: readonly string[];
  }
>;
export type LaneWish =
  | {
      readonly action: 'retry';
      /** Nobody asked: what a person holds stays held. */
      readonly is_automatic?: boolean;
    }
  /** Keep the changes of tables that are not being copied, until `retry`. */
  | { readonly action: 'hold' }
  /** Retry without the changes of one source transaction; audited by control. */
  | { readonly action: 'skip'; readonly commit_lsn: string }
  | {
      readonly action: 'resync';
      readonly strategy: 'truncate' | 'swap';
      /** All of them are swapped in one transaction. */
      readonly together: boolean;
    };
/**
 * To capture, while the mirror is on hold: what the mirror lost at its source, or had at another one, is made anew: publication (unless it is the
 * user's own), slot, and an empty change stream. A person asked for it, since all that was not applied yet is given up. Done: `source_rebuilt`.
 */
export type RebuildSource = Command<
  'rebuild_source',
  {
    /** `source_identity` is what the mirror had before. */
    readonly spec: MirrorSpec;
    /** Counts the mirror's rebuilds from 1: the same one is made once, however often the command is delivered. */
    readonly rebuild: number;
  }
>;
/**
 * To apply, while the mirror is on hold: the position starts again where the new slot does, parked changes go, and every table is to be copied
 * again. Nothing of that happens twice for the same rebuild. Done: `position_restarted`.
 */
export type RestartPosition = Command<
  'restart_position',
  {
    /** With the new `source_identity`. */
    readonly spec: MirrorSpec;
    readonly rebuild: number;
    readonly strategy: 'truncate' | 'swap';
    /** What the source was before; null if that is not known. */
    readonly former_identity: SourceIdentity | null;
  }
>;
/** To schema: make pending changes that a person chose. Done: `schema_synced`. */
export type SyncSchema = Command<
  'sync_schema',
  {
    readonly spec: MirrorSpec;
    readonly changes?: readonly string[];
    readonly include?: readonly string[];
    readonly allow_destructive?: boolean;
  }
>;

export type AnyCommand =
  | ProvisionTables
  | DropTables
  | BuildStructure
  | PrepareSource
  | CleanSource
  | CleanDestination
  | ChangePublication
  | ChangeLanes
  | RebuildSource
  | RestartPosition
  | SyncSchema;

/** Which service does what. */
export const COMMAND_SERVICE = {
  provision_tables: 'schema',
  drop_tables: 'schema',
  build_structure: 'schema',
  prepare_source: 'capture',
  clean_source: 'capture',
  clean_destination: 'apply',
  change_publication: 'capture',
  change_lanes: 'apply',
  rebuild_source: 'capture',
  restart_position: 'apply',
  sync_schema: 'schema',
} as const satisfies Record<AnyCommand['verb'], 'schema' | 'capture' | 'apply'>;
