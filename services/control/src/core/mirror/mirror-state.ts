import type { FailureReport } from '@bunnydb/failure';
import type { MirrorOptions, ServiceName, SourceIdentity, TableMapping } from '@bunnydb/contracts';

/** What is known of a mirror in every state. */
export interface MirrorFacts {
  readonly id: string;
  readonly name: string;
  readonly sourcePeer: string;
  readonly destinationPeer: string;
  readonly tables: readonly TableMapping[];
  readonly options: MirrorOptions;
  readonly slotName: string;
  readonly publicationName: string;
  readonly ownPublication: boolean;
  /** Grows with every change of what workers shall do. */
  readonly generation: number;
  readonly identity: SourceIdentity | null;
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
  readonly troubles: Troubles;
}

export interface Paused {
  readonly tag: 'paused';
  readonly mirror: MirrorFacts;
  /** Where `resume` goes on; answers that come in meanwhile are folded into it. */
  readonly before: SettingUp | Streaming;
}

export interface SettlingCommand {
  readonly verb: SetupVerb;
  readonly commandId: string;
  readonly sentAt: string;
}

export interface Terminating {
  readonly tag: 'terminating';
  readonly mirror: MirrorFacts;
  readonly force: boolean;
  /**
   * A command of the set-up that was not answered when the delete came. Cleaning waits for its answer, so that a slot made
   * late is not left behind.
   */
  readonly settling: SettlingCommand | null;
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
