import type { Lsn } from '@bunnydb/pg-model';

/** What a client of a replication stream tells the server; see "Standby status update" in PostgreSQL's protocol. */
export interface StandbyStatus {
  /** How far the stream has been received. */
  readonly received: Lsn;
  /** How far it is durable: the server may forget what lies before, and moves the slot there. */
  readonly flushed: Lsn;
  /** Asks the server to say at once how far it has come. */
  readonly isQuestion?: boolean;
}

/** Encodes a status update. */
export function encodeStandbyStatus(status: StandbyStatus, nowMs: number): Buffer {
  const message = Buffer.alloc(34);
  message.writeUInt8(0x72, 0);
  message.writeBigUInt64BE(status.received, 1);
  message.writeBigUInt64BE(status.flushed, 9);
  message.writeBigUInt64BE(status.flushed, 17);
  message.writeBigInt64BE(BigInt(nowMs - EPOCH_2000_MS) * 1000n, 25);
  message.writeUInt8(status.isQuestion === true ? 1 : 0, 33);
  return message;
}

const EPOCH_2000_MS = 946_684_800_000;
