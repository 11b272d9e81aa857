import { samePair } from '@bunnydb/testkit';
import type { DatabasePair, PairOptions } from './database-pair.js';
import {
  LEDGER_DESTINATION,
  LEDGER_SCHEMA,
  LEDGER_SOURCE,
  LEDGER_TABLES,
  type LedgerWriterOptions,
  startLedgerWriters,
} from './ledger.js';
import { type ObserverResult, readLedger, startLedgerObserver } from './ledger-observer.js';
import type { MirrorFixture } from './mirror-fixture.js';
import type { Stack } from './stack.js';

/** The ledger's tables on both sides. */
export const LEDGER_PAIRS = LEDGER_TABLES.map((table) => samePair('public', table));

const SESSIONS = 4;
const TRANSACTIONS_PER_SECOND = 40;
/** So that a fault hits a stream that is warm and an observer that looks. */
const WARM_UP_TRANSACTIONS = 20n;

/** A pair of databases with the ledger; the mirror is not created yet. */
export function createLedgerPair(stack: Stack, options: PairOptions = {}): Promise<DatabasePair> {
  return stack.createPair({
    ...options,
    source: LEDGER_SCHEMA + LEDGER_SOURCE,
    destination: LEDGER_DESTINATION,
  });
}

export interface LedgerRun extends ObserverResult {
  readonly transactions: number;
}

export type LedgerLoad = Partial<
  Pick<LedgerWriterOptions, 'sessions' | 'transactionsPerSecond' | 'stepsPerTransaction'>
> & {
  /** A table in a lane is seen behind the others: the observer looks only once the fault is healed. */
  readonly tableIsInLane?: boolean;
};

/**
 * Runs a fault and its heal while the ledger is written to and looked at. Afterwards the mirror catches up under load, the
 * writers stop, and both sides must be equal. Every snapshot that the observer saw must have held the invariants.
 */
export async function runUnderLoad(
  pair: DatabasePair,
  mirror: MirrorFixture,
  fault: () => Promise<void>,
  load: LedgerLoad = {},
): Promise<LedgerRun> {
  let observer = load.tableIsInLane ? undefined : await startLedgerObserver(pair.destinationUrl);
  const writers = await startLedgerWriters({
    connectionString: pair.sourceUrl,
    sessions: load.sessions ?? SESSIONS,
    transactionsPerSecond: load.transactionsPerSecond ?? TRANSACTIONS_PER_SECOND,
    ...(load.stepsPerTransaction === undefined
      ? {}
      : { stepsPerTransaction: load.stepsPerTransaction }),
  });
  let transactions = 0;
  let observed: ObserverResult;
  try {
    await waitForMovement(pair);
    await fault();
    await mirror.waitForCatchUp();
    if (!observer) {
      await mirror.waitForOneLane();
      observer = await startLedgerObserver(pair.destinationUrl);
      await waitForMovement(pair);
    }
  } finally {
    transactions = await writers.stop();
    observed = (await observer?.stop()) ?? NOTHING_SEEN;
  }
  await mirror.waitForEqual(LEDGER_PAIRS);
  if (observed.violations.length > 0) {
    throw new Error(`the destination showed a broken ledger:\n${observed.violations.join('\n')}`);
  }
  if (observed.distinctStates < 2) throw new Error('the observer saw no change at all');
  return { ...observed, transactions };
}

const NOTHING_SEEN: ObserverResult = { snapshots: 0, distinctStates: 0, violations: [] };

async function waitForMovement(pair: DatabasePair): Promise<void> {
  const before = (await readLedger(pair.destination)).counted;
  await pair.until(
    async () => (await readLedger(pair.destination)).counted >= before + WARM_UP_TRANSACTIONS,
    'the ledger to move at the destination',
  );
}
