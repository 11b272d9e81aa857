import pg from 'pg';

export const PGBENCH_TABLES = [
  'pgbench_accounts',
  'pgbench_branches',
  'pgbench_tellers',
  'pgbench_history',
] as const;

/** pgbench's tables; the history has no key, so it needs a replica identity to be published. */
export const PGBENCH_SCHEMA = `
create table pgbench_accounts (aid integer primary key, bid integer, abalance integer, filler char(84));
create table pgbench_branches (bid integer primary key, bbalance integer, filler char(88));
create table pgbench_tellers (tid integer primary key, bid integer, tbalance integer, filler char(84));
create table pgbench_history (tid integer, bid integer, aid integer, delta integer, mtime timestamp, filler char(22));
alter table pgbench_history replica identity full;
`;

export const pgbenchRows = (scale: number): string => `
insert into pgbench_branches select i, 0, '' from generate_series(1, ${scale}) i;
insert into pgbench_tellers select i, 1 + (i - 1) / 10, 0, '' from generate_series(1, ${scale * 10}) i;
insert into pgbench_accounts select i, 1 + (i - 1) / 100000, 0, '' from generate_series(1, ${scale * 100_000}) i;
`;

export interface PgbenchOptions {
  readonly clients: number;
  readonly seconds: number;
  readonly scale: number;
}

/** pgbench's TPC-B-like transaction from several clients, as fast as they can; tells how many were committed. */
export async function runPgbench(url: string, options: PgbenchOptions): Promise<number> {
  const end = performance.now() + options.seconds * 1000;
  return await runClients(url, options, () => performance.now() < end);
}

/** The same until it is stopped. */
export function startPgbench(
  url: string,
  options: Omit<PgbenchOptions, 'seconds'>,
): { stop(): Promise<number> } {
  let isStopping = false;
  const committed = runClients(url, options, () => !isStopping);
  committed.catch(() => undefined);
  return {
    stop() {
      isStopping = true;
      return committed;
    },
  };
}

async function runClients(
  url: string,
  options: Omit<PgbenchOptions, 'seconds'>,
  goesOn: () => boolean,
): Promise<number> {
  const counts = await Promise.all(
    Array.from({ length: options.clients }, () => runClient(url, goesOn, options.scale)),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

async function runClient(url: string, goesOn: () => boolean, scale: number): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let committed = 0;
  try {
    while (goesOn()) {
      const aid = 1 + Math.floor(Math.random() * scale * 100_000);
      const bid = 1 + Math.floor(Math.random() * scale);
      const tid = 1 + Math.floor(Math.random() * scale * 10);
      const delta = Math.floor(Math.random() * 10_001) - 5_000;
      await client.query(`begin;
        update pgbench_accounts set abalance = abalance + ${delta} where aid = ${aid};
        select abalance from pgbench_accounts where aid = ${aid};
        update pgbench_tellers set tbalance = tbalance + ${delta} where tid = ${tid};
        update pgbench_branches set bbalance = bbalance + ${delta} where bid = ${bid};
        insert into pgbench_history (tid, bid, aid, delta, mtime) values (${tid}, ${bid}, ${aid}, ${delta}, current_timestamp);
        commit`);
      committed += 1;
    }
  } finally {
    await client.end();
  }
  return committed;
}
