import type { FailureReport } from '@bunnydb/failure';
import type {
  AnyCommand,
  CopyFinished,
  CopyStarted,
  DestinationCleaned,
  MirrorOptions,
  ServiceName,
  SessionFailed,
  SessionRecovered,
  SessionStarted,
  SourceCleaned,
  SourcePrepared,
  StructureBuilt,
  StructureProgress,
  TableMapping,
  TableStateChanged,
  TablesDropped,
  TablesProvisioned,
} from '@bunnydb/contracts';
import type { MirrorConfig } from './mirror-config.js';

interface Event<Type extends string, Body> {
  readonly type: Type;
  readonly body: Body;
}

/** A worker's event as it is recorded: its body, and who told it. */
type Told<Worker extends { readonly type: string; readonly body: unknown }> = Event<
  Worker['type'],
  Worker['body'] & { readonly service: ServiceName; readonly instance: string }
>;

/** The steps of the sagas are the commands that carry them out. */
export type StepVerb = Exclude<
  AnyCommand['verb'],
  'change_lanes' | 'change_publication' | 'sync_schema'
>;

export type MirrorCreated = Event<
  'mirror_created',
  {
    readonly id: string;
    readonly name: string;
    readonly source_peer: string;
    readonly destination_peer: string;
    readonly tables: readonly TableMapping[];
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
        readonly service: ServiceName;
        readonly instance: string;
      }
    >
  /** The wait of a failed step is over by itself. */
  | Event<'step_retry_due', { readonly verb: StepVerb }>
  /** A command left the queue without an answer: the queue was lost. */
  | Event<'step_lost', { readonly verb: StepVerb; readonly command_id: string }>
  | Told<TablesProvisioned>
  | Told<SourcePrepared>
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
  | Event<'mirror_paused', Record<string, never>>
  | Event<'mirror_resumed', Record<string, never>>
  | Event<'mirror_retried', Record<string, never>>
  | Event<'mirror_options_changed', { readonly options: Partial<MirrorOptions> }>
  | Event<'mirror_peer_changed', { readonly peer: string }>
  | Event<'mirror_delete_requested', { readonly drop_tables: boolean; readonly force: boolean }>
  | Event<'mirror_delete_forced', Record<string, never>>
  | Event<'mirror_dropped', { readonly left: readonly string[] }>;

/** Every tag, as a full record, so that a new event has to be listed. */
const MIRROR_EVENT_TYPES: Readonly<Record<MirrorEvent['type'], true>> = {
  mirror_created: true,
  step_started: true,
  step_failed: true,
  step_retry_due: true,
  step_lost: true,
  tables_provisioned: true,
  source_prepared: true,
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
