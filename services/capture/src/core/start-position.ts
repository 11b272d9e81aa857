import { type SourceIdentity } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { type Lsn, formatLsn, maxLsn } from '@bunnydb/pg-model';

/** The mirror's slot, as `pg_replication_slots` shows it. */
export interface SlotFacts {
  readonly plugin: string;
  readonly database: string;
  /** Process that reads it now, and the name that its session gave itself. */
  readonly activePid: number | null;
  readonly activeName: string | null;
  readonly walStatus: string | null;
  readonly confirmedLsn: Lsn | null;
}

export interface SourceFacts {
  readonly systemId: string;
  readonly database: string;
  /** Everything before it is flushed at the source. */
  readonly currentLsn: Lsn;
  readonly slot: SlotFacts | undefined;
  readonly hasPublication: boolean;
  readonly walSenderTimeoutMs: number;
}

/** Where the change stream ends. */
export interface StreamFacts {
  readonly lastSequence: number;
  readonly bytes: number;
  /** `undefined` in a new, emptied or lost stream. */
  readonly lastCommit:
    { readonly lastLsn: Lsn; readonly epochMs: number; readonly sequence: number } | undefined;
}

export interface StartFacts {
  readonly identity: SourceIdentity | undefined;
  readonly source: SourceFacts;
  readonly stream: StreamFacts;
  /** What the destination says it has, if it answers. */
  readonly destinationLsn: Lsn | undefined;
  /** The applier asked to start again from the slot, whatever the stream holds. */
  readonly fromSlot: boolean;
}

export type StartDecision =
  | { readonly tag: 'start'; readonly lsn: Lsn; readonly confirmedLsn: Lsn }
  | { readonly tag: 'refuse'; readonly failure: MirrorError };

/**
 * Decides where reading starts, or why it must not: a jump over changes, or a read of another server, would look like success.
 * See "Starting and going on" in `docs/protocol/change-stream.md`.
 */
export function decideStart(facts: StartFacts): StartDecision {
  const { source, stream } = facts;
  const foreign = foreignServer(facts);
  if (foreign) return refuse('foreign_server', foreign.text, foreign.detail);
  const { slot } = source;
  if (!slot) return refuse('slot_missing', 'the replication slot does not exist');
  if (slot.plugin !== 'pgoutput' || slot.database !== source.database) {
    return refuse('slot_missing', 'the replication slot is not the one of this mirror', {
      plugin: slot.plugin,
      slot_database: slot.database,
    });
  }
  if (slot.walStatus === 'lost' || slot.confirmedLsn === null) {
    return refuse('slot_invalidated', 'the source has discarded WAL that the slot needed');
  }
  if (!source.hasPublication) {
    return refuse('publication_missing', 'the publication does not exist');
  }
  const ahead = aheadOfSource(facts, slot.confirmedLsn);
  if (ahead) return ahead;
  const fromStream = facts.fromSlot ? undefined : stream.lastCommit?.lastLsn;
  const lsn = fromStream === undefined ? slot.confirmedLsn : maxLsn(fromStream, slot.confirmedLsn);
  return { tag: 'start', lsn, confirmedLsn: slot.confirmedLsn };
}

function foreignServer({ identity, source }: StartFacts): {
  readonly text: string;
  readonly detail: Record<string, string>;
} | null {
  if (!identity) return null;
  if (identity.system_id !== source.systemId) {
    return {
      text: 'the source is another server than the one that the slot was created on',
      detail: { expected: identity.system_id, found: source.systemId },
    };
  }
  if (identity.database !== source.database) {
    return {
      text: 'the source is another database than the one that the slot was created in',
      detail: { expected: identity.database, found: source.database },
    };
  }
  return null;
}

/** A source that is behind what was read from it has been set back: what it writes now is another history. */
function aheadOfSource(facts: StartFacts, confirmedLsn: Lsn): StartDecision | null {
  const { currentLsn } = facts.source;
  const seen: [string, Lsn | undefined][] = [
    ['the change stream', facts.stream.lastCommit?.lastLsn],
    ['the destination', facts.destinationLsn],
    ['the slot', confirmedLsn],
  ];
  for (const [holder, lsn] of seen) {
    // Equal is right: an idle source has been read to its end.
    if (lsn === undefined || lsn <= currentLsn) continue;
    return refuse('position_gap', `the source ends before what ${holder} holds already`, {
      source_lsn: formatLsn(currentLsn),
      held_lsn: formatLsn(lsn),
    });
  }
  return null;
}

/** The name of a new session: later than the clock of any session before it. */
export function nextEpochMs(nowMs: number, stream: StreamFacts): number {
  return Math.max(nowMs, (stream.lastCommit?.epochMs ?? 0) + 1);
}

function refuse(
  kind: MirrorError['kind'],
  description: string,
  detail: Record<string, string> = {},
): StartDecision {
  return { tag: 'refuse', failure: new MirrorError(kind, description, { detail }) };
}
