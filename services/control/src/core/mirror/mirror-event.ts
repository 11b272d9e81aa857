import type { FailureKind, FailureReport } from '@bunnydb/failure';
import type {
  AnyCommand,
  CopyFinished,
  CopyStarted,
  DestinationCleaned,
  LanesChanged,
  MirrorOptions,
  PositionRestarted,
  PublicationChanged,
  SchemaSynced,
  ServiceName,
  SessionFailed,
  SessionRecovered,
  SessionStarted,
  SourceCleaned,
  SourcePrepared,
  SourceRebuilt,
  StructureBuilt,
  StructureCompared,
  StructureFollowed,
  StructureProgress,
  TableMapping,
  TablePattern,
  TableStateChanged,
  TablesAppeared,
  TablesMoved,
  TablesDropped,
  TablesProvisioned,
} from '@bunnydb/contracts';
import type { Alert, OpenAlert } from '../alert/alert.js';
import type { MirrorConfig } from './mirror-config.js';

interface Event<Type extends string, Body> {
  readonly type: Type;
  readonly body: Body;
}

/** Who told it. An answer to a command also says how long the command was under way. */
interface Origin {
  readonly service: ServiceName;
  readonly instance: string;
  readonly step_seconds?: number;
}

/** A worker's event as it is recorded: its body, and who told it. */
type Told<Worker extends { readonly type: string; readonly body: unknown }> = Event<
  Worker['type'],
  Worker['body'] & Origin
>;

/** The steps of the sagas are the commands that carry them out. */
export type StepVerb = AnyCommand['verb'];

export type MirrorCreated = Event<
  'mirror_created',
  {
    readonly id: string;
    readonly name: string;
    readonly source_peer: string;
    readonly destination_peer: string;
    readonly tables: readonly TableMapping[];
    /** Tables to come that fit one of these join; absent: none do. */
    readonly patterns?: readonly TablePattern[];
    readonly options: MirrorOptions;
    readonly config: MirrorConfig;
    readonly slot_name: string;
    readonly publication_name: string;
    readonly own_publication: boolean;
  }
>;

/** What is stored in a mirror's stream. Times are RFC 3339, UTC. */
export type MirrorEvent =
  | MirrorCreated
  | Event<
      'step_started',
      {
        readonly verb: StepVerb;
        readonly command_id: string;
        readonly failures: number;
        readonly at: string;
      }
    >
  | Event<
      'step_failed',
      {
        readonly verb: StepVerb;
        readonly command_id: string;
        readonly failure: FailureReport;
        readonly failures: number;
        /** Null: a person has to do something first. */
        readonly next_retry_at: string | null;
      } & Origin
    >
  /** The wait of a failed step is over by itself. */
  | Event<'step_retry_due', { readonly verb: StepVerb }>
  /** A command left the queue without an answer: the queue was lost. */
  | Event<'step_lost', { readonly verb: StepVerb; readonly command_id: string }>
  | Told<TablesProvisioned>
  | Told<SourcePrepared>
  | Told<SourceRebuilt>
  | Told<PositionRestarted>
  | Told<SourceCleaned>
  | Told<DestinationCleaned>
  | Told<TablesDropped>
  | Told<StructureBuilt>
  | Told<StructureProgress>
  | Told<SessionStarted>
  | Told<SessionFailed>
  | Told<SessionRecovered>
  | Told<CopyStarted>
  | Told<TableStateChanged>
  | Told<CopyFinished>
  | Told<PublicationChanged>
  | Told<LanesChanged>
  | Told<SchemaSynced>
  | Told<StructureCompared>
  | Told<StructureFollowed>
  | Told<TablesAppeared>
  | Told<TablesMoved>
  | TableEvent
  | AlertEvent
  | Event<'schema_sync_requested', SchemaSyncWishes>
  | Event<'mirror_paused', Record<string, never>>
  | Event<'mirror_resumed', Record<string, never>>
  | Event<'mirror_retried', Record<string, never>>
  | Event<'mirror_options_changed', { readonly options: Partial<MirrorOptions> }>
  | Event<'mirror_peer_changed', { readonly peer: string }>
  | Event<'mirror_delete_requested', { readonly drop_tables: boolean; readonly force: boolean }>
  | Event<'mirror_delete_forced', Record<string, never>>
  | Event<'mirror_dropped', { readonly left: readonly string[] }>;

/** What a person chose among the pending changes of structure. */
export interface SchemaSyncWishes {
  readonly changes?: readonly string[];
  readonly include?: readonly string[];
  readonly allow_destructive: boolean;
}

/** Something that needs somebody was told, or told to be over. */
type AlertEvent =
  | Event<'alert_raised', OpenAlert & Pick<Alert, 'details'>>
  | Event<
      'alert_resolved',
      Pick<OpenAlert, 'id' | 'condition' | 'subject' | 'summary'> & {
        readonly after_seconds: number;
      }
    >;

/** Which tables a mirror has, and what is asked of single ones. Names are the source's, `schema.table`. */
type TableEvent =
  | Event<
      'tables_change_requested',
      {
        /** All that the mirror shall have. */
        readonly tables: readonly TableMapping[];
        readonly patterns: readonly TablePattern[];
        readonly added: readonly string[];
        readonly removed: readonly string[];
        readonly drop_removed: boolean;
        /** `source`: tables appeared there that fit a pattern of the mirror. */
        readonly asked_by: 'person' | 'source';
      }
    >
  /** The publication holds the tables: from here on the mirror has them. */
  | Event<
      'tables_changed',
      {
        readonly added: readonly TableMapping[];
        readonly removed: readonly string[];
        readonly patterns: readonly TablePattern[];
      }
    >
  /** Tables that were copied stream with the others, and no other is on its way. */
  | Event<'tables_joined', { readonly tables: readonly string[] }>
  | Event<'table_retried', { readonly table: string }>
  | Event<'table_hold_requested', { readonly table: string }>
  | Event<'table_skip_requested', { readonly table: string; readonly commit_lsn: string }>
  | Event<
      'resync_requested',
      {
        /** Empty: all tables. */
        readonly tables: readonly string[];
        readonly strategy: 'truncate' | 'swap';
        readonly at: string;
      }
    >
  /** A full resync that first makes slot and publication anew, since they were lost, or belong to another server. */
  | Event<
      'rebuild_requested',
      {
        readonly number: number;
        readonly strategy: 'truncate' | 'swap';
        /** The failure that it is the way out of. */
        readonly because: FailureKind;
        readonly at: string;
      }
    >
  /** No table of a full resync is on its way any more. */
  | Event<
      'resync_finished',
      {
        readonly tables: number;
        readonly seconds: number;
        /** Of these tables, those that are held or in error; absent in events of an older version. */
        readonly waiting?: number;
      }
    >;

/** Every tag, as a full record, so that a new event has to be listed. */
const MIRROR_EVENT_TYPES: Readonly<Record<MirrorEvent['type'], true>> = {
  mirror_created: true,
  step_started: true,
  step_failed: true,
  step_retry_due: true,
  step_lost: true,
  tables_provisioned: true,
  source_prepared: true,
  source_rebuilt: true,
  position_restarted: true,
  source_cleaned: true,
  destination_cleaned: true,
  tables_dropped: true,
  structure_built: true,
  structure_progress: true,
  session_started: true,
  session_failed: true,
  session_recovered: true,
  copy_started: true,
  table_state_changed: true,
  copy_finished: true,
  publication_changed: true,
  lanes_changed: true,
  schema_synced: true,
  structure_compared: true,
  structure_followed: true,
  tables_appeared: true,
  tables_moved: true,
  tables_change_requested: true,
  tables_changed: true,
  tables_joined: true,
  table_retried: true,
  table_hold_requested: true,
  table_skip_requested: true,
  resync_requested: true,
  rebuild_requested: true,
  resync_finished: true,
  alert_raised: true,
  alert_resolved: true,
  schema_sync_requested: true,
  mirror_paused: true,
  mirror_resumed: true,
  mirror_retried: true,
  mirror_options_changed: true,
  mirror_peer_changed: true,
  mirror_delete_requested: true,
  mirror_delete_forced: true,
  mirror_dropped: true,
};

/** Whether a tag is one of a mirror's events. */
export function isMirrorEventType(type: string): type is MirrorEvent['type'] {
  return Object.hasOwn(MIRROR_EVENT_TYPES, type);
}
