import type { CpuMeter } from './process-cpu.js';

/** One side of a comparison: something that applies a slot's changes to a destination. */
export interface Peer {
  readonly name: string;
  /** Gets ready without applying anything yet. */
  prepare(target: DrainTarget): Promise<PreparedPeer>;
}

export interface PreparedPeer {
  /** The clock starts when this is called. */
  go(): Promise<void>;
  /** Notes CPU of the peer's own processes; the server's backends are noted by the caller. */
  sample(meter: CpuMeter): void;
  /** True when the initial copy of every table is done. */
  isCopied(): Promise<boolean>;
  /** Largest resident sets of the peer's own processes, by name. */
  peakRss(): ReadonlyMap<string, number>;
  /** What the peer's own processes logged last, for the message of a failed run. */
  log(): string;
  /** Leaves neither slot nor subscription behind. */
  stop(): Promise<void>;
}

/** What a peer is to drain, and where to. */
export interface DrainTarget {
  readonly source: DatabaseAddress;
  readonly destination: DatabaseAddress;
  readonly slot: string;
  readonly publication: string;
  readonly tables: readonly string[];
  /** Whether the tables are copied first; else only the slot's changes are applied. */
  readonly copy: boolean;
  /** Makes names of one run different from the last one's. */
  readonly run: number;
}

export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** The address as a URL, for `pg`. */
export function addressUrl(address: DatabaseAddress): string {
  const password = encodeURIComponent(address.password);
  return `postgres://${address.user}:${password}@${address.host}:${address.port}/${address.database}`;
}
