import { type MirrorSpec, defaultSlotName } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { quoteLiteral } from '@bunnydb/pg-model';

/** A slot that has the name of the mirror's, as `pg_replication_slots` shows it. */
export interface FoundSlot {
  readonly plugin: string | null;
  readonly database: string | null;
  readonly isTemporary: boolean;
  /** Its WAL is gone, or it never got to its consistent point. */
  readonly isSpoilt: boolean;
  /** The name that its reader gave itself; null if nobody reads it. */
  readonly readerName: string | null;
}

/** Who wants to make it anew, and where. */
export interface SlotWish {
  readonly spec: MirrorSpec;
  readonly server: { readonly systemId: string; readonly database: string };
  /** What the mirror's own readers call themselves. */
  readonly sessionName: string;
}

/**
 * Why a slot must not be dropped to make it anew, or null. A slot with a name of our own making is ours wherever it is. One that the user
 * named is ours on the server where the mirror has read it; anywhere else, only if nobody can read it any more.
 */
export function refuseSlot(slot: FoundSlot, wish: SlotWish): MirrorError | null {
  const { spec, server } = wish;
  if (slot.readerName !== null && slot.readerName !== wish.sessionName) {
    return refusal(spec, 'another session reads the replication slot');
  }
  if (spec.slot_name === defaultSlotName(spec.id)) return null;
  const isOurKind =
    slot.plugin === 'pgoutput' && slot.database === server.database && !slot.isTemporary;
  if (!isOurKind) return refusal(spec, 'a replication slot of this name serves something else');
  const former = spec.source_identity;
  const isOurs = former?.system_id === server.systemId && former.database === server.database;
  if (isOurs || slot.isSpoilt) return null;
  return refusal(spec, 'the new source has a replication slot of this name already');
}

function refusal({ slot_name: slot }: MirrorSpec, words: string): MirrorError {
  const fix = `select pg_drop_replication_slot(${quoteLiteral(slot)})`;
  return new MirrorError('slot_in_use', words, { detail: { slot, fix } });
}
