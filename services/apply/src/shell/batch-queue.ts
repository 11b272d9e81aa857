import type { Batch } from '../core/batch-assembly.js';

export interface TakeLimits {
  readonly changes: number;
  readonly bytes: number;
  /** How long a batch may wait for others to fill the limits. */
  readonly lingerMs: number;
}

/** Whole batches between the reader and the writer, bounded by bytes. */
export class BatchQueue {
  readonly #bytesMax: number;
  readonly #batches: Batch[] = [];
  #bytes = 0;
  /** Since when the oldest batch waits. */
  #waitingSinceMs = 0;
  #end: { readonly error: unknown } | undefined;
  #wakeWriter: (() => void) | undefined;
  #wakeReader: (() => void) | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** What the waiting batches hold. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a batch; settles when there is room for another. */
  async push(batch: Batch): Promise<void> {
    if (this.#batches.length === 0) this.#waitingSinceMs = performance.now();
    this.#batches.push(batch);
    this.#bytes += heldBytes(batch);
    this.#wakeWriter?.();
    while (this.#bytes >= this.#bytesMax && !this.#end)
      await new Promise<void>((resolve) => (this.#wakeReader = resolve));
  }

  /** Ends the queue: what is in it is handed out, then `take` throws the error or returns undefined. */
  end(error: unknown): void {
    this.#end ??= { error };
    this.#wakeWriter?.();
    this.#wakeReader?.();
  }

  /** Ends the queue and lets go of what is in it. */
  abandon(): void {
    this.#batches.length = 0;
    this.#bytes = 0;
    this.end(undefined);
  }

  /**
   * All batches that wait, up to the limits but at least one; a large batch comes alone. After `waitMs` without any, none. Undefined
   * when the queue has ended.
   */
  async take(limits: TakeLimits, waitMs: number): Promise<readonly Batch[] | undefined> {
    if (this.#batches.length === 0 && !this.#end) await this.#wait(waitMs);
    if (this.#lingers(limits)) {
      await this.#wait(waitMs);
      if (this.#lingers(limits)) return [];
    }
    const taken = this.#takeWaiting(limits);
    if (taken.length > 0 || !this.#end) return taken;
    if (this.#end.error !== undefined) throw this.#end.error;
    return undefined;
  }

  /** Lets a waiting `take` return at once. */
  interrupt(): void {
    this.#wakeWriter?.();
  }

  #lingers(limits: TakeLimits): boolean {
    if (limits.lingerMs === 0 || this.#batches.length === 0 || this.#end) return false;
    if (performance.now() - this.#waitingSinceMs >= limits.lingerMs) return false;
    // A full queue would wait for room that nobody makes.
    if (this.#bytes >= Math.min(limits.bytes, this.#bytesMax)) return false;
    const changes = this.#batches.reduce((sum, batch) => sum + batch.commit.head.changes, 0);
    return changes < limits.changes && !this.#batches.some((batch) => batch.kind === 'large');
  }

  async #wait(waitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wakeWriter = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeWriter = undefined;
  }

  #takeWaiting(limits: TakeLimits): readonly Batch[] {
    const taken: Batch[] = [];
    let changes = 0;
    let bytes = 0;
    for (const batch of this.#batches) {
      changes += batch.commit.head.changes;
      bytes += batch.bytes;
      const isOver = changes > limits.changes || bytes > limits.bytes || batch.kind === 'large';
      if (taken.length > 0 && isOver) break;
      taken.push(batch);
      if (batch.kind === 'large') break;
    }
    this.#batches.splice(0, taken.length);
    this.#bytes -= taken.reduce((sum, batch) => sum + heldBytes(batch), 0);
    if (taken.length > 0) this.#wakeReader?.();
    return taken;
  }
}

function heldBytes(batch: Batch): number {
  return batch.kind === 'held' ? batch.bytes + BATCH_OVERHEAD_BYTES : BATCH_OVERHEAD_BYTES;
}

/** Roughly what a batch's objects take beside its payloads. */
const BATCH_OVERHEAD_BYTES = 2_000;
