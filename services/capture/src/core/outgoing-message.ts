import type { Lsn } from '@bunnydb/pg-model';
import type { BatchTrace } from './batch-trace.js';

/** A message of the change stream, ready to be published but for what only the publisher knows. */
export interface OutgoingMessage {
  readonly subject: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly payload: Uint8Array;
  /** The buffer that the payload lies in, to be given back when the message is stored; null for a small one of its own. */
  readonly buffer: Uint8Array | null;
  /** `Nats-Msg-Id`. */
  readonly id: string;
  /** For a commit message: how far the stream reaches with it. */
  readonly lastLsn: Lsn | null;
  /** For a commit message: the trace of its batch, if there is one. */
  readonly trace: BatchTrace | null;
}

/** Where batches go: the publisher of the shell. */
export interface MessageSink {
  /** The stream sequence that the next message will get. */
  readonly nextSequence: number;
  /** Whether all that was sent has been stored. */
  readonly idle: boolean;
  send(message: OutgoingMessage): void;
}
