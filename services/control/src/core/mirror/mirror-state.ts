import type { FailureReport } from '@bunnydb/failure';
import type { QualifiedName } from '@bunnydb/pg-model';
import type {
  LaneWish,
  MirrorOptions,
  ServiceName,
  SourceIdentity,
  TableMapping,
  TablePattern,
  TableStatus,
} from '@bunnydb/contracts';
import type { OpenAlert } from '../alert/alert.js';
import type { SchemaSyncWishes, StepVerb } from './mirror-event.js';

/** What is known of a mirror in every state. */
export interface MirrorFacts {
  readonly id: string;
  readonly name: string;
  readonly sourcePeer: string;
  readonly destinationPeer: string;
  readonly tables: readonly TableMapping[];
  /** Tables to come that fit one of these join; absent in mirrors of an older version. */
  readonly patterns?: readonly TablePattern[];
  readonly options: MirrorOptions;
  readonly slotName: string;
  readonly publicationName: string;
  readonly ownPublication: boolean;
  /** Grows with every change of what workers shall do. */
  readonly generation: number;
  readonly identity: SourceIdentity | null;
  /** Raised and not resolved. */
  readonly alerts?: readonly OpenAlert[];
  /** How often its source side was made anew; absent: never. */
  readonly rebuilds?: number;
}

/** One step of a saga. `failures` counts the tries that failed so far and sets the next wait. */
export type StepWork =
  | { readonly tag: 'ready'; readonly failures: number }
  | {
      readonly tag: 'outstanding';
      readonly failures: number;
      readonly commandId: string;
      readonly sentAt: string;
    }
  | {
      readonly tag: 'waiting';
      readonly failures: number;
      readonly failure: FailureReport;
      readonly nextRetryAt: string | null;
    }
  | { readonly tag: 'done' };

export type SetupVerb = 'provision_tables' | 'prepare_source';
export type CleanVerb = 'clean_source' | 'clean_destination' | 'drop_tables';
export const CLEAN_VERBS: readonly CleanVerb[] = [
  'clean_source',
  'clean_destination',
  'drop_tables',
];

/** A session that failed and has not recovered yet. */
export interface Trouble {
  readonly failure: FailureReport;
  readonly attempt: number;
  readonly nextRetryAt: string | null;
}

export type Troubles = Readonly<Partial<Record<ServiceName, Trouble>>>;

export interface SettingUp {
  readonly tag: 'setting_up';
  readonly mirror: MirrorFacts;
  readonly step: SetupVerb;
  readonly work: StepWork;
}

export interface Streaming {
  readonly tag: 'streaming';
  readonly mirror: MirrorFacts;
  readonly copy: 'waiting' | 'copying' | 'done';
  /** Indexes, constraints and foreign keys, which are made beside the stream once the copy is done; absent until then. */
  readonly structure?: StepWork;
  /** Tables joined while it was built: it is built once more. */
  readonly isStructureStale?: boolean;
  readonly troubles: Troubles;
  readonly edit?: TableEdit;
  /** Tables that appeared on the source and fit a pattern; they join when no other edit is under way. */
  readonly appeared?: readonly TableMapping[];
  /** Tables that have other names on the source, or are gone; the mirror follows them when no other edit is under way. */
  readonly moved?: readonly MovedTable[];
  readonly lanes?: LaneQueue;
  /** A full resync that has not come to its end. */
  readonly resync?: { readonly since: string };
  readonly sync?: SchemaSync;
  /** What a person asked for after the slot was lost. The mirror is on hold until it is done. */
  readonly rebuild?: SourceRebuild;
  /**
   * The tables that are not, or not simply, in the main lane, by source name. Only `decide` and `react` look at it, and
   * the read model keeps none of it: tables are many, and their states stand in a table of their own.
   */
  readonly outside?: Readonly<Record<string, OutsideTable>>;
}

/** A table of the mirror, and its name on the source now; null when it is gone. */
export interface MovedTable {
  readonly table: QualifiedName;
  readonly to: QualifiedName | null;
}

/** A change of the mirror's tables, step by step. The mirror streams on meanwhile. */
export type TableEdit =
  | {
      readonly stage: 'provision_tables' | 'change_publication';
      readonly tables: readonly TableMapping[];
      readonly patterns: readonly TablePattern[];
      readonly dropping: readonly TableMapping[];
      readonly work: StepWork;
    }
  /** The mirror has its new tables; those that shall be dropped wait for an applier that knows it. */
  | {
      readonly stage: 'letting_go';
      readonly dropping: readonly TableMapping[];
      readonly generation: number;
    }
  | {
      readonly stage: 'drop_tables';
      readonly dropping: readonly TableMapping[];
      readonly work: StepWork;
    };

/** What is asked of lanes, one after another: `work` is about the first. */
export interface LaneQueue {
  readonly requests: readonly LaneRequest[];
  readonly work: StepWork;
}

export interface LaneRequest {
  readonly wish: LaneWish;
  /** Source names; empty: all tables. */
  readonly tables: readonly string[];
}

/** The source side is made anew, then the destination starts from there. */
export interface SourceRebuild {
  readonly stage: 'rebuild_source' | 'restart_position';
  /** Counts the mirror's rebuilds from 1. */
  readonly number: number;
  readonly strategy: 'truncate' | 'swap';
  /** What the source was before. */
  readonly formerIdentity: SourceIdentity | null;
  readonly work: StepWork;
}

export interface SchemaSync {
  readonly wishes: SchemaSyncWishes;
  readonly work: StepWork;
}

export interface OutsideTable {
  readonly status: TableStatus;
  /** It is or was being copied, so its indexes and foreign keys are to be built when it is back. */
  readonly isCopied: boolean;
  /** A resync was asked for, and the applier has not taken it up yet. */
  readonly isAsked: boolean;
}

export interface Paused {
  readonly tag: 'paused';
  readonly mirror: MirrorFacts;
  /** Where `resume` goes on; answers that come in meanwhile are folded into it. */
  readonly before: SettingUp | Streaming;
}

export interface SettlingCommand {
  readonly verb: StepVerb;
  readonly commandId: string;
  readonly sentAt: string;
}

export interface Terminating {
  readonly tag: 'terminating';
  readonly mirror: MirrorFacts;
  readonly force: boolean;
  /**
   * Commands of a set-up, an edit or a lane that were not answered when the delete came. Cleaning waits for their answers, so that
   * nothing made late is left behind.
   */
  readonly settling: readonly SettlingCommand[];
  readonly steps: Readonly<Record<CleanVerb, StepWork>>;
  readonly left: readonly string[];
}

/**
 * A mirror's life. Who moves it on:
 *
 *     absent ──create──▶ setting_up ──source_prepared──▶ streaming
 *                          │   ▲                           │   ▲
 *                        pause resume                    pause resume
 *                          ▼   │                           ▼   │
 *                         paused                          paused
 *     any of these ──delete──▶ terminating ──every step done──▶ dropped
 */
export type MirrorState =
  | { readonly tag: 'absent' }
  | SettingUp
  | Streaming
  | Paused
  | Terminating
  | { readonly tag: 'dropped'; readonly mirror: MirrorFacts; readonly left: readonly string[] };

export const ABSENT_MIRROR: MirrorState = { tag: 'absent' };
