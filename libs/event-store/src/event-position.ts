declare const positionBrand: unique symbol;

/** The place of an event in the order of all commits, from 1, without gaps. */
export type EventPosition = bigint & { readonly [positionBrand]: 'EventPosition' };

/** Before the first event. */
export const START_OF_EVENTS = 0n as EventPosition;

/**
 * Makes a position of a number or its decimal text.
 *
 * @throws RangeError when it is not a whole number from 0.
 */
export function parseEventPosition(value: bigint | string): EventPosition {
  if (typeof value === 'string' && !/^\d{1,19}$/.test(value)) {
    throw new RangeError('an event position is a whole number from 0');
  }
  const position = BigInt(value);
  if (position < 0n) throw new RangeError('an event position is a whole number from 0');
  return position as EventPosition;
}

/** Negative when `a` comes before `b`, zero when they are equal, positive otherwise. */
export function compareEventPositions(a: EventPosition, b: EventPosition): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
