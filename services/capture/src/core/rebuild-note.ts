import type { SourceIdentity } from '@bunnydb/contracts';

/** Which rebuild of a mirror's source a change stream is of, and what came of it; kept with the stream. */
export interface RebuildNote {
  readonly rebuild: number;
  /** Known when the slot is made. */
  readonly identity?: SourceIdentity;
}

/** Reads a stream's metadata; null in a stream of no rebuild, or with a note that is not ours. */
export function parseRebuildNote(
  metadata: Readonly<Record<string, string>> | undefined,
): RebuildNote | null {
  const text = metadata?.[KEY];
  if (text === undefined) return null;
  try {
    const note = JSON.parse(text) as Partial<RebuildNote>;
    return Number.isSafeInteger(note.rebuild) ? (note as RebuildNote) : null;
  } catch {
    return null;
  }
}

/** The metadata that keeps the note. */
export function formatRebuildNote(note: RebuildNote): Record<string, string> {
  return { [KEY]: JSON.stringify(note) };
}

const KEY = 'bunny_rebuild';
