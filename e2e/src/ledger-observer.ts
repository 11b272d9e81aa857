import pg from 'pg';
import { ACCOUNTS, OPENING_BALANCE, isLost } from './ledger.js';

export interface LedgerSnapshot {
  readonly total: bigint;
  /** Sessions whose counter differs from their number of movements, or whose movements have a gap. */
  readonly brokenSessions: number;
  readonly orphans: number;
  readonly counted: bigint;
}

export interface ObserverResult {
  readonly snapshots: number;
  /** Different states of the ledger that were seen: proves that the observer looked while things moved. */
  readonly distinctStates: number;
  readonly violations: readonly string[];
}

export interface LedgerObserver {
  stop(): Promise<ObserverResult>;
}

const SNAPSHOT_SQL = `
select (select coalesce(sum(balance), 0) from account) + (select coalesce(sum(balance), 0) from wallet) as total,
  (select count(*) from session_counter s
   left join (select session_no, count(*) as n, max(counter) as last, count(distinct counter) as different
              from movement group by session_no) m using (session_no)
   where s.counter is distinct from coalesce(m.n, 0) or s.counter is distinct from coalesce(m.last, 0)
      or s.counter is distinct from coalesce(m.different, 0)) as broken_sessions,
  (select count(*) from wallet w where not exists (select from account a where a.id = w.account_id)) as orphans,
  (select coalesce(sum(counter), 0) from session_counter) as counted`;

/** Reads the ledger in one snapshot (one statement). */
export async function readLedger(client: pg.Client): Promise<LedgerSnapshot> {
  const { rows } = await client.query<Record<string, string>>(SNAPSHOT_SQL);
  const row = rows[0] ?? {};
  return {
    total: BigInt(row['total'] ?? -1),
    brokenSessions: Number(row['broken_sessions']),
    orphans: Number(row['orphans']),
    counted: BigInt(row['counted'] ?? -1),
  };
}

/** Looks at the destination's ledger again and again, and keeps every violation of its invariants. A server may go away and come back. */
export async function startLedgerObserver(connectionString: string): Promise<LedgerObserver> {
  const client = await connect(connectionString);
  const stopping = new AbortController();
  const loop = observe(client, connectionString, stopping.signal);
  loop.catch(() => undefined);
  return {
    async stop() {
      stopping.abort();
      return await loop;
    },
  };
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, application_name: 'testkit' });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

const PAUSE_MS = 20;
const VIOLATIONS_MAX = 20;

async function observe(
  first: pg.Client,
  connectionString: string,
  signal: AbortSignal,
): Promise<ObserverResult> {
  let client: pg.Client | undefined = first;
  const expected = BigInt(ACCOUNTS) * BigInt(OPENING_BALANCE);
  const violations: string[] = [];
  const states = new Set<bigint>();
  let snapshots = 0;
  let last = -1n;
  while (!signal.aborted) {
    let seen: LedgerSnapshot;
    try {
      client ??= await connect(connectionString);
      seen = await readLedger(client);
    } catch (error) {
      if (!isLost(error)) throw error;
      await client?.end().catch(() => undefined);
      client = undefined;
      // A server that crashed forgets commits that it had not flushed: they are applied once more.
      last = -1n;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      continue;
    }
    snapshots += 1;
    states.add(seen.counted);
    if (violations.length < VIOLATIONS_MAX) {
      if (seen.total !== expected) violations.push(`the sum is ${seen.total}, not ${expected}`);
      if (seen.brokenSessions > 0) violations.push(`${seen.brokenSessions} broken sessions`);
      if (seen.orphans > 0) violations.push(`${seen.orphans} wallets without an account`);
      if (seen.counted < last) violations.push(`the counters went back by ${last - seen.counted}`);
    }
    last = seen.counted;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  await client?.end();
  return { snapshots, distinctStates: states.size, violations };
}
