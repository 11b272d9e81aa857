import { readFileSync } from 'node:fs';

/** Clock ticks per second of `/proc/<pid>/stat`; 100 on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;

/** CPU seconds (user and system) that a process has used so far; 0 when it is gone. */
export function cpuSeconds(pid: number): number {
  const stat = readProc(`/proc/${pid}/stat`);
  // The command may hold spaces and parentheses, so the fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [fields[11], fields[12]];
  return user === undefined || system === undefined
    ? 0
    : (Number(user) + Number(system)) / TICKS_PER_SECOND;
}

/** The largest resident set a process has had, in bytes; 0 when it is gone. */
export function peakRssBytes(pid: number): number {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(readProc(`/proc/${pid}/status`));
  return match ? Number(match[1]) * 1024 : 0;
}

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

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
