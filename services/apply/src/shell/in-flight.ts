import { MirrorError } from '@bunnydb/failure';
import { sqlstateOf } from '@bunnydb/pg-client';
import type { Lsn } from '@bunnydb/pg-model';
import type { Batch } from '../core/batch-assembly.js';
import { type Remedy, remedyOf } from '../core/batch-failure.js';
import type { WorkTally } from '../core/work-tally.js';
import type { Advance } from '../core/advance.js';
import type { TransactionOutcome } from './destination-transaction.js';
import type { WriteMode } from './table-writer.js';
import { writeFailure } from './write-failure.js';

/** A destination transaction that is sent and maybe not answered. */
export interface InFlight {
  readonly batches: readonly Batch[];
  readonly advance: Advance;
  readonly tally: WorkTally;
  readonly mode: WriteMode;
  readonly sentAtMs: number;
  readonly settled: Promise<void>;
  outcome: TransactionOutcome | undefined;
}

/** What a refused transaction calls for. */
export function remedyFor(work: Pick<InFlight, 'outcome'>): Remedy {
  if (!work.outcome || work.outcome.ok) return 'again';
  const { error, label } = work.outcome;
  if (label?.action === 'position') return 'stop';
  // The plan did not fit the catalog as it was read; it is read again. What has no key is a table's own trouble.
  if (error instanceof MirrorError) return EXACT_KINDS.has(error.kind) ? 'exact' : 'stop';
  return remedyOf(sqlstateOf(error));
}

/** The statements were right for the columns that the tables had; with the new ones they deserve another try. */
export function isStaleCatalog(work: InFlight): boolean {
  return work.outcome?.ok === false && work.outcome.label?.action === 'fingerprint';
}

export function failureOf(work: InFlight): MirrorError {
  const { outcome, batches } = work;
  const [only] = batches.length === 1 ? batches : [];
  return outcome && !outcome.ok
    ? writeFailure(outcome.error, outcome.label, only?.commit.transactions)
    : new MirrorError('unexpected', 'a refused transaction has no error');
}

/** Where batches lead to from a position. */
export function advanceOf(from: Lsn, batches: readonly Batch[]): Advance {
  const last = batches.at(-1);
  const commitTimes = batches.flatMap(
    (batch) => batch.commit.transactions.at(-1)?.commitTime ?? [],
  );
  return {
    from,
    to: last?.commit.head.lastLsn ?? from,
    streamSeq: last?.commit.streamSeq ?? 0,
    commitTime: commitTimes.at(-1) ?? null,
  };
}

const EXACT_KINDS: ReadonlySet<string> = new Set([
  'schema_mismatch',
  'table_missing',
  'replica_identity_missing',
]);
