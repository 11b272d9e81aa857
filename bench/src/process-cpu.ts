import { cpuSeconds } from '@bunnydb/testkit';

/** CPU use of named groups of processes from `start` on; backends that come and go are followed by `sample`. */
export class CpuMeter {
  readonly #first = new Map<number, number>();
  readonly #last = new Map<number, number>();
  readonly #group = new Map<number, string>();

  /** Notes the processes of a group as they are now; to be called often enough to see each before it ends. */
  sample(group: string, pids: readonly number[]): void {
    for (const pid of pids) {
      const seconds = cpuSeconds(pid);
      if (!this.#first.has(pid)) this.#first.set(pid, seconds);
      this.#group.set(pid, group);
      if (seconds > 0) this.#last.set(pid, seconds);
    }
  }

  /** A process that began within the run counts from zero. */
  sampleFromZero(group: string, pids: readonly number[]): void {
    for (const pid of pids) if (!this.#first.has(pid)) this.#first.set(pid, 0);
    this.sample(group, pids);
  }

  /** Seconds per group. */
  totals(): ReadonlyMap<string, number> {
    const totals = new Map<string, number>();
    for (const [pid, group] of this.#group) {
      const used = (this.#last.get(pid) ?? 0) - (this.#first.get(pid) ?? 0);
      totals.set(group, (totals.get(group) ?? 0) + Math.max(0, used));
    }
    return totals;
  }
}
