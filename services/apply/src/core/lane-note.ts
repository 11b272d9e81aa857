import type { LaneWish } from '@bunnydb/contracts';

/** The states in which a lane has work to do. */
export type WorkingState = 'pending' | 'copying' | 'resyncing' | 'catching_up';

/** A wish that a command has noted. */
export interface AskedWish {
  readonly commandId: string;
  readonly wish: LaneWish;
}

/** A resync that was taken up and is not done. */
export interface Resync {
  /** The command that asked for it; tables of one command that are to be swapped together share it. */
  readonly id: string;
  readonly strategy: 'truncate' | 'swap';
  readonly together: boolean;
  /** `swap`: the shadow tables are full, and nothing is left but to put them in their places. */
  readonly step: 'copy' | 'swap';
}

/** What `_bunny.table_state.wish` holds of a table's lane beside its state. */
export interface LaneNote {
  /** Not taken up yet. */
  readonly asked: AskedWish | null;
  readonly resync: Resync | null;
  /** The state in which an error met the lane: where it goes on. */
  readonly goesOnAs: WorkingState | null;
  /** Ids of the last commands that were noted here, so that one that is delivered again is not noted again. */
  readonly commandIds: readonly string[];
}

export const EMPTY_NOTE: LaneNote = { asked: null, resync: null, goesOnAs: null, commandIds: [] };

/** The note of a table that is to be copied again, whatever was noted of it before. */
export function noteOfResync(resync: Resync): LaneNote {
  return { ...EMPTY_NOTE, resync };
}

/** The shape in JSON. */
interface StoredNote {
  readonly asked?: { readonly command_id: string; readonly wish: LaneWish } | null;
  readonly resync?: Resync | null;
  readonly goes_on_as?: WorkingState | null;
  readonly command_ids?: readonly string[];
}

/** Reads the column, which is written by `formatNote` only. */
export function parseNote(text: string | null): LaneNote {
  if (text === null) return EMPTY_NOTE;
  const stored = JSON.parse(text) as StoredNote;
  return {
    asked: stored.asked
      ? { commandId: stored.asked.command_id, wish: stored.asked.wish }
      : EMPTY_NOTE.asked,
    resync: stored.resync ?? null,
    goesOnAs: stored.goes_on_as ?? null,
    commandIds: stored.command_ids ?? [],
  };
}

/** The column's text; null when there is nothing to remember. */
export function formatNote(note: LaneNote): string | null {
  const { asked, resync, goesOnAs, commandIds } = note;
  if (!asked && !resync && !goesOnAs && commandIds.length === 0) return null;
  const stored: StoredNote = {
    asked: asked && { command_id: asked.commandId, wish: asked.wish },
    resync,
    goes_on_as: goesOnAs,
    command_ids: commandIds,
  };
  return JSON.stringify(stored);
}

/** Notes a wish; undefined when this command has been noted before. A later wish takes the place of one that nobody took up. */
export function askOf(note: LaneNote, asked: AskedWish): LaneNote | undefined {
  if (note.commandIds.includes(asked.commandId)) return undefined;
  return {
    ...note,
    asked,
    commandIds: [...note.commandIds, asked.commandId].slice(-COMMAND_IDS_MAX),
  };
}

const COMMAND_IDS_MAX = 8;
