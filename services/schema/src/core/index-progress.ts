/** A row of `pg_stat_progress_create_index`, numbers as text since they have 64 bits. */
export interface IndexProgress {
  readonly phase: string;
  readonly blocks_done: string;
  readonly blocks_total: string;
  readonly tuples_done: string;
  readonly tuples_total: string;
}

/** How far the build of an index is, in words. A phase counts in blocks or in rows, and some do not count. */
export function describeIndexProgress(progress: IndexProgress): string {
  const share =
    shareOf(progress.blocks_done, progress.blocks_total) ??
    shareOf(progress.tuples_done, progress.tuples_total);
  return share === undefined ? progress.phase : `${progress.phase}, ${share} %`;
}

function shareOf(done: string, total: string): bigint | undefined {
  const all = BigInt(total);
  return all === 0n ? undefined : (BigInt(done) * 100n) / all;
}
