/** Where a sequence is, numbers as text since they have 64 bits. */
export interface SequencePosition {
  /** Null for one that was never asked. */
  readonly value: string | null;
  readonly increment: string;
  readonly minimum: string;
  readonly maximum: string;
  readonly cycles: boolean;
}

/**
 * The value to set the destination's sequence to, so that whoever writes there after a switch-over gets no number that the source gave out; null to
 * leave it. The source goes on meanwhile, hence the head-room; a sequence never moves back.
 */
export function nextPosition(
  source: SequencePosition,
  destination: SequencePosition,
): string | null {
  if (source.value === null) return null;
  const increment = BigInt(source.increment);
  const value = BigInt(source.value);
  const ahead = source.cycles ? value : value + increment * HEAD_ROOM;
  const minimum = maxOf(BigInt(source.minimum), BigInt(destination.minimum));
  const maximum = minOf(BigInt(source.maximum), BigInt(destination.maximum));
  const target = minOf(maxOf(ahead, minimum), maximum);
  if (destination.value === null) return String(target);
  const current = BigInt(destination.value);
  const isAhead = increment > 0n ? current >= value : current <= value;
  return isAhead ? null : String(target);
}

const maxOf = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const minOf = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Numbers that the source may give out before the sequence is looked at again. */
const HEAD_ROOM = 1000n;
