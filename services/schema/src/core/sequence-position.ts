/** Where a sequence is, numbers as text since they have 64 bits. */
export interface SequencePosition {
  /** The last number that was given out, or set aside for a session; null for one that was never asked. */
  readonly value: string | null;
  readonly increment: string;
  readonly minimum: string;
  readonly maximum: string;
  readonly cache: string;
  readonly cycles: boolean;
}

/**
 * The value to set the destination's sequence to, so that whoever writes there after a switch-over gets no number that the source gave out; null to
 * leave it.
 *
 * The source goes on until it is looked at again, so the destination is kept between one and two head-rooms ahead of it: it is moved seldom, and is never less
 * than one ahead. It never moves back: somebody may have taken numbers there. Near its end a sequence leaves half of what is left to either side. A
 * cycling one begins anew behind its end; there, what lies less than half the circle ahead counts as ahead.
 *
 * @param steps how many numbers the source may give out before it is looked at again.
 */
export function nextPosition(
  source: SequencePosition,
  destination: SequencePosition,
  steps: bigint = STEPS_MIN,
): string | null {
  if (source.value === null) return null;
  const ring = ringOf(source, destination);
  const value = BigInt(source.value);
  const wanted = maxOf(maxOf(steps, STEPS_MIN), BigInt(source.cache));
  const room = ring.cycles ? ring.size / 4n : stepsLeft(ring, value) / 2n;
  const headRoom = minOf(wanted, room);
  const lead = destination.value === null ? null : leadOf(ring, value, BigInt(destination.value));
  if (lead !== null && lead >= headRoom) return null;
  const target = advance(ring, value, minOf(headRoom * 2n, room));
  return destination.value === String(target) ? null : String(target);
}

/** How many numbers a sequence gave out between two looks; a step back, or around the circle, says nothing. */
export function advanceOf(before: SequencePosition, now: SequencePosition): bigint {
  if (now.value === null) return 0n;
  const from = before.value ?? now.minimum;
  const steps = (BigInt(now.value) - BigInt(from)) / BigInt(now.increment);
  return maxOf(steps, 0n);
}

/**
 * The head-room after another look: twice the largest advance between two looks, of which less is remembered with each look, so that
 * neither one quiet moment nor one busy one counts for ever.
 */
export function nextHeadRoom(headRoom: bigint, advance: bigint): bigint {
  return maxOf(maxOf(advance * 2n, (headRoom * 15n) / 16n), STEPS_MIN);
}

/** The numbers that both sequences can be at, in the source's direction. */
interface Ring {
  readonly increment: bigint;
  /** The first and the last number in the sequence's direction. */
  readonly first: bigint;
  readonly last: bigint;
  readonly size: bigint;
  readonly cycles: boolean;
}

function ringOf(source: SequencePosition, destination: SequencePosition): Ring {
  const increment = BigInt(source.increment);
  const minimum = maxOf(BigInt(source.minimum), BigInt(destination.minimum));
  const maximum = minOf(BigInt(source.maximum), BigInt(destination.maximum));
  const [first, last] = increment > 0n ? [minimum, maximum] : [maximum, minimum];
  return { increment, first, last, size: (last - first) / increment + 1n, cycles: source.cycles };
}

function stepsLeft({ last, increment }: Ring, value: bigint): bigint {
  return maxOf((last - value) / increment, 0n);
}

/** How many numbers the other is ahead; null when it is behind. */
function leadOf(ring: Ring, value: bigint, other: bigint): bigint | null {
  const steps = (other - value) / ring.increment;
  const isAhead = ring.increment > 0n ? other >= value : other <= value;
  if (!ring.cycles) return isAhead ? steps : null;
  const around = isAhead
    ? steps
    : stepsLeft(ring, value) + 1n + (other - ring.first) / ring.increment;
  return around <= ring.size / 2n ? around : null;
}

function advance(ring: Ring, value: bigint, steps: bigint): bigint {
  const left = stepsLeft(ring, value);
  const target =
    steps <= left || !ring.cycles
      ? value + ring.increment * steps
      : ring.first + ring.increment * (steps - left - 1n);
  const [low, high] = ring.increment > 0n ? [ring.first, ring.last] : [ring.last, ring.first];
  return minOf(maxOf(target, low), high);
}

const maxOf = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const minOf = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** A quiet sequence may wake up at any time. */
const STEPS_MIN = 1000n;
