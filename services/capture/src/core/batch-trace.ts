import type { Lsn } from '@bunnydb/pg-model';

/** What is known of a batch when it is closed. */
export interface BatchFacts {
  readonly changes: number;
  readonly transactions: number;
  readonly messages: number;
  readonly bytes: number;
  readonly firstLsn: Lsn;
  readonly lastLsn: Lsn;
  /** The lines of its commit message: its source transactions. */
  readonly lines: string;
}

/** The trace of a batch, if anybody traces. */
export interface BatchTrace {
  /** W3C's `traceparent`, for the messages' headers. */
  readonly traceParent: string;
  /** Everything has been read and handed to the publisher. */
  closed(facts: BatchFacts): void;
  /** The commit message, and with it all others, has been stored. */
  stored(): void;
  /** It will not be stored by this run. */
  failed(error: unknown): void;
}
