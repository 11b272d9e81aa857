import type { LaneBook } from './lane-book.js';
import type { LaneSurroundings } from './lane-world.js';

/** Tells at `/metrics` how much waits at the destination for tables outside the main lane; the destination is asked now and then only. */
export function tellParked(
  book: LaneBook,
  { spec, metrics }: Pick<LaneSurroundings, 'spec' | 'metrics'>,
): () => void {
  let parked: ReadonlyMap<string, number> = new Map();
  let askedAtMs = Number.NEGATIVE_INFINITY;
  const stop = metrics?.add(async () => {
    if (performance.now() - askedAtMs >= ASK_EVERY_MS) {
      askedAtMs = performance.now();
      parked = await book.parkedBytes();
    }
    return [...parked].map(([table, value]) => ({
      name: 'bunny_apply_parked_bytes' as const,
      labels: { mirror: spec.name, table },
      value,
    }));
  });
  return () => stop?.();
}

const ASK_EVERY_MS = 15_000;
