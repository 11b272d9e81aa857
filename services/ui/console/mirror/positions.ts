type Told = string | null | undefined;

/** What the stations of a mirror told of themselves, each at another moment. */
export interface ToldPositions {
  readonly source_lsn?: Told;
  readonly published_lsn?: Told;
  readonly applied_lsn?: Told;
  readonly flushed_lsn?: Told;
}

/** Where each station is at least: what one has, all before it had. */
export interface Positions {
  readonly source: string | null;
  readonly captured: string | null;
  readonly applied: string | null;
  readonly flushed: string | null;
}

export function positionsOf(told: ToldPositions): Positions {
  const flushed = told.flushed_lsn ?? null;
  const applied = later(told.applied_lsn ?? null, flushed);
  const captured = later(told.published_lsn ?? null, applied);
  return { source: later(told.source_lsn ?? null, captured), captured, applied, flushed };
}

function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return bytesOf(a) < bytesOf(b) ? b : a;
}

/** The two halves of an LSN as one number. */
function bytesOf(lsn: string): bigint {
  const [high = '0', low = '0'] = lsn.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}
