interface Mark {
  /** Sequence of a commit message. */
  readonly sequence: number;
  /** Bytes that had been stored up to and with it. */
  readonly bytes: number;
}

/**
 * Which messages the change stream may forget: those behind the destination's flushed position, except for a tail of so many bytes that
 * people can look at. Sizes are remembered in coarse marks, so the tail is exact to a sixteenth.
 */
export class StreamRetention {
  readonly #tailBytes: number;
  readonly #marks: Mark[] = [];
  #bytes: number;
  #purgedBytes = 0;

  /** @param bytes what the stream held when the session started, up to the commit message with this sequence. */
  constructor(tailBytes: number, sequence: number, bytes: number) {
    this.#tailBytes = tailBytes;
    this.#bytes = bytes;
    if (sequence > 0) this.#marks.push({ sequence, bytes });
  }

  /** A commit message and what it closes have been stored. */
  stored(sequence: number, bytes: number): void {
    this.#bytes += bytes;
    const last = this.#marks.at(-1);
    const before = this.#marks.at(-2);
    // The newest mark moves along until it is a step away from the one before.
    if (last && before && this.#bytes - before.bytes < this.#stepBytes) this.#marks.pop();
    this.#marks.push({ sequence, bytes: this.#bytes });
  }

  /**
   * The first sequence to keep, or undefined while a purge would not be worth it. The commit message of the flushed position itself is
   * always kept: the applier finds its place by it.
   */
  firstToKeep(flushedSequence: number, tailBytes: number = this.#tailBytes): number | undefined {
    const flushed = this.#marks.findLast((mark) => mark.sequence <= flushedSequence);
    if (!flushed) return undefined;
    const until = flushed.bytes - tailBytes;
    const mark = this.#marks.findLast((candidate) => candidate.bytes <= until);
    // A whole tail of nothing is asked for when the stream is full: then every byte counts.
    const worth = tailBytes === 0 ? 1 : this.#stepBytes;
    if (!mark || mark.bytes - this.#purgedBytes < worth) return undefined;
    return mark.sequence;
  }

  /** All before this sequence is gone. */
  purged(firstKept: number): void {
    const mark = this.#marks.findLast((candidate) => candidate.sequence <= firstKept);
    if (mark) this.#purgedBytes = mark.bytes;
    while ((this.#marks[1]?.sequence ?? Infinity) <= firstKept) this.#marks.shift();
  }

  get #stepBytes(): number {
    return Math.max(this.#tailBytes / 16, STEP_BYTES_MIN);
  }
}

const STEP_BYTES_MIN = 1024 * 1024;
