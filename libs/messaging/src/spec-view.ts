import type { MirrorSpec } from '@bunnydb/contracts';

/** One key of the bucket as it was read. */
export interface SpecEntry {
  readonly mirrorId: string;
  readonly revision: number;
  /** Undefined: removed. */
  readonly spec: MirrorSpec | undefined;
}

interface Known {
  readonly revision: number;
  readonly text: string | undefined;
  readonly missedReadings: number;
}

/** How many full readings in a row must miss a key, without a mark of its removal, before it counts as removed. */
export const MISSED_READINGS_MAX = 4;

/**
 * What this process believes about the bucket. Changes come from a watch and from full readings, in any order; a state is told once,
 * and never an older one after a newer.
 */
export class SpecView {
  readonly #known = new Map<string, Known>();
  readonly #tell: (mirrorId: string, spec: MirrorSpec | undefined) => void;
  #life: string | undefined;

  constructor(tell: (mirrorId: string, spec: MirrorSpec | undefined) => void) {
    this.#tell = tell;
  }

  /** A bucket that was made again counts its revisions from the start: the old ones say nothing any more. */
  beginLife(life: string): void {
    if (this.#life !== undefined && this.#life !== life) {
      for (const [mirrorId, known] of this.#known) {
        this.#known.set(mirrorId, { ...known, revision: 0 });
      }
    }
    this.#life = life;
  }

  /** One entry, from the watch or from a reading. */
  apply(entry: SpecEntry): void {
    const known = this.#known.get(entry.mirrorId);
    if (known !== undefined && entry.revision < known.revision) {
      return;
    }
    const text = entry.spec === undefined ? undefined : JSON.stringify(entry.spec);
    this.#known.set(entry.mirrorId, { revision: entry.revision, text, missedReadings: 0 });
    if (text !== known?.text) {
      this.#tell(entry.mirrorId, entry.spec);
    }
  }

  /** A full reading of the bucket, with the marks of removed keys. */
  applyReading(entries: readonly SpecEntry[]): void {
    const read = new Set<string>();
    for (const entry of entries) {
      read.add(entry.mirrorId);
      this.apply(entry);
    }
    for (const [mirrorId, known] of this.#known) {
      if (!read.has(mirrorId) && known.text !== undefined) {
        this.#miss(mirrorId, known);
      }
    }
  }

  #miss(mirrorId: string, known: Known): void {
    const missedReadings = known.missedReadings + 1;
    if (missedReadings < MISSED_READINGS_MAX) {
      this.#known.set(mirrorId, { ...known, missedReadings });
      return;
    }
    this.#known.delete(mirrorId);
    this.#tell(mirrorId, undefined);
  }
}
