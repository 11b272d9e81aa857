import type { BatchLimits } from './batch-assembler.js';

/** How large messages and batches may become, given nats-server's `max_payload` (which counts headers, too). */
export function batchLimits(maxPayloadBytes: number): BatchLimits {
  const messageBytesMax = Math.max(
    MESSAGE_BYTES_MIN,
    Math.min(MESSAGE_BYTES_MAX, maxPayloadBytes - Math.min(HEADER_BYTES, maxPayloadBytes >> 1)),
  );
  return { messageBytesMax, batchBytesMax: BATCH_BYTES_MAX, openBytesMax: OPEN_BYTES_MAX };
}

/** Beyond this a publish gains nothing. */
const MESSAGE_BYTES_MAX = 512 * 1024;
const MESSAGE_BYTES_MIN = 1024;
/** JetStream's own limit of a message's headers. */
const HEADER_BYTES = 64 * 1024;
const BATCH_BYTES_MAX = 512 * 1024;
const OPEN_BYTES_MAX = 4 * 1024 * 1024;
